/** Numbers of neighbours, rows and classes that cannot be: an error, not another result, and never a search without end. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { openSource } from "../../../src/data/open/open_data.ts";
import { openWasm } from "../../../src/engine/wasm.ts";
import { embedData } from "../../../src/eval/embedding/embed_data.ts";
import { openEmbedding } from "../../../src/eval/embedding/open.ts";
import { type HeadTraining, trainHeads } from "../../../src/eval/heads.ts";
import { findNeighbours } from "../../../src/eval/knn.ts";
import { logisticFitter } from "../../../src/eval/logistic.ts";
import { nearest } from "../../../src/eval/nearest.ts";
import { runProtocols } from "../../../src/eval/protocols/run.ts";
import { findDuplicates } from "../../../src/eval/search/duplicates.ts";
import { keptGallery, rowsGallery } from "../../../src/eval/search/gallery.ts";
import { searchPictures } from "../../../src/eval/search/search.ts";
import { openPictureSet, setRows } from "../../../src/eval/search/set.ts";
import { initModel } from "../../../src/model/init.ts";
import { type ModelConfig, PRESETS } from "../../../src/model/config.ts";
import { latestCheckpoint } from "../../../src/train/run/checkpoint.ts";
import { exportModel } from "../../../src/weights/export/export.ts";
import { openSafetensors } from "../../../src/files/safetensors.ts";
import { png } from "../../data/pictures.ts";
import { SMALL } from "../../user.ts";
import { withFolder } from "../../with_folder.ts";

const engine = await openWasm();
const rows = { rows: 3, width: 2, data: Float32Array.of(1, 0, 0, 1, 0.6, 0.8) };

Deno.test("neighbours, duplicates and probes", async () => {
  for (const k of [0, -1, NaN, 1.5]) {
    await assert.rejects(
      nearest(engine, rows, rows, k),
      /^RangeError: k is .*; it must be a whole number from 1$/,
    );
    await assert.rejects(findNeighbours(engine, rows, null, k), /^RangeError: k is/);
  }
  await assert.rejects(
    nearest(engine, { ...rows, rows: 4 }, rows, 1),
    /^RangeError: 4 rows of 2 numbers cannot be 6/,
  );
  const odd = { ...rows, data: Float32Array.of(1, 0, 0, NaN, 0, 1) };
  await assert.rejects(nearest(engine, odd, rows, 1), /the features of query 1 are not finite numbers/);
  const gallery = rowsGallery(rows);
  for (const together of [0, NaN, -1]) {
    await assert.rejects(
      findDuplicates(engine, gallery, 0.5, { together }),
      /^RangeError: blocks of .* rows/,
    );
  }
  await assert.rejects(
    findDuplicates(engine, gallery, 0.5, { size: 2 }),
    /^RangeError: size is 2, but there is a row of number 2$/,
  );
  assert.throws(
    () => keptGallery(gallery, [1]),
    /^RangeError: there are 3 rows, but only 1 are said to be kept or not$/,
  );
  const training: HeadTraining = {
    norm: false,
    optimizer: "sgd",
    lrs: [0.1],
    epochs: 1,
    warmupEpochs: 0,
    schedule: "step",
    batchSize: 3,
  };
  for (const labels of [[0, 1, 2], [0, 1, -1], [0, 1, NaN]]) {
    const message = /^RangeError: row 2 is of class .*, none of the 2 classes from 0 on$/;
    await assert.rejects(trainHeads(engine, { ...rows, labels }, 2, training).next(), message);
    assert.throws(() => logisticFitter(engine, { ...rows, labels }, 2), message);
  }
  assert.throws(
    () => logisticFitter(engine, { ...rows, labels: [0] }, 2),
    /there are 3 rows, but classes of 1/,
  );
  for (const batchSize of [0, NaN]) {
    const steps = trainHeads(engine, { ...rows, labels: [0, 1, 0] }, 2, { ...training, batchSize });
    await assert.rejects(steps.next(), /^RangeError: steps of .* of 3 pictures/);
  }
  await assert.rejects(
    runProtocols(["few-shot" as "fewshot"], {} as never),
    /^RangeError: there is no protocol "few-shot"; take knn/,
  );
});

Deno.test("embedding files, searches in them, and exports", () =>
  withFolder(async (folder) => {
    const photos = join(folder, "photos"), out = join(folder, "a.safetensors");
    await Deno.mkdir(photos);
    for (const tone of [1, 2, 3]) await Deno.writeFile(join(photos, `${tone}.png`), await png(tone, 16, 16));
    const config: ModelConfig = { ...PRESETS.demo, ...SMALL }, state = initModel(config, 0);
    const data = await openSource(photos);
    const embed = (more: object) => embedData({ engine, config, state, model: "m", data, out, ...more });
    await assert.rejects(
      embed({ tokens: ["patches"] }),
      /^RangeError: there is no token "patches"; take class, mean, blocks, all$/,
    );
    for (const batchSize of [0, NaN]) {
      await assert.rejects(embed({ batchSize }), /^RangeError: batch size must be/);
    }
    for (const partBytes of [0, NaN]) {
      await assert.rejects(embed({ partBytes }), /^RangeError: partBytes is/);
    }
    await assert.rejects(embed({ signal: AbortSignal.abort(new Error("enough")) }), { message: "enough" });
    assert.deepEqual([...Deno.readDirSync(folder)].map(({ name }) => name), ["photos"], "nothing was begun");

    await embed({});
    const set = await openPictureSet(out), one = await setRows(set, [0]);
    const search = (count: number, k?: number) =>
      searchPictures(engine, set, Array.from({ length: count }, (_, i) => ({ name: `${i}`, row: 0 })), one, {
        k,
      });
    for (const k of [0, -1, 1.5]) {
      await assert.rejects(search(1, k), new RegExp(`^RangeError: k is ${k}; it must be`));
    }
    await assert.rejects(search(2), /^RangeError: 2 queries have 1 rows of features$/);
    set.close();
    set.close();
    await assert.rejects(setRows(set, [1]), { message: `${out}: already closed` });
    for (const ending of ["parquet", "lmdb"]) {
      const other = join(folder, `b.${ending}`);
      await embed({ out: other });
      const file = await openEmbedding(other);
      file.close();
      file.close();
      await assert.rejects(file.rows("class"), /: already closed$/);
    }
    await data.close();

    await assert.rejects(openSafetensors(folder), {
      message: `${folder}: a folder, where a safetensors file is needed`,
    });
    await assert.rejects(latestCheckpoint(out), /a\.safetensors: cannot read: Not a directory/);
    const model = { name: "m", config, tensors: {} } as never, place = join(folder, "export");
    await assert.rejects(
      exportModel(model, place, { to: "tflite" as "hf" }),
      /there is no format "tflite"; take hf, /,
    );
    await assert.rejects(Deno.stat(place), Deno.errors.NotFound);
  }));
