import assert from "node:assert/strict";
import { join } from "node:path";
import fc from "npm:fast-check@4.10.2";
import { openSource } from "../../src/data/open/open_data.ts";
import { resize } from "../../src/data/picture/resize.ts";
import * as tf from "../../src/engine/tensors.ts";
import { augmentedPicture, augmenter, drawCrop } from "../../src/eval/augment.ts";
import { embedder } from "../../src/eval/embed.ts";
import { embedSource } from "../../src/eval/feature_set.ts";
import { measure } from "../../src/eval/measure.ts";
import { formatMeasures } from "../../src/eval/protocols/table.ts";
import { initModel } from "../../src/model/init.ts";
import { randomStream } from "../../src/random.ts";
import { testEngine } from "../model/fixtures.ts";
import { colourFolder, TOY, toyPictures, withFolder } from "./toy.ts";

const engine = await testEngine();
const state = initModel(TOY, 0);

Deno.test("random crops lie in the picture, with the area and the ratio that are asked for", () => {
  const sides = fc.record({
    width: fc.integer({ min: 1, max: 600 }),
    height: fc.integer({ min: 1, max: 600 }),
  });
  fc.assert(fc.property(sides, fc.nat(1000), fc.constantFrom("again", "cut"), (picture, seed, misfit) => {
    const crop = drawCrop(picture, { method: "bilinear", misfit }, randomStream(seed, "augment"));
    assert.ok(crop.width >= 1 && crop.height >= 1 && crop.top >= 0 && crop.left >= 0);
    assert.ok(crop.top + crop.height <= picture.height && crop.left + crop.width <= picture.width);
  }));
  const areas: number[] = [], ratios: number[] = [];
  for (let seed = 0; seed < 3000; seed++) {
    const { width, height } = drawCrop(
      { width: 500, height: 500 },
      { method: "bicubic", misfit: "again" },
      randomStream(seed, "augment"),
    );
    areas.push(width * height / 250000);
    ratios.push(width / height);
  }
  const mean = (values: number[]) => values.reduce((a, b) => a + b) / values.length;
  assert.ok(Math.min(...areas) > .075 && Math.min(...areas) < .1 && Math.max(...areas) <= 1);
  // Large crops that do not fit are drawn again, so the mean lies a little below that of .08 … 1.
  assert.ok(Math.abs(mean(areas) - .51) < .03, `${mean(areas)}`);
  assert.ok(
    Math.min(...ratios) > .74 && Math.max(...ratios) < 1.35 && Math.abs(mean(ratios.map(Math.log))) < .02,
  );
  // A strip has no crop of such a ratio: the middle, as wide as may be.
  const strip = drawCrop(
    { width: 300, height: 10 },
    { method: "bilinear", misfit: "again" },
    randomStream(1, "augment"),
  );
  assert.deepEqual(strip, { width: 13, height: 10, top: 0, left: 143 });
});

Deno.test("a random crop is the resized part, or its mirror image", () => {
  const picture = { width: 16, height: 16, data: toyPictures(1) },
    kind = { method: "bilinear", misfit: "again" } as const;
  let mirrored = 0;
  for (let seed = 0; seed < 20; seed++) {
    const found = augmentedPicture(picture, 8, kind, randomStream(seed, "augment"));
    const part = drawCrop(picture, kind, randomStream(seed, "augment"));
    const { data } = resize(picture, 8, 8, "bilinear", part);
    const mirror = Uint8Array.from(data, (_, i) => {
      const column = Math.floor(i / 3) % 8, row = Math.floor(i / 24);
      return data[(row * 8 + 7 - column) * 3 + i % 3];
    });
    const same = data.every((value, i) => value === found[i]);
    if (!same) assert.deepEqual(found, mirror);
    mirrored += same ? 0 : 1;
  }
  assert.ok(mirrored > 3 && mirrored < 17, `${mirrored}`);
});

Deno.test("features of random crops: in the order asked for, new in each epoch, the same for the same seed", () =>
  withFolder(async (folder) => {
    const source = await openSource(await colourFolder(folder, 3));
    const embed = embedder(engine, TOY, { batchSize: 4, blocks: 2 }),
      how = { embed, state, imageSize: 16, blocks: 2 };
    const set = await embedSource(source, { ...how, batchSize: 4 }), crops = augmenter(source, how);
    const kind = { method: "bicubic", misfit: "cut" } as const;
    const read = async (order: number[], epoch: number) =>
      await Array.fromAsync(crops.batches(set, order, { batch: 2, epoch, kind, seed: 1 }));
    const [first, second, ...none] = await read([8, 0, 4, 3, 1], 0);
    assert.equal(none.length, 0, "a last part that fills no batch is left out");
    assert.deepEqual([first.labels, second.labels], [[2, 0], [1, 1]]);
    assert.deepEqual([first.blocks!.width, first.class!.rows], [32, 2]);
    const [again] = await read([4, 3], 0), [other] = await read([4, 3], 1);
    assert.deepEqual(again.class!.data, second.class!.data);
    assert.notDeepEqual(other.class!.data, second.class!.data);
    await source.close();
  }));

Deno.test("protocols: linear probes learn from random crops, of one pass for all heads, and tables mark them", () =>
  withFolder(async (folder) => {
    const train = await openSource(await colourFolder(join(folder, "train"), 6));
    const test = await openSource(await colourFolder(join(folder, "test"), 3));
    const model = { name: "toy", config: TOY, state }, before = tf.memory().numTensors;
    const common = {
      engine,
      model,
      train,
      test,
      epochs: 12,
      batchSize: 8,
      embedBatch: 8,
      augment: true,
    } as const;
    const report = await measure({ ...common, protocols: ["linear"], recipes: ["saae", "grid"], lrs: [1] });
    assert.deepEqual(
      report.rows.map(({ protocol, augmented, settings }) => [protocol, augmented, settings.heads]),
      [
        ["linear saae", true, undefined],
        ["linear saae", true, undefined],
        ["linear grid", true, 8],
      ],
    );
    for (const { top1 } of report.rows) assert.ok(top1.value > .6, `${top1.value}`);
    assert.match(
      formatMeasures(report, "text"),
      /2 class tokens, random crops .*\n[^]*Random crops: probes learned from new/,
    );
    assert.ok(tf.memory().numTensors - before <= 4, "tensors are left over");
    await assert.rejects(
      measure({ ...common, train: "features.safetensors", protocols: ["linear"] }),
      /features\.safetensors: random crops need the pictures themselves/,
    );
    for (const source of [train, test]) await source.close();
  }));
