import assert from "node:assert/strict";
import fc from "npm:fast-check@4.10.2";
import * as tf from "../../src/engine/tensors.ts";
import { PRESETS } from "../../src/model/config.ts";
import { inventory } from "../../src/model/inventory.ts";
import { isMuons, muon, muonOfAll, orthogonalised } from "../../src/train/muon.ts";
import { adamw } from "../../src/train/optimizer.ts";
import { randomStream } from "../../src/random.ts";

/** A rotation of n dimensions, the product of rotations in the planes of neighbouring axes. */
function rotation(n: number, angle: number): number[][] {
  let q = Array.from({ length: n }, (_, r) => Array.from({ length: n }, (_, c) => Number(r === c)));
  for (let k = 0; k + 1 < n; k++) {
    const [c, s] = [Math.cos(angle + k), Math.sin(angle + k)];
    q = q.map((row) => {
      const turned = [...row];
      turned[k] = c * row[k] - s * row[k + 1];
      turned[k + 1] = s * row[k] + c * row[k + 1];
      return turned;
    });
  }
  return q;
}

/** U·diag(s)·Vᵀ of `rows` × `columns`. */
function composed(u: number[][], s: number[], v: number[][], rows: number, columns: number): number[][] {
  return Array.from(
    { length: rows },
    (_, r) =>
      Array.from(
        { length: columns },
        (_, c) => s.reduce((sum, value, k) => sum + u[r][k] * value * v[c][k], 0),
      ),
  );
}

Deno.test("the update has the gradient's singular vectors, and singular values near 1", async () => {
  await tf.setBackend("cpu");
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 2, max: 6 }),
      fc.integer({ min: 2, max: 6 }),
      fc.double({ min: 0, max: 6, noNaN: true }),
      fc.array(fc.double({ min: 0.05, max: 1, noNaN: true }), { minLength: 6, maxLength: 6 }),
      fc.constantFrom(1e-4, 1, 1e4),
      async (rows, columns, angle, values, size) => {
        const u = rotation(rows, angle), v = rotation(columns, angle + 1);
        const s = values.slice(0, Math.min(rows, columns)).map((value) => value * size);
        const got = await orthogonalised(tf.tensor2d(composed(u, s, v, rows, columns))).array() as number[][];
        // In the bases of the singular vectors the result must be diagonal.
        for (let i = 0; i < rows; i++) {
          for (let j = 0; j < columns; j++) {
            let inner = 0;
            for (let r = 0; r < rows; r++) {
              for (let c = 0; c < columns; c++) {
                inner += u[r][i] * got[r][c] * v[c][j];
              }
            }
            if (i === j) assert.ok(inner > 0.6 && inner < 1.3, `singular value ${inner}`);
            else assert.ok(Math.abs(inner) < 1e-3, `off the diagonal ${inner}`);
          }
        }
      },
    ),
    { numRuns: 40 },
  );
  assert.deepEqual([...await orthogonalised(tf.zeros([3, 2])).data()], [0, 0, 0, 0, 0, 0]);
});

Deno.test("a step of Muon: momentum with a look ahead, decay, and an update of AdamW's size", async () => {
  await tf.setBackend("cpu");
  // 1 × 4: the update is the direction itself, times 0.2·√4.
  const p = tf.tensor([1, 2, 3, 4], [1, 1, 2, 2]), g = tf.tensor([3, 0, 0, 4], [1, 1, 2, 2]);
  const m = tf.tensor([1, 1, 1, 1], [1, 1, 2, 2]);
  const moved = muon({ p, g, m, lr: tf.scalar(0.5), keep: tf.scalar(0.9) });
  assert.deepEqual([...await moved.m.data()].map((x) => +x.toFixed(5)), [3.95, 0.95, 0.95, 4.95]);
  const ahead = [3 + 0.95 * 3.95, 0.95 * 0.95, 0.95 * 0.95, 4 + 0.95 * 4.95];
  const length = Math.hypot(...ahead), after = await moved.p.data();
  const sizes = ahead.map((x, i) => (0.9 * (i + 1) - after[i]) / (0.5 * 0.2 * 2) / (x / length));
  for (const size of sizes) {
    assert.ok(size > 0.6 && size < 1.3 && Math.abs(size - sizes[0]) < 1e-4, `${sizes}`);
  }
  assert.deepEqual(moved.p.shape, [1, 1, 2, 2]);
});

Deno.test("Muon takes the weights of layers, AdamW the rest, and those of Muon have one moment", async () => {
  await tf.setBackend("cpu");
  const trained = inventory(PRESETS.thumbnail).filter(({ role }) => role === "param");
  const rest = trained.filter(({ name, shape }) => !isMuons(name, shape) && shape.length > 1);
  assert.deepEqual(rest.map(({ name }) => name.replace(/\d/, "0")), [
    "backbone.cls_token",
    "backbone.pos_embed",
    ...Array(4).fill("backbone.blocks.0.local.weight"),
    "head.mask_feat",
    "head.unconv.weight",
  ]);

  const draw = (shape: number[], n: number) => {
    const stream = randomStream(7, "init", n), size = shape.reduce((a, b) => a * b);
    return tf.tensor(Float32Array.from({ length: size }, () => stream.normal()), shape);
  };
  const params = { "a.weight": draw([4, 3], 0), "a.bias": draw([4], 1) };
  const grads = { "a.weight": draw([4, 3], 2), "a.bias": draw([4], 3) };
  const m = { "a.weight": tf.zeros([4, 3]), "a.bias": tf.zeros([4]) }, v = { "a.bias": tf.zeros([4]) };
  const scalars = { lr: tf.scalar(0.1), wd: tf.scalar(0.5), bias1: tf.scalar(0.1), bias2: tf.scalar(0.001) };
  const input = { params, grads, m, ...scalars, clip: 0, clipKind: "off" as const };
  const mixed = adamw({ ...input, v, muons: isMuons });
  const plain = adamw({ ...input, v: { ...v, "a.weight": tf.zeros([4, 3]) } });
  assert.deepEqual(Object.keys(mixed.v), ["a.bias"]);
  assert.deepEqual(await mixed.params["a.bias"].data(), await plain.params["a.bias"].data());
  const alone = muon({
    p: params["a.weight"],
    g: grads["a.weight"],
    m: m["a.weight"],
    lr: scalars.lr,
    keep: tf.scalar(0.95),
  });
  const off = tf.max(tf.abs(tf.sub(alone.p, mixed.params["a.weight"])));
  assert.ok((await off.data())[0] < 1e-6);
  assert.throws(() => adamw({ ...input, v }), /a\.weight has no optimiser moments/);
});

Deno.test("Muon's matrices of one size computed at once are what each is by itself", async () => {
  await tf.setBackend("cpu");
  const shapes = [[4, 6], [6, 4], [5, 5], [4, 2, 3], [4, 6], [3, 1], [1, 3]];
  const draw = (shape: number[], n: number) => {
    const stream = randomStream(9, "init", n), size = shape.reduce((a, b) => a * b);
    return tf.tensor(Float32Array.from({ length: size }, () => stream.normal()), shape);
  };
  const inputs = shapes.map((shape, i) => ({
    ...{ p: draw(shape, 3 * i), g: draw(shape, 3 * i + 1), m: draw(shape, 3 * i + 2) },
    ...{ lr: tf.scalar(0.1 + i), keep: tf.scalar(0.9) },
  }));
  const alone = inputs.map(muon), together = muonOfAll(inputs, true);
  for (const [i, { p, m }] of together.entries()) {
    assert.deepEqual(p.shape, shapes[i]);
    assert.deepEqual(await m.data(), await alone[i].m.data());
    const off = await tf.max(tf.abs(tf.sub(p, alone[i].p))).data();
    assert.ok(off[0] < 1e-5, `${shapes[i]}: ${off[0]}`);
  }
  // Three sizes, of 4 × 6 four, of 1 × 3 two; three products in each of five iterations.
  const products = async (at: boolean) => {
    const { kernels } = await tf.profile(() => muonOfAll(inputs, at)[0].p);
    return kernels.filter(({ name }) => name === "BatchMatMul").length;
  };
  assert.deepEqual([await products(true), await products(false)], [45, 105]);
});
