import assert from "node:assert/strict";
import * as tf from "../../src/engine/tensors.ts";
import { adamw, type ClipKind, isDecayed, moveTeacher } from "../../src/train/optimizer.ts";
import { randomStream } from "../../src/random.ts";

type Numbers = Record<string, number[]>;
const SHAPES: Record<string, number[]> = {
  "backbone.cls_token": [1, 1, 4],
  "a.weight": [3, 4],
  "a.bias": [3],
  "norm.weight": [4],
  "square.bias": [2, 2],
};

/** AdamW in plain double numbers, written from docs/spec.md §7 alone. */
function reference(p: Numbers, g: Numbers, m: Numbers, v: Numbers, t: number, o: {
  lr: number;
  wd: number;
  clip: number;
  clipKind: ClipKind;
}): number {
  const norm = (x: number[]) => Math.sqrt(x.reduce((sum, e) => sum + e * e, 0));
  const all = norm(Object.values(g).flat());
  for (const name of Object.keys(p)) {
    const size = o.clipKind === "global" ? all : norm(g[name]);
    const scale = o.clip > 0 && o.clipKind !== "off" ? Math.min(1, o.clip / (size + 1e-6)) : 1;
    const decayed = ["backbone.cls_token", "a.weight"].includes(name);
    for (let i = 0; i < p[name].length; i++) {
      const e = g[name][i] * scale;
      if (decayed) p[name][i] *= 1 - o.lr * o.wd;
      m[name][i] = 0.9 * m[name][i] + 0.1 * e;
      v[name][i] = 0.999 * v[name][i] + 0.001 * e * e;
      p[name][i] -= o.lr * (m[name][i] / (1 - 0.9 ** t)) /
        (Math.sqrt(v[name][i]) / Math.sqrt(1 - 0.999 ** t) + 1e-8);
    }
  }
  return all;
}

const numbers = (seed: number, scale: number): Numbers =>
  Object.fromEntries(
    Object.entries(SHAPES).map(([name, shape], i) => {
      const stream = randomStream(seed, "init", i);
      return [
        name,
        Array.from({ length: shape.reduce((a, b) => a * b) }, () => Math.fround(stream.normal() * scale)),
      ];
    }),
  );
const tensors = (values: Numbers) =>
  Object.fromEntries(Object.entries(values).map(([name, x]) => [name, tf.tensor(x, SHAPES[name])]));

for (
  const [clip, clipKind] of [[0, "tensor"], [1.5, "tensor"], [1.5, "global"], [1.5, "off"]] as [
    number,
    ClipKind,
  ][]
) {
  Deno.test(`adamw follows a double reference for five steps, clip ${clip} ${clipKind}`, async () => {
    await tf.setBackend("cpu");
    const p = numbers(1, 1), m = numbers(0, 0), v = numbers(0, 0);
    let state = { params: tensors(p), m: tensors(m), v: tensors(v) };
    for (let t = 1; t <= 5; t++) {
      // Small and large gradients, so that some tensors are clipped and others are not.
      const g = numbers(10 + t, t % 2 ? 0.3 : 3);
      const lr = 0.01 * t, wd = 0.4;
      const expected = reference(p, g, m, v, t, { lr, wd, clip, clipKind });
      const result = adamw({
        ...state,
        grads: tensors(g),
        lr: tf.scalar(lr),
        wd: tf.scalar(wd),
        bias1: tf.scalar(1 - 0.9 ** t),
        bias2: tf.scalar(1 - 0.999 ** t),
        clip,
        clipKind,
      });
      state = result;
      assert.ok(Math.abs((await result.gradNorm.data())[0] / expected - 1) < 1e-6);
    }
    for (const [kind, wanted] of [["params", p], ["m", m], ["v", v]] as const) {
      for (const name of Object.keys(SHAPES)) {
        const got = await state[kind][name].data();
        wanted[name].forEach((x, i) =>
          assert.ok(Math.abs(got[i] - x) <= 2e-6 * Math.max(1, Math.abs(x)), `${kind} ${name}[${i}]`)
        );
      }
    }
  });
}

Deno.test("decay leaves out biases and tensors of one axis only", () => {
  const decayed = Object.entries(SHAPES).filter(([name, shape]) => isDecayed(name, shape)).map(([name]) =>
    name
  );
  assert.deepEqual(decayed, ["backbone.cls_token", "a.weight"]);
});

Deno.test("adamw names a parameter without a gradient", async () => {
  await tf.setBackend("cpu");
  const p = { "a.weight": tf.zeros([1]) }, s = tf.scalar(1);
  assert.throws(
    () =>
      adamw({
        params: p,
        grads: {},
        m: p,
        v: p,
        lr: s,
        wd: s,
        bias1: s,
        bias2: s,
        clip: 0,
        clipKind: "off",
      }),
    /a\.weight has no gradient/,
  );
});

Deno.test("the teacher moves by one minus the momentum", async () => {
  await tf.setBackend("cpu");
  const moved = moveTeacher({ a: tf.tensor([1, 2]) }, { a: tf.tensor([3, 6]) }, tf.scalar(0.75));
  assert.deepEqual([...await moved.a.data()], [1.5, 3]);
});
