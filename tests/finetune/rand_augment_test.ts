import assert from "node:assert/strict";
import { join } from "node:path";
import * as tf from "../../src/engine/tensors.ts";
import { openWasm } from "../../src/engine/wasm.ts";
import { decodeSafetensors } from "../../src/files/safetensors.ts";
import { asFloat32 } from "../../src/files/stored_tensor.ts";
import {
  changePictures,
  drawChanges,
  equaliseRoom,
  packChanges,
  RAND_OPS,
  type RandChange,
} from "../../src/finetune/rand_augment.ts";
import { ROOT } from "../user.ts";

const path = join(ROOT, "tests/fixtures/randaugment.safetensors");
const { tensors } = decodeSafetensors(await Deno.readFile(path), path);
const [COUNT, SIZE] = tensors.before.shape;

/** Makes one change of each picture of the fixture, as [N, S, S, 3]. */
function made(changes: readonly (RandChange | null)[]): Uint8Array {
  return tf.tidy(() => {
    const base = tf.tensor(Float32Array.from(tensors.before.data as Uint8Array), [COUNT, SIZE, SIZE, 3]);
    const x = tf.transpose(base, [0, 1, 3, 2]) as tf.Tensor4D;
    const done = changePictures(x, packChanges(changes, SIZE));
    return Uint8Array.from(tf.transpose(done, [0, 1, 3, 2]).dataSync());
  });
}

Deno.test("each of the fifteen changes is Pillow's, to one level", async () => {
  await openWasm();
  for (const op of RAND_OPS) {
    const [amount] = asFloat32(tensors[`${op}.amount`]), wanted = tensors[op].data as Uint8Array;
    const found = made([{ op, amount }, { op, amount }]);
    const off = wanted.map((value, i) => Math.abs(value - found[i]));
    const worst = off.reduce((a, b) => Math.max(a, b)), odd = off.filter((x) => x > 0).length / off.length;
    assert.ok(
      worst <= 1 && odd < 0.05,
      `${op}: off by ${worst}, ${(100 * odd).toFixed(1)} % of the values differ`,
    );
  }
});

Deno.test("a picture without a change stays as it is, beside others with theirs", async () => {
  await openWasm();
  const before = tensors.before.data as Uint8Array, one = SIZE * SIZE * 3;
  assert.deepEqual(made([null, null]), before);
  for (const op of RAND_OPS) {
    const [amount] = asFloat32(tensors[`${op}.amount`]);
    assert.deepEqual(made([null, { op, amount }]).slice(0, one), before.slice(0, one), op);
  }
});

Deno.test("draws: half of two layers, every change alike, magnitudes near nine, always the same", () => {
  const all = Array.from({ length: 6000 }, (_, index) => drawChanges(2, 9, 1, 0, index)).flat();
  const some = all.filter((change) => change !== null);
  assert.ok(Math.abs(some.length / all.length - 0.5) < 0.02);
  for (const op of RAND_OPS) {
    const share = some.filter((change) => change.op === op).length / some.length;
    assert.ok(Math.abs(share - 1 / 15) < 0.012, `${op} ${share}`);
  }
  const of = (op: string) => some.filter((change) => change.op === op).map(({ amount }) => amount);
  const mean = (values: number[]) => values.reduce((a, b) => a + b, 0) / values.length;
  assert.ok(Math.abs(mean(of("rotate").map(Math.abs)) - 27) < 0.4 && Math.abs(mean(of("rotate"))) < 4);
  assert.ok(of("rotate").every((angle) => Math.abs(angle) <= 30));
  assert.ok(of("posterise").every((bits) => [0, 1, 2].includes(bits)));
  assert.ok(of("brightness").every((factor) => factor >= 0.1 && factor <= 1.9));
  assert.ok(of("translateX").every((share) => Math.abs(share) <= 0.45));
  assert.deepEqual(drawChanges(2, 9, 1, 4, 7), drawChanges(2, 9, 1, 4, 7));
  assert.notDeepEqual(
    Array.from({ length: 9 }, (_, i) => drawChanges(2, 9, 1, 4, i)),
    Array.from({ length: 9 }, (_, i) => drawChanges(2, 9, 1, 5, i)),
  );
});

Deno.test("more pictures to equalise than there is room for: those beyond it stay as they are", async () => {
  await openWasm();
  const count = 10, room = equaliseRoom(count), size = 20;
  assert.equal(room, 8);
  const x = tf.tensor(Float32Array.from({ length: count * size * 3 * size }, (_, i) => i % 97), [
    count,
    size,
    3,
    size,
  ]);
  const changes = Array.from({ length: count }, () => ({ op: "equalise" as const, amount: 0 }));
  const done = changePictures(x as tf.Tensor4D, packChanges(changes, size)).dataSync(), one = size * 3 * size;
  const same = (i: number) =>
    done.slice(i * one, (i + 1) * one).every((v, j) => v === x.dataSync()[i * one + j]);
  assert.deepEqual([same(0), same(7), same(8), same(9)], [false, false, true, true]);
});
