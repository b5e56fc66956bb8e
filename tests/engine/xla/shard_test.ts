import assert from "node:assert/strict";
import { divideRows, openXla, splitRows, tf } from "../../../src/engine/xla/mod.ts";
import type { DeviceMesh } from "../../../src/engine/xla/compile/spread.ts";
import { PLUGIN } from "./plugin.ts";

const cache = await Deno.makeTempDir();
const xla = await openXla(PLUGIN, { devices: 4, cache });
const { backend, client } = xla;
globalThis.addEventListener("unload", () => Deno.removeSync(cache, { recursive: true }));

/** Means over all rows, a step downhill, something handed through, and something captured. */
const captured = tf.tensor2d(Float32Array.from({ length: 3000 }, (_, i) => i % 7), [1000, 3]);
const fit = ({ state, batch }: {
  state: { w: tf.Tensor2D; fixed: tf.Tensor1D };
  batch: { x: tf.Tensor; y: tf.Tensor };
}) => {
  const loss = (w: tf.Tensor) => {
    const rows = splitRows(tf.concat([tf.cast(batch.x, "float32"), batch.y]) as tf.Tensor2D);
    const z = tf.matMul(rows, w as tf.Tensor2D);
    return tf.mean(tf.square(tf.sub(z, tf.mean(z, 0)))).asScalar();
  };
  const { value, grad } = tf.valueAndGrad(loss)(state.w);
  return {
    state: { w: tf.sub(state.w, tf.mul(grad, 0.1)) as tf.Tensor2D, fixed: state.fixed },
    value,
    grad,
    sum: tf.sum(captured),
  };
};
const bytes = Uint8Array.from({ length: 8 * 3 }, (_, i) => i * 11 % 256);
const bytesTensor = () => {
  const { dataId, shape, dtype } = backend.adoptRows(bytes, [8, 3]);
  return tf.engine().makeTensorFromDataId(dataId, shape, dtype, backend) as tf.Tensor;
};
const start = () => ({
  state: { w: tf.tensor2d([0.1, 0.2, 0.3, -0.1, 0, 0.4], [3, 2]), fixed: tf.tensor1d([1, 2, 3, 4, 5]) },
  batch: { x: bytesTensor(), y: tf.ones([4, 3]) as tf.Tensor },
});

/** Three steps; everything that came out of them. */
function run(how: Parameters<typeof xla.jit<Parameters<typeof fit>[0], ReturnType<typeof fit>>>[1]) {
  const jitted = xla.jit(fit, how);
  const { batch, state: first } = start();
  let state = first;
  const seen: number[] = [];
  for (let i = 0; i < 3; i++) {
    const result = jitted({ state, batch });
    if (!how?.donate) tf.dispose(state);
    state = result.state;
    for (const t of [result.value, result.grad, result.sum]) {
      seen.push(...t.dataSync());
      t.dispose();
    }
  }
  seen.push(...state.w.dataSync(), ...state.fixed.dataSync());
  tf.dispose([state, batch]);
  jitted.dispose();
  return seen;
}

const close = (a: number[], b: number[]) => {
  assert.equal(a.length, b.length);
  a.forEach((x, i) =>
    assert.ok(Math.abs(x - b[i]) <= 1e-5 * Math.max(1, Math.abs(b[i])), `${i}: ${x}, ${b[i]}`)
  );
};

Deno.test("a function split over four devices gives what one device gives, by Shardy and by GSPMD", () => {
  const mesh = backend.mesh!;
  assert.equal(mesh.size, 4);
  assert.ok(mesh.shardy, "the CPU plugin knows Shardy");
  const before = client.counts(), tensors = tf.memory().numTensors;
  const one = run({ donate: ["state"] });
  const split = { donate: ["state"], shard: ["batch/x"] } as const;
  close(run(split), one);
  close(run({ donate: ["state"], shard: ["batch"] }), one);
  close(run({ shard: ["batch/x"] }), one);
  const held = backend as { mesh: DeviceMesh };
  try {
    held.mesh = { ...mesh, shardy: false };
    close(run(split), one);
  } finally {
    held.mesh = mesh;
  }
  assert.equal(tf.memory().numTensors, tensors);
  const after = client.counts();
  // What was captured stays, once on each device.
  assert.ok(after.bytes - before.bytes <= 4 * captured.size * 4 + 4 * 64, `${before.bytes} → ${after.bytes}`);
  assert.equal(after.executables, before.executables);
});

Deno.test("results are whole on every device, split arguments lie in parts, and both can be read and computed with", async () => {
  const jitted = xla.jit(({ x, w }: { x: tf.Tensor; w: tf.Tensor }) => tf.mul(tf.cast(x, "float32"), w), {
    shard: ["x"],
  });
  const x = bytesTensor(), w = tf.scalar(2);
  const y = jitted({ x, w });
  const parts = backend.entries.get(x.dataId).spread!;
  assert.deepEqual([parts.split, parts.buffers.map((b) => [b.device.id, ...b.dims])], [
    true,
    [0, 1, 2, 3].map((id) => [id, 2, 3]),
  ]);
  const whole = backend.entries.get(y.dataId).spread!;
  assert.deepEqual([whole.split, whole.buffers.map((b) => [b.device.id, ...b.dims])], [
    false,
    [0, 1, 2, 3].map((id) => [id, 8, 3]),
  ]);
  for (const buffer of whole.buffers) {
    assert.deepEqual([...new Float32Array(buffer.readSync().buffer)], [...bytes].map((b) => 2 * b));
  }
  // Op by op, on the first device.
  assert.deepEqual([...await tf.add(y, 1).data()], [...bytes].map((b) => 2 * b + 1));
  assert.deepEqual([...tf.add(x, 1).dataSync()], [...bytes].map((b) => b + 1));
  // A result as a split argument, and a split argument whole.
  assert.deepEqual([...jitted({ x: y, w }).dataSync()], [...bytes].map((b) => 4 * b));
  const { text } = jitted.lower({ x, w });
  assert.match(text, /sdy\.mesh @mesh = <\["data"=4\]>/);
  assert.match(text, /tensor<8x3xui8> \{sdy\.sharding = #sdy\.sharding<@mesh, \[\{"data"\}, \{\}\]>\}/);
  tf.dispose([x, y, w]);
  jitted.dispose();
});

Deno.test("donated arguments are given up on every device", () => {
  const jitted = xla.jit(({ w, x }: { w: tf.Tensor; x: tf.Tensor }) => ({ w: tf.add(w, tf.sum(x)) }), {
    donate: ["w"],
    shard: ["x"],
  });
  const x = tf.ones([4]);
  let w = tf.zeros([1000]) as tf.Tensor;
  ({ w } = jitted({ w, x }));
  const { bytes, buffers } = client.counts();
  for (let i = 0; i < 20; i++) ({ w } = jitted({ w, x }));
  assert.deepEqual([client.counts().bytes, client.counts().buffers], [bytes, buffers]);
  assert.equal(w.dataSync()[999], 84);
  const kept = w.clone();
  const next = jitted({ w, x });
  assert.throws(() => kept.dataSync(), /given up \(donated\)/);
  tf.dispose([next.w, x, kept]);
  jitted.dispose();
});

Deno.test("divided tensors lie in shares on the devices, stay there as results, and are read as one", async () => {
  const fn = ({ state, x }: { state: { m: tf.Tensor; odd: tf.Tensor }; x: tf.Tensor }) => {
    const seen = tf.sum(tf.cast(x, "float32"), 0);
    return { state: { m: divideRows(tf.add(state.m, tf.mean(seen))), odd: tf.mul(state.odd, 2) }, seen };
  };
  const how = { donate: ["state"], shard: ["x"], divide: ["state"] } as const;
  const jitted = xla.jit(fn, how), x = bytesTensor(), mean = bytes.reduce((a, b) => a + b) / 3;
  const numbers = Float32Array.from({ length: 8 * 300 }, (_, i) => i);
  let state = { m: tf.tensor2d(numbers, [8, 300]) as tf.Tensor, odd: tf.tensor1d([1, 2, 3]) as tf.Tensor };
  for (let i = 0; i < 2; i++) ({ state } = jitted({ state, x }));
  const { spread, buffer } = backend.entries.get(state.m.dataId);
  assert.equal(buffer, undefined);
  assert.deepEqual(spread!.buffers.map(({ dims }) => [...dims]), [[2, 300], [2, 300], [2, 300], [2, 300]]);
  // What four devices cannot share is whole on each.
  assert.deepEqual(backend.entries.get(state.odd.dataId).spread!.buffers.map(({ dims }) => dims[0]), [
    3,
    3,
    3,
    3,
  ]);
  const wanted = [...numbers].map((n) => n + 2 * mean);
  close([...await state.m.data()], wanted);
  close([...state.m.dataSync()], wanted);
  // Reading has made no whole copy on a device; computing op by op does.
  assert.equal(backend.entries.get(state.m.dataId).buffer, undefined);
  close([...tf.sub(state.m, 2 * mean).dataSync()], [...numbers]);
  close([...state.odd.dataSync()], [4, 8, 12]);
  const { text } = jitted.lower({ state, x });
  assert.match(
    text,
    /tensor<8x300xf32> \{tf\.aliasing_output = 0 : i32, sdy\.sharding = #sdy\.sharding<@mesh, \[\{"data"\}, \{\}\]>\}/,
  );
  // Over two processes of two devices each, rows are cut into four and shares into two.
  const held = backend as { mesh: DeviceMesh }, mesh = backend.mesh!;
  try {
    for (const shardy of [true, false]) {
      held.mesh = { ...mesh, shardy, devices: mesh.devices.slice(0, 2) };
      const { text } = xla.jit(fn, how).lower({ state: { ...state, m: tf.ones([2, 3]) }, x });
      for (
        const part of shardy
          ? ['sdy.mesh @mesh = <["process"=2, "data"=2]>', '[{"process", "data"}, {}]', '[{"data"}, {}]']
          : ['"{devices=[4,1]<=[4]}"', '"{devices=[2,1,2]<=[2,2]T(1,0) last_tile_dim_replicate}"']
      ) assert.ok(text.includes(part), `${part} in ${text}`);
    }
  } finally {
    held.mesh = mesh;
  }
  tf.dispose([state, x]);
  jitted.dispose();
});

Deno.test("a split program is kept on disk and loaded again", async () => {
  const fn = ({ x }: { x: tf.Tensor }) => tf.sum(tf.square(x));
  const x = tf.range(0, 8) as tf.Tensor;
  for (const cached of [false, true]) {
    const jitted = xla.jit(fn, { shard: ["x"] });
    assert.equal((await jitted.compile({ x })).cached, cached);
    assert.equal(jitted({ x }).dataSync()[0], 140);
    jitted.dispose();
  }
  x.dispose();
});

Deno.test("what devices add of a product is not rounded before, unless that is asked for", () => {
  // Each row is a part of the sum. Behind 1, bfloat16 counts in steps of 1 / 128.
  const x = tf.tensor2d([1, 1 / 512, 1 / 512, 1 / 512], [4, 1]), y = tf.tensor2d([1, 1, 1, 1], [4, 1]);
  const product = ({ x, y }: { x: tf.Tensor2D; y: tf.Tensor2D }) => tf.matMul(x, y, true) as tf.Tensor;
  const shard = ["x", "y"] as const, precision = "bfloat16";
  const given = (how: { shard?: typeof shard; sums?: "bfloat16" }) => {
    const jitted = xla.jit(product, { precision, ...how }), { text } = jitted.lower({ x, y });
    const result = jitted({ x, y }), [value] = result.dataSync();
    tf.dispose(result);
    jitted.dispose();
    return { value, rounded: /dot_general.*-> tensor<1x1xbf16>/.test(text) };
  };
  assert.deepEqual(given({ shard }), { value: 1 + 3 / 512, rounded: false });
  // On one device the result is rounded, as those of all products are. (A compiler may keep digits all the same.)
  assert.equal(given({}).rounded, true);
  assert.equal(given({ shard, sums: "bfloat16" }).rounded, true);
  tf.dispose([x, y]);
});

Deno.test("what cannot be split is refused with what to do", async () => {
  const fn = ({ x }: { x: tf.Tensor }) => tf.sum(x);
  const x = tf.ones([6, 2]);
  assert.throws(() => xla.jit(fn, { shard: ["x"] })({ x }), /x of shape \[6,2\].*4 devices.*divisible by 4/);
  assert.throws(() => xla.jit(fn, { shard: ["x/y"] })({ x }), /shard names x\/y.*arguments are x/);
  await assert.rejects(openXla(PLUGIN, { devices: 0 }), /0 devices/);
  x.dispose();
});

Deno.test("products and convolutions are counted", async () => {
  const product = xla.jit(({ a, b }: { a: tf.Tensor3D; b: tf.Tensor3D }) => tf.matMul(a, b));
  const a = tf.ones([2, 3, 4]) as tf.Tensor3D, b = tf.ones([2, 4, 5]) as tf.Tensor3D;
  assert.equal((await product.compile({ a, b })).flops, 2 * (2 * 3 * 5) * 4);
  const x = tf.ones([2, 8, 8, 3]) as tf.Tensor4D, f = tf.ones([3, 3, 3, 6]) as tf.Tensor4D;
  const convolved = xla.jit(({ x, f }: { x: tf.Tensor4D; f: tf.Tensor4D }) => tf.conv2d(x, f, 1, "valid"));
  assert.equal((await convolved.compile({ x, f })).flops, 2 * (2 * 6 * 6 * 6) * (3 * 3 * 3));
  const none = xla.jit(({ x }: { x: tf.Tensor4D }) => tf.add(x, 1));
  assert.equal((await none.compile({ x })).flops, 0);
  for (const jitted of [product, convolved, none]) jitted.dispose();
  tf.dispose([a, b, x, f]);
});
