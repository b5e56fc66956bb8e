import assert from "node:assert/strict";
import { join } from "node:path";
import { sameNeighbours } from "../../bench/search.ts";
import { writeFeatures } from "../../bench/search_ours.ts";
import { openEmbedding } from "../../src/eval/embedding/open.ts";
import { withFolder } from "../with_folder.ts";

Deno.test("bench search: the features of a seed are always the same, those of another are others", () =>
  withFolder(async (folder) => {
    const read = async (name: string, seed: number) => {
      const path = join(folder, name);
      await writeFeatures(path, { rows: 10_003, width: 3, seed });
      const file = await openEmbedding(path), { data } = await file.rows("class");
      assert.equal((await file.keys()).at(-1), "10002.jpg");
      file.close();
      return data;
    };
    const [a, b, c] = [
      await read("a.safetensors", 4),
      await read("b.safetensors", 4),
      await read("c.safetensors", 5),
    ];
    assert.deepEqual(a, b);
    assert.ok(a.every((value) => Math.abs(value) < 2) && a.some((value, i) => value !== c[i]));
    // About as long on either side of 0, in both of its parts.
    for (const part of [a.subarray(0, 30_000), a.subarray(0, 9)]) {
      assert.ok(part.some((v) => v < 0) && part.some((v) => v > 0));
    }
    assert.ok(Math.abs(a.reduce((sum, value) => sum + value, 0) / a.length) < .02);
  }));

Deno.test("bench search: neighbours are compared rank by rank", () => {
  assert.equal(sameNeighbours([[1, 2], [3, 4]], [[1, 2], [3, 4]]), 1);
  assert.equal(sameNeighbours([[1, 2], [3, 4]], [[2, 1], [3, 4]]), .5);
  assert.equal(sameNeighbours([[1, 2]], []), 0);
});
