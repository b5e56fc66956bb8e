import assert from "node:assert/strict";
import type { Compiler } from "../../../src/engine/xla/compile/compiler.ts";
import { jit } from "../../../src/engine/xla/compile/jit.ts";
import { openXla } from "../../../src/engine/xla/open.ts";
import * as tf from "../../../src/engine/xla/tf.ts";
import { plainEngine } from "../../../src/engine/op_by_op.ts";
import { xlaEngine } from "../../../src/engine/xla_engine.ts";
import { PLUGIN } from "./plugin.ts";

const xla = await openXla(PLUGIN, { devices: 2 });
const { backend, client, compiler } = xla;

/** More numbers than are written into a program. */
const many = (length = 2000) => tf.tensor1d(Float32Array.from({ length }, (_, i) => i % 7));

Deno.test("what a function has captured is given back where its program cannot be compiled", async () => {
  const broken: Compiler = {
    compile: () => {
      throw new Error("no memory");
    },
    compileAsync: () => Promise.reject(new Error("no memory")),
  };
  const captured = many(), x = tf.scalar(2);
  const scaled = jit(backend, broken, ({ x }: { x: tf.Tensor }) => tf.mul(captured, x));
  assert.throws(() => scaled({ x }), /no memory/);
  await assert.rejects(scaled.compile({ x }), /no memory/);
  assert.equal(backend.refCount(captured.dataId), 1);
  tf.dispose([captured, x]);
});

const factor = many(1500);

/** Fails while gradients are taken. */
function failing({ x }: { x: tf.Tensor }): { dx: tf.Tensor } {
  const loss = (x: tf.Tensor) => {
    const y = tf.mul(tf.exp(tf.sin(x)), factor);
    if (y.rank === 1) throw new Error("no further");
    return tf.sum(y);
  };
  return { dx: tf.grad(loss)(x) };
}
Deno.test("a function that throws in the middle of its gradients leaves nothing behind, and others go on", () => {
  const x = tf.reshape(many(1500), [1500]), right = tf.reshape(x, [1, 1500]);
  const tried = (fn: (args: { x: tf.Tensor }) => { dx: tf.Tensor }) => {
    assert.throws(() => fn({ x }), /no further/);
    const before = [tf.memory().numTensors, backend.refCount(factor.dataId)];
    assert.throws(() => fn({ x }), /no further/);
    assert.deepEqual([tf.memory().numTensors, backend.refCount(factor.dataId)], before);
    fn({ x: right }).dx.dispose();
  };
  const compiled = jit(backend, compiler, failing), ids = backend.numDataIds();
  tried(compiled);
  compiled.dispose();
  assert.equal(backend.numDataIds(), ids);
  tried(plainEngine("xla", "op by op").jit(failing));
  tf.dispose([x, right]);
});

Deno.test("while another backend is current it is said why nothing can be traced", async () => {
  const doubled = jit(backend, compiler, ({ x }: { x: tf.Tensor }) => tf.mul(x, 2)), x = tf.ones([3]);
  await tf.setBackend("cpu");
  assert.throws(() => doubled({ x }), /current backend is cpu/);
  await tf.setBackend("xla");
  assert.deepEqual([...doubled({ x }).dataSync()], [2, 2, 2]);
  doubled.dispose();
});

Deno.test("variables are read at each call, whatever their size, and not kept", () => {
  const values = [tf.tensor1d([1, 2, 3]), tf.scalar(4), tf.ones([2000]), many()];
  const x = tf.scalar(2),
    before = tf.memory().numTensors,
    variables = values.map((value) => tf.variable(value));
  const sums = jit(backend, compiler, ({ x }: { x: tf.Tensor }) => ({
    sums: tf.stack(variables.map((variable) => tf.sum(tf.mul(variable, x)))),
  }));
  const check = (factor: number) => {
    const wanted = values.map((value) => factor * tf.tidy(() => value.sum().dataSync()[0]));
    assert.deepEqual(tf.tidy(() => [...sums({ x }).sums.dataSync()]), wanted);
  };
  check(2);
  variables.forEach((variable, i) => tf.tidy(() => variable.assign(tf.mul(values[i], -3))));
  check(-6);
  const first = variables[0].dataId;
  assert.equal(backend.refCount(first), 1, "the program holds nothing of a variable");
  const assigns = jit(backend, compiler, ({ x }: { x: tf.Tensor }) => {
    variables[1].assign(tf.mul(x, 3));
    return { x };
  });
  assert.throws(() => assigns({ x }), /assigns to the variable .*jit_test.*return the value/);
  assert.equal(variables[1].dataSync()[0], -12, "it holds what it held");
  check(-6);
  variables[0].dispose();
  assert.throws(() => sums({ x }), /reads the variable .*disposed of/);
  for (const one of [sums, assigns]) one.dispose();
  for (const variable of variables) variable.dispose();
  tf.dispose([...values, x]);
  assert.equal(tf.memory().numTensors, before - values.length - 1);
});

Deno.test("a function that makes a variable is refused, and others go on", () => {
  const x = tf.scalar(2), before = Object.keys(tf.engine().registeredVariables).length;
  const makes = jit(backend, compiler, ({ x }: { x: tf.Tensor }) => tf.mul(tf.variable(x), 2));
  assert.throws(() => makes({ x }), /makes a variable .*jit_test/);
  assert.equal(Object.keys(tf.engine().registeredVariables).length, before);
  const doubled = jit(backend, compiler, ({ x }: { x: tf.Tensor }) => tf.mul(x, 2));
  assert.equal(doubled({ x }).dataSync()[0], 4);
  const made = tf.variable(x);
  made.assign(tf.scalar(3));
  for (const one of [makes, doubled, made, x]) one.dispose();
});

Deno.test("what is no tensor among arguments and results is told by its place", () => {
  const x = tf.scalar(2), gone = tf.scalar(1);
  gone.dispose();
  const wrong = [undefined, null, 3, "a", new Float32Array(2), gone] as unknown as tf.Tensor[];
  const told = [
    "undefined",
    "null",
    "a number",
    "a string",
    "a typed array",
    "a tensor that has been disposed of",
  ];
  const first = jit(backend, compiler, ({ x }: { x: tf.Tensor; y: tf.Tensor[] }) => x);
  for (const [i, y] of wrong.entries()) {
    assert.throws(() => first({ x, y: [x, y] }), new RegExp(`argument y/1 is ${told[i]}`));
    const returns = jit(backend, compiler, ({ x }: { x: tf.Tensor }) => ({ a: tf.neg(x), b: y }));
    assert.throws(() => returns({ x }), new RegExp(`result b is ${told[i]}`));
  }
  const later = jit(
    backend,
    compiler,
    ({ x }: { x: tf.Tensor }) => Promise.resolve(x) as unknown as tf.Tensor,
  );
  assert.throws(() => later({ x }), /result is a promise/);
  x.dispose();
});

Deno.test("a record whose keys come in another order is the same program's, each tensor in its place", () => {
  let traced = 0;
  const step = jit(backend, compiler, ({ state: { a, b }, lists: [first, { c }] }: {
    state: Record<string, tf.Tensor>;
    lists: [tf.Tensor, Record<string, tf.Tensor>];
  }) => {
    traced++;
    return { state: { b: tf.add(b, first), a: tf.sub(a, c) } };
  }, { donate: ["state"] });
  const [first, c, d] = [tf.scalar(10), tf.scalar(3), tf.scalar(0)];
  let state: Record<string, tf.Tensor> = { a: tf.scalar(1), b: tf.scalar(2) };
  state = step({ state, lists: [first, { c, d }] }).state;
  assert.deepEqual(Object.keys(state), ["b", "a"]);
  const given = state;
  state = step({ lists: [first, { d, c }], state }).state;
  assert.deepEqual([state.a.dataSync()[0], state.b.dataSync()[0]], [1 - 3 - 3, 2 + 10 + 10]);
  assert.ok(given.a.isDisposed && given.b.isDisposed && !c.isDisposed);
  assert.equal(traced, 1);
  step.dispose();
  tf.dispose([first, c, d, state]);
});

Deno.test("a function that is compiled twice at a time has one program", async () => {
  const captured = many(), x = tf.scalar(2), before = client.counts().executables;
  const scaled = jit(backend, compiler, ({ x }: { x: tf.Tensor }) => tf.mul(captured, x));
  const [first, second] = await Promise.all([scaled.compile({ x }), scaled.compile({ x })]);
  assert.equal(first, second);
  assert.equal(client.counts().executables, before + 1);
  assert.equal(backend.refCount(captured.dataId), 2);
  scaled.dispose();
  assert.equal(client.counts().executables, before);
  assert.equal(backend.refCount(captured.dataId), 1);
  tf.dispose([captured, x]);
});

Deno.test("who shares a donated tensor that was handed on is told that it is gone", async () => {
  const next = jit(
    backend,
    compiler,
    ({ state }: { state: { w: tf.Tensor; n: tf.Tensor } }) => ({ w: state.w, n: tf.add(state.n, 1) }),
    { donate: ["state"] },
  );
  const w = many(3), shared = w.clone();
  const result = next({ state: { w, n: tf.scalar(1) } });
  assert.throws(() => shared.dataSync(), /given up \(donated\)/);
  await assert.rejects(shared.data(), /given up \(donated\)/);
  assert.throws(() => tf.add(shared, 1), /given up \(donated\)/);
  assert.deepEqual([...result.w.dataSync(), ...result.n.dataSync()], [0, 1, 2, 2]);
  tf.dispose([shared, result]);
  next.dispose();
});

Deno.test("waiting for tensors that lie divided leaves them so", async () => {
  const engine = xlaEngine(xla, { devices: 2 });
  const step = engine.jit(
    ({ state, x }: { state: { m: tf.Tensor }; x: tf.Tensor }) => ({
      state: { m: tf.add(state.m, tf.sum(x)) },
    }),
    { donate: ["state"], shard: ["x"], divide: ["state"] },
  );
  const x = tf.ones([2]), { state } = step({ state: { m: tf.reshape(many(2000), [2, 1000]) }, x });
  await engine.ready({ state, x });
  assert.equal(backend.entries.get(state.m.dataId).buffer, undefined);
  assert.equal(state.m.dataSync()[1], 3);
  tf.dispose([state, x]);
  step.dispose();
});

Deno.test("a kernel of the host that refuses its inputs leaves nothing behind", () => {
  const cpu = tf.findBackend("cpu"),
    wrong = () =>
      tf.sparse.sparseFillEmptyRows(tf.tensor2d([[5, 0]], [1, 2], "int32"), tf.tensor1d([1]), [2, 2], 0);
  assert.throws(() => tf.tidy(wrong), /indices/);
  const before = cpu.numDataIds();
  assert.throws(() => tf.tidy(wrong), /indices/);
  assert.equal(cpu.numDataIds(), before);
});

Deno.test("gradients go through compiled functions that are called while they are taken", () => {
  const factor = tf.variable(tf.tensor1d([3, 4])), x = tf.tensor1d([1, 2]);
  const scaled = jit(backend, compiler, ({ x }: { x: tf.Tensor }) => tf.mul(tf.square(x), factor));
  assert.deepEqual([...scaled({ x }).dataSync()], [3, 16]);
  const dx = tf.grad((x: tf.Tensor) => tf.sum(tf.add(tf.square(x), scaled({ x }))))(x);
  assert.deepEqual([...dx.dataSync()], [2 + 6, 4 + 16]);
  const { grads } = tf.variableGrads(() => tf.sum(tf.add(factor, scaled({ x }))));
  assert.deepEqual([...grads[factor.name].dataSync()], [1 + 1, 1 + 4]);
  scaled.dispose();
  tf.dispose([factor, x, dx, grads]);
});

Deno.test("a tensor that shares a variable's values keeps them when the variable is assigned to", () => {
  const variable = tf.variable(many()), kept = variable.clone(), last = 5;
  const both = jit(
    backend,
    compiler,
    () => ({ now: tf.add(variable, 0), before: tf.add(kept, 0), beside: tf.add(variable, kept) }),
  );
  const values = () => Object.values(both({})).map((tensor) => tensor.dataSync()[last]);
  assert.deepEqual(values(), [last, last, 2 * last]);
  tf.tidy(() => variable.assign(tf.mul(variable, 10)));
  assert.deepEqual(values(), [10 * last, last, 11 * last]);
  both.dispose();
  tf.dispose([variable, kept]);
});

Deno.test("what is given up must not be needed elsewhere, and it is said where it is", () => {
  const captured = tf.add(many(), 0);
  const sum = jit(
    backend,
    compiler,
    ({ state, x }: { state: Record<string, tf.Tensor>; x: tf.Tensor }) => ({
      w: tf.add(tf.add(state.w, x), captured),
    }),
    { donate: ["state"] },
  );
  const w = tf.add(many(), 1), x = many();
  assert.throws(
    () => sum({ state: { w }, x: w }),
    /state\/w is given up \(donated\), but x is the same tensor/,
  );
  assert.throws(
    () => sum({ state: { w, v: w }, x }),
    /state\/w is given up .* but state\/v is the same tensor/,
  );
  assert.throws(() => sum({ state: { w: captured }, x }), /what the function uses besides its arguments/);
  assert.equal(sum({ state: { w }, x }).w.dataSync()[5], 5 + 1 + 5 + 5);
  sum.dispose();
  tf.dispose([captured, x]);
});
