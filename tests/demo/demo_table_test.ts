import assert from "node:assert/strict";
import { join } from "node:path";
import { prepareDemo } from "../../src/demo/pack.ts";
import { openWasm } from "../../src/engine/wasm.ts";
import { evaluateDemo, formatTable } from "../../src/demo/demo_table.ts";
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
      "trained patch tokens",
      "random class token",
      "random mean patch token",
      "random patch tokens",
      "pixels 8×8",
      "pixels 16×16",
    ]);
    for (const { meaning, category, crop } of table.rows) {
      for (const share of [meaning.top1, meaning.top5, category, crop.top1, crop.top5]) {
        assert.ok(share >= 0 && share <= 1);
      }
      assert.ok(meaning.top5 >= meaning.top1 && crop.top5 >= crop.top1);
    }
    // The two hands differ in brightness alone, so pixels find nearly every meaning: the questions are put rightly.
    assert.ok(table.rows.at(-1)!.meaning.top1 > .8, JSON.stringify(table.rows.at(-1)));
    assert.deepEqual(JSON.parse(await Deno.readTextFile(join(folder, "table.json"))), table);
    assert.deepEqual(await evaluateDemo(options), table);

    const lines = formatTable(table).split("\n");
    assert.match(lines[0], /^encoder +features +A top-1 +A top-5 +B kNN +R top-1 +R top-5$/);
    assert.equal(new Set(lines.slice(2, 10).map((line) => line.length)).size, 1);
    assert.equal(lines.at(-1), "Note: shortened");
  }));

Deno.test("demo table: shards of other pictures are refused", () =>
  withFolder(async (folder) => {
    const other = await colourFolder(folder, 1);
    const state = initModel(TOY, 0);
    await assert.rejects(
      evaluateDemo({ engine, config: TOY, state, train: other, heldout: other }),
      /blue\/0\.png is no key of the demo's pictures/,
    );
  }));
