/**
 * Looks at what `deno task train` has left and printed, for its form: `check_demo.ts RUN LOG`. The table must have its
 * rows and columns, all of them numbers, as text and as JSON alike; the metrics must be finite. No figure is judged.
 */
import assert from "node:assert/strict";
import { join } from "node:path";

const ROWS = [
  ...["trained", "random"].flatMap((encoder) =>
    ["class token", "mean patch token", "patch tokens"].map((features) => [encoder, features])
  ),
  ["pixels", "8×8"],
  ["pixels", "64×64"],
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

// A row: encoder, features, five shares in per cent.
const log = Deno.readTextFileSync(logFile).split("\n");
const printed = log.flatMap((line) => {
  const row = /^(trained|random|pixels) +(\S+(?: \S+)*?)((?: +\d+\.\d %){5})$/.exec(line);
  return row ? [{ names: [row[1], row[2]], shares: [...row[3].matchAll(/\d+\.\d/g)].map(Number) }] : [];
});
assert.deepEqual(printed.map(({ names }) => names), ROWS, "the rows of the printed table");
const { rows } = JSON.parse(Deno.readTextFileSync(join(run, "table.json")));
assert.equal(rows.length, ROWS.length);
printed.forEach(({ names, shares }, i) => {
  const { encoder, features, meaning, category, crop } = rows[i];
  assert.deepEqual([encoder, features], names);
  const stored = [meaning.top1, meaning.top5, category, crop.top1, crop.top5];
  shares.forEach((share, column) => {
    assert.ok(share >= 0 && share <= 100, `${names.join(" ")}, column ${column}: ${share}`);
    assert.equal(share, Number((100 * stored[column]).toFixed(1)), `${names.join(" ")}, column ${column}`);
  });
});
console.log(`${run}: ${metrics.length} steps, a table of ${rows.length} rows`);
