import assert from "node:assert/strict";
import type { Compiler } from "../../../src/engine/xla/compile/compiler.ts";
import { jit } from "../../../src/engine/xla/compile/jit.ts";
import { openXla } from "../../../src/engine/xla/open.ts";
import * as tf from "../../../src/engine/xla/tf.ts";
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
