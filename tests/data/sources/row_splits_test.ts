import assert from "node:assert/strict";
import { closeData } from "../../../src/data/open/data.ts";
import { openData, type OpenDataOptions } from "../../../src/data/open/open_data.ts";
import type { Source } from "../../../src/data/types.ts";
import { fixturePath } from "../helpers.ts";
import { withFolder } from "../pictures.ts";

/** The rows that are opened, and what was said. */
async function rowsOf(uri: string, options: OpenDataOptions = {}) {
  const said: string[] = [];
  const data = await openData(uri, { ...options, progress: (line) => said.push(line) });
  try {
    assert.ok(data.access === "random");
    const source: Source = data.source, rows: number[] = [];
    for (let i = 0; i < source.length; i++) {
      const { key } = await source.get(i);
      assert.equal(await source.key(i), key);
      rows.push(Number(key.split(":").at(-1)));
    }
    return { rows, said: said.join("\n") };
  } finally {
    await closeData(data);
  }
}

Deno.test("Parquet: a column that names each row's split keeps test pictures apart", async () => {
  await withFolder(async (folder) => {
    // A name that states no split.
    const path = `${folder}/table.parquet`;
    await Deno.copyFile(fixturePath("splits.parquet"), path);
    const train = await rowsOf(path);
    assert.deepEqual(train.rows, [0, 2]);
    assert.match(
      train.said,
      /column split: takes the split train \(1 value\) and leaves out test \(1\), validation \(1\), 1 value of no split \(null\)/,
    );
    for (const uri of [path, folder]) {
      assert.deepEqual((await rowsOf(`${uri}#split=test`)).rows, [1, 5]);
      assert.deepEqual((await rowsOf(`${uri}#split=train+val`)).rows, [0, 2, 3]);
      assert.deepEqual((await rowsOf(`${uri}#split=all`)).rows, [0, 1, 2, 3, 4, 5]);
    }
    await assert.rejects(
      rowsOf(path, { role: "test" }),
      /column split: holds .* Say which one is meant: #split=train/,
    );
    await assert.rejects(
      rowsOf(`${path}#split=extra`),
      /holds no value of split "extra".* there are train, test/,
    );
    // A file that is named as a split is of that one.
    await Deno.copyFile(path, `${folder}/train.parquet`);
    assert.equal((await rowsOf(`${folder}/train.parquet`)).rows.length, 6);
  });
});

Deno.test("Parquet: a column of subsets that are no splits takes nothing away, and states none", async () => {
  const path = fixturePath("subsets.parquet");
  assert.deepEqual(await rowsOf(path), { rows: [0, 1], said: "" });
  await assert.rejects(
    rowsOf(`${path}#split=train`),
    /holds no file of split "train"; no name states a split/,
  );
});
