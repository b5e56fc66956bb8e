import assert from "node:assert/strict";
import { join } from "node:path";
import { evaluateDemo } from "../../src/demo/demo_table.ts";
import { prepareDemo } from "../../src/demo/pack.ts";
import { QUESTIONS } from "../../src/demo/questions.ts";
import { formatTable, type Table, type TableRow } from "../../src/demo/table_text.ts";
import { openWasm } from "../../src/engine/wasm.ts";
import { initModel } from "../../src/model/init.ts";
import { fakeOptions } from "./fake.ts";
import { colourFolder, TOY, withFolder } from "../eval/toy.ts";

const engine = await openWasm();

Deno.test("demo table: every row, the same again, and a file of it", () =>
  withFolder(async (folder) => {
    const shards = await prepareDemo(undefined, await fakeOptions(folder, 40));
    const [state, random] = [initModel(TOY, 0), initModel(TOY, 1)];
    const options = { engine, config: TOY, state, random, ...shards, notes: ["shortened"] };
    const table = await evaluateDemo({ ...options, run: folder });
    assert.deepEqual(table.rows.map(({ encoder, features }) => `${encoder} ${features}`), [
      "trained class token",
      "trained mean patch token",
      "random class token",
      "random mean patch token",
      "pixels 8×8",
      "pixels 16×16",
    ]);
    for (const row of table.rows) {
      for (const question of QUESTIONS) {
        const { value, low, high, top5 } = row[question];
        assert.ok(0 <= low && low <= value && value <= high && high <= 1, JSON.stringify(row));
        if (question === "sort") assert.equal(top5, undefined);
        else assert.ok(top5! >= 0 && top5! <= 1);
      }
    }
    // The two hands differ in brightness alone, so pixels find every emoji while all are aligned.
    assert.equal(table.rows.at(-1)!.aligned.value, 1);
    // The lead is over the better pixels of each question.
    for (const question of QUESTIONS) {
      const [own, , , , small, large] = table.rows.map((row) => row[question].value);
      assert.ok(Math.abs(table.lead[question].value - (own - Math.max(small, large))) < 1e-12, question);
    }
    assert.deepEqual(JSON.parse(await Deno.readTextFile(join(folder, "table.json"))), table);
    assert.deepEqual(await evaluateDemo(options), table);

    const lines = formatTable(table).split("\n");
    assert.match(lines[0], /^encoder +features +find +sort +crop +aligned$/);
    assert.equal(new Set(lines.slice(1, 8).map((line) => line.length)).size, 1);
    assert.equal(lines.at(-1), "Note: shortened");
  }));

Deno.test("demo table: of pixels the better size of each question, intervals where users ask, a line of differences", () => {
  const score = (value: number) => ({ value, low: value - .04, high: value + .05 });
  const row = (encoder: string, features: string, ...[find, sort, crop, aligned]: number[]): TableRow => ({
    encoder,
    features,
    find: score(find),
    sort: score(sort),
    crop: score(crop),
    aligned: score(aligned),
  });
  const table: Table = {
    caption: ["find: what is found."],
    rows: [
      row("trained", "class token", .5, .4, .3, 1),
      row("pixels", "8×8", .05, .31, .2, .75),
      row("pixels", "64×64", .061, .3, .25, .7),
    ],
    chance: { find: .01, sort: 1 / 9, crop: .001, aligned: .01 },
    lead: {
      find: { value: .439, low: .4, high: .5 },
      sort: { value: -.02, low: -.05, high: .031 },
      crop: { value: .05, low: .01, high: .1 },
      aligned: { value: .25, low: .2, high: .3 },
    },
    notes: [],
  };
  assert.deepEqual(formatTable(table).split("\n"), [
    "encoder  features         find              sort             crop  aligned",
    "──────────────────────────────────────────────────────────────────────────",
    "trained  class token    50.0 % (46–55)    40.0 % (36–45)   30.0 %  100.0 %",
    "pixels   8×8 or 64×64    6.1 % (2–11)     31.0 % (27–36)   25.0 %   75.0 %",
    "chance                   1.0 %            11.1 %            0.1 %    1.0 %",
    "",
    "find: what is found.",
    "Trained class token less pixels, in points: find +43.9 (40.0 to 50.0), sort −2.0 (−5.0",
    "    to 3.1), crop +5.0 (1.0 to 10.0), aligned +25.0 (20.0 to 30.0).",
  ]);
});

Deno.test("demo table: shards of other pictures are refused", () =>
  withFolder(async (folder) => {
    const other = await colourFolder(folder, 1);
    const state = initModel(TOY, 0);
    await assert.rejects(
      evaluateDemo({ engine, config: TOY, state, train: other, heldout: other }),
      /blue\/0\.png is no key of the demo's pictures/,
    );
  }));
