/**
 * Looks at what `deno task train` has left and printed: `check_demo.ts RUN LOG`. The table must have its rows and columns, all
 * of them numbers, as text and as JSON alike; the metrics must be finite. Figures of encoders are not judged; those of
 * pixels must be those of every run.
 */
import assert from "node:assert/strict";
import { join } from "node:path";

const QUESTIONS = ["find", "sort", "crop", "aligned"] as const;
const ROWS = [
  ...["trained", "random"].flatMap((encoder) =>
    ["class token", "mean patch token"].map((features) => [encoder, features])
  ),
  ["pixels", "8×8 or 64×64"],
  ["chance", ""],
];

const [run, logFile] = Deno.args;
const files = [...Deno.readDirSync(run)].map(({ name }) => name);
for (const name of ["checkpoints", "config.json", "metrics.jsonl", "reconstruction.png", "table.json"]) {
  assert.ok(files.includes(name), `${run} has no ${name}`);
}

// Evaluators have lines of their own beside those of the steps.
const metrics = Deno.readTextFileSync(join(run, "metrics.jsonl")).trim().split("\n")
  .map((line) => JSON.parse(line))
  .filter(({ evaluator }) => evaluator === undefined);
assert.ok(metrics.length > 0, "no metrics");
metrics.forEach((line, i) => {
  assert.equal(line.step, i + 1);
  for (const name of ["loss", "lr", "imagesPerSecond"]) {
    assert.ok(Number.isFinite(line[name]), `step ${line.step}: ${name} is ${line[name]}`);
  }
});

// A row: encoder, features, four shares in per cent, the first two with their interval.
const log = Deno.readTextFileSync(logFile).split("\n");
const FORM = /^(trained|random|pixels|chance) +(\S+(?: \S+)*?)??((?: +\d+\.\d %(?: \(\d+–\d+\))?){4})$/;
const printed = log.flatMap((line) => {
  const row = FORM.exec(line);
  return row ? [{ names: [row[1], row[2] ?? ""], shares: [...row[3].matchAll(/\d+\.\d/g)].map(Number) }] : [];
});
assert.deepEqual(printed.map(({ names }) => names), ROWS, "the rows of the printed table");

/** A share of right answers as table.json has it. */
interface Score {
  value: number;
  low: number;
  high: number;
}
type Row = { encoder: string; features: string } & Record<typeof QUESTIONS[number], Score>;
const { rows, chance, lead }: { rows: Row[]; chance: Record<string, number>; lead: Record<string, Score> } =
  JSON
    .parse(Deno.readTextFileSync(join(run, "table.json")));
const pixels = rows.filter(({ encoder }) => encoder === "pixels");
assert.deepEqual(pixels.map(({ features }) => features), ["8×8", "64×64"]);
for (const { encoder, features, ...scores } of rows) {
  for (const question of QUESTIONS) {
    const { value, low, high } = scores[question];
    assert.ok(0 <= low && low <= value && value <= high && high <= 1, `${encoder} ${features}: ${question}`);
  }
}
printed.forEach(({ names: [encoder, features], shares }, i) => {
  QUESTIONS.forEach((question, column) => {
    const stored = encoder === "chance"
      ? chance[question]
      : encoder === "pixels"
      ? Math.max(...pixels.map((row) => row[question].value))
      : rows[i][question].value;
    const where = `${encoder} ${features}, ${question}`;
    assert.equal(shares[column], Number((100 * stored).toFixed(1)), where);
    if (encoder !== "chance") assert.ok(rows[i].encoder === encoder, where);
  });
});
for (const question of QUESTIONS) {
  const better = Math.max(...pixels.map((row) => row[question].value));
  assert.ok(
    Math.abs(lead[question].value - (rows[0][question].value - better)) < 1e-9,
    `lead of ${question}`,
  );
}
// The questions do not depend on the run, so neither does what pixels answer: as in docs/demo.md.
const PIXELS = { find: .12, sort: .197, crop: .208, aligned: .601 };
for (const question of QUESTIONS) {
  const best = Math.max(...pixels.map((row) => row[question].value));
  assert.ok(Math.abs(best - PIXELS[question]) < .01, `pixels, ${question}: ${best}, not ${PIXELS[question]}`);
}
console.log(`${run}: ${metrics.length} steps, a table of ${rows.length} rows`);
