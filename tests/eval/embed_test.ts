import assert from "node:assert/strict";
import * as tf from "../../src/engine/tensors.ts";
import { openWasm } from "../../src/engine/wasm.ts";
import { embedder } from "../../src/eval/embed.ts";
import type { Rows } from "../../src/eval/rows.ts";
import { gridSize } from "../../src/model/config.ts";
import { initModel } from "../../src/model/init.ts";
import { packView } from "../../src/views/pack.ts";
import { VIEW_FIELDS } from "../../src/views/types.ts";
import { TOY, toyPictures } from "./toy.ts";

const engine = await openWasm();
const state = initModel(TOY, 3);

function assertNear(found: Rows, expected: Rows, tolerance = 1e-4): void {
  assert.deepEqual([found.rows, found.width], [expected.rows, expected.width]);
  found.data.forEach((value, i) =>
    assert.ok(Math.abs(value - expected.data[i]) < tolerance, `${i}: ${value}`)
  );
}

/** Views that show the whole picture as it is, or mirrored. */
function wholeViews(count: number, flip: boolean): Float32Array {
  const views = new Float32Array(2 * count * VIEW_FIELDS);
  const crop = { top: 0, left: 0, height: 16, width: 16 };
  for (let i = 0; i < 2 * count; i++) {
    packView(
      { crop, flip: flip && i >= count, colour: null, grey: false, blur: 0, solarise: false },
      views,
      i * VIEW_FIELDS,
    );
  }
  return views;
}

Deno.test("embed: what a picture gets does not depend on the batches", async () => {
  const pictures = toyPictures(5);
  const whole = await embedder(engine, TOY, { batchSize: 5, patches: true, blocks: 2 }).pictures(
    state,
    pictures,
  );
  const parts = await embedder(engine, TOY, { batchSize: 2, patches: true, blocks: 2 }).pictures(
    state,
    pictures,
  );
  for (const kind of ["class", "mean", "patches", "blocks"] as const) assertNear(parts[kind]!, whole[kind]!);
  assert.deepEqual([whole.class.rows, whole.class.width], [5, 16]);
  assert.equal(whole.patches!.width, gridSize(TOY) ** 2 * 16);
  assert.notDeepEqual(whole.class.data.subarray(0, 16), whole.class.data.subarray(16, 32));
});

Deno.test("embed: the mean is that of the patches, the last of the blocks is the class token", async () => {
  const { class: token, mean, patches, blocks } = await embedder(engine, TOY, { patches: true, blocks: 2 })
    .pictures(state, toyPictures(2));
  const cells = gridSize(TOY) ** 2;
  for (let j = 0; j < 16; j++) {
    let sum = 0;
    for (let cell = 0; cell < cells; cell++) sum += patches!.data[cell * 16 + j];
    assert.ok(Math.abs(sum / cells - mean.data[j]) < 1e-5);
    assert.equal(blocks!.data[16 + j], token.data[j]);
  }
});

Deno.test("embed: inner blocks cost no second pass through the encoder", async () => {
  const products = async (blocks: number) => {
    const embed = embedder(engine, TOY, { batchSize: 2, blocks });
    const { kernels } = await tf.profile(async () => {
      await embed.pictures(state, toyPictures(2));
      return [];
    });
    return kernels.filter(({ name }) => /MatMul/.test(name)).length;
  };
  const one = await products(0);
  assert.ok(one > 0);
  assert.equal(await products(2), one);
});

Deno.test("embed: a view of the whole picture is the picture; views come out one after the other", async () => {
  const pictures = toyPictures(3), embed = embedder(engine, TOY, { batchSize: 4, patches: true });
  const plain = await embed.pictures(state, pictures);
  const { rendered, ...views } = await embed.views(state, pictures, wholeViews(3, true));
  assert.equal(views.class.rows, 6);
  assertNear({ ...plain.class, data: views.class.data.slice(0, 3 * 16) }, plain.class);
  assert.deepEqual(rendered.subarray(0, pictures.length), pictures);
  // The second views are mirrored.
  const pixel = (of: Uint8Array, picture: number, y: number, x: number) =>
    of[((picture * 16 + y) * 16 + x) * 3];
  for (let picture = 0; picture < 3; picture++) {
    for (let x = 0; x < 16; x++) {
      assert.equal(pixel(rendered, 3 + picture, 5, x), pixel(pictures, picture, 5, 15 - x));
    }
  }
});

Deno.test("embed: half a picture is refused", async () => {
  await assert.rejects(
    embedder(engine, TOY).pictures(state, new Uint8Array(100)),
    /no whole number of pictures of 16/,
  );
  await assert.rejects(
    embedder(engine, TOY).pictures(state, new Uint8Array(0)),
    /no whole number of pictures/,
  );
});
