import assert from "node:assert/strict";
import fc from "npm:fast-check@4.10.2";
import { CHECKS } from "../../../src/engine/self_test/checks.ts";
import { SPECIALS } from "../../../src/engine/self_test/inputs.ts";
import { fault, passing, selfTest, UnfitEngineError } from "../../../src/engine/self_test/self_test.ts";
import * as tf from "../../../src/engine/tensors.ts";
import type { Engine, JitOptions } from "../../../src/engine/types.ts";
import { changed, madeUpEngine, type Wrong, type WrongKernels } from "./made_up.ts";

/** What a made-up engine gets wrong. */
async function faultsOf(kernels: WrongKernels, change?: Partial<Engine>): Promise<string[]> {
  const engine = await madeUpEngine(kernels, change);
  try {
    return await selfTest(engine);
  } finally {
    await engine.close();
  }
}

/** Results where not-a-number has become 0. */
const zeroed = changed((y) => Number.isNaN(y) ? 0 : y);

/** Results where infinities have become the largest number. */
const bounded = changed((y) => Math.abs(y) === Infinity ? Math.sign(y) * 3.4e38 : y);

/** Reductions that pass over what is no number, as many libraries do. */
const skipping = (reduce: (row: number[]) => number) =>
  changed((_, i, { inputs, elements }) => {
    const { shape } = inputs.x!, width = shape[shape.length - 1];
    return reduce([...elements(inputs.x!).slice(i * width, (i + 1) * width)].filter((x) => !Number.isNaN(x)));
  });

/** Kernels that are wrong, each alone, and the check that has to notice. */
const WRONG: readonly [what: string, kernels: WrongKernels, noticed: RegExp][] = [
  [
    "a sum that is one too many",
    { Add: changed((y, i) => i === 700 ? y + 1 : y) },
    /^a tensor as it was given/,
  ],
  ["bytes with a sign", { Cast: changed((y) => y > 127 ? y - 256 : y) }, /^bytes as they were given/],
  ["a transpose of one axis too few", {
    Transpose: ({ inputs, attrs, right }) => {
      const perm = attrs.perm as number[];
      return right(inputs, { perm: String(perm) === "3,1,0,2" ? [1, 3, 0, 2] : perm });
    },
  }, /^transpose by 3,1,0,2/],
  [
    "a reverse that does nothing",
    { Reverse: ({ inputs, right }) => right(inputs, { dims: [] }) },
    /^reverse, slice/,
  ],
  [
    "a border of ones",
    { PadV2: ({ inputs, attrs, right }) => right(inputs, { ...attrs, constantValue: 1 }) },
    /pad/,
  ],
  ["a difference that cancels", {
    Sub: changed((y, _, { inputs: { a, b } }) => a!.dataId === b!.dataId ? 0 : y),
  }, /^x − x/],
  ["nothing times anything is nothing", { Multiply: zeroed }, /^x · 0/],
  ["a quotient that is bounded", { RealDiv: bounded }, /^1 ÷ x/],
  ["relu", { Relu: zeroed }, /^relu\(x\): of not-a-number came 0; not-a-number is right$/],
  ["relu of infinity", { Relu: bounded }, /^relu\(x\): of Infinity came 3\.\d+e\+?38; Infinity is right$/],
  ["relu6", { Relu6: zeroed }, /^relu6/],
  ["maximum", { Maximum: zeroed }, /^maximum\(x, 0\)/],
  ["a maximum that hides its second operand's", {
    Maximum: changed((y, i, { inputs: { a, b }, elements }) => {
      const at = (x: tf.TensorInfo) => elements(x)[elements(x).length === 1 ? 0 : i];
      return at(a!) < at(b!) ? at(b!) : Number.isNaN(y) ? at(a!) : y;
    }),
  }, /^maximum\(0, x\)/],
  ["minimum", { Minimum: zeroed }, /^minimum\(x, 0\)/],
  ["clipping", { ClipByValue: changed((y) => Number.isNaN(y) ? -3 : y) }, /^clipByValue/],
  ["abs", { Abs: zeroed }, /^abs/],
  ["square", { Square: zeroed }, /^square/],
  ["floor", { Floor: zeroed }, /^floor/],
  ["sqrt", { Sqrt: zeroed }, /^sqrt/],
  ["rsqrt", { Rsqrt: bounded }, /^rsqrt/],
  ["exp", { Exp: bounded }, /^exp/],
  ["log", { Log: zeroed }, /^log/],
  ["tanh", { Tanh: zeroed }, /^tanh/],
  ["sigmoid", { Sigmoid: zeroed }, /^sigmoid/],
  ["erf", { Erf: zeroed }, /^erf/],
  ["not-a-number that equals itself", {
    Equal: changed((y, _, { inputs: { a, b } }) => a!.dataId === b!.dataId ? 1 : y),
  }, /^comparisons/],
  ["not-a-number that is not known as such", { IsNan: changed(() => 0) }, /^comparisons/],
  ["infinities that count as finite", { IsFinite: changed(() => 1) }, /^comparisons/],
  ["a choice of the wrong side", {
    Select: ({ inputs: { condition, t, e }, right }) => right({ condition, t: e, e: t }),
  }, /^where\(c, x, 0\)/],
  ["a choice by a product", {
    Select: changed((_, i, { inputs: { condition, t, e }, elements }) => {
      const c = Number(elements(condition!)[i]);
      return c * elements(t!)[i] + (1 - c) * elements(e!)[i];
    }),
  }, /^where/],
  ["sums", { Sum: skipping((row) => row.reduce((a, b) => a + b, 0)) }, /^sum along axis/],
  [
    "sums of rows that lack the last number",
    { Sum: changed((y, i) => i === 63 ? y - 1 : y) },
    /^sum along axis 1/,
  ],
  ["largest of rows", { Max: skipping((row) => Math.max(...row)) }, /^max along axis/],
  ["smallest of rows", { Min: skipping((row) => Math.min(...row)) }, /^min along axis/],
  ["means", { Mean: zeroed }, /^mean along axis/],
  ["softmax", { Softmax: zeroed }, /^sum of softmax/],
  ["products without what is no number", { BatchMatMul: zeroed }, /^matrix product spoilt × b: /],
  ["products that are a little off", { BatchMatMul: changed((y) => y + 1e-3) }, /^matrix product a × b: /],
  ["products that do not turn their first operand", {
    BatchMatMul: ({ inputs: { a, b }, attrs, right }) => {
      if (!attrs.transposeA) return right();
      return right(
        { a: { ...a!, shape: a!.shape.toSpliced(-2, 2, a!.shape.at(-1)!, a!.shape.at(-2)!) }, b },
        {
          ...attrs,
          transposeA: false,
        },
      );
    },
  }, /^matrix product aᵀᵀ × b: /],
  ["products that are right for the first matrix only", {
    BatchMatMul: changed((y, i) => i >= 33 * 35 ? 0 : y),
  }, /^matrix product manyA/],
];

Deno.test("an engine that computes rightly passes, and nothing is left behind", async () => {
  const engine = await madeUpEngine(), before = tf.memory();
  assert.deepEqual(await selfTest(engine), []);
  assert.deepEqual(await selfTest(engine), []);
  assert.deepEqual(tf.memory(), before);
  await engine.close();
});

Deno.test("a wrong kernel is noticed, whichever it is, and named with what came and what is right", async () => {
  const unnoticed: string[] = [];
  for (const [what, kernels, noticed] of WRONG) {
    const faults = await faultsOf(kernels);
    if (!faults.some((text) => noticed.test(text))) unnoticed.push(`${what}: ${faults.join("; ")}`);
  }
  assert.deepEqual(unnoticed, []);
});

Deno.test("what is lost on the way to the device is noticed", async () => {
  const floats: Engine["floats"] = (data, shape) =>
    tf.tensor(data.map((x) => Number.isNaN(x) ? 0 : x), shape);
  assert.match((await faultsOf({}, { floats }))[0], /^a tensor as it was given: of not-a-number came 0/);
  const bytes: Engine["bytes"] = (data, shape) =>
    tf.tensor(Int32Array.from(Int8Array.from(data)), shape, "int32");
  assert.match((await faultsOf({}, { bytes }))[0], /^bytes as they were given: came -128; 128 is right/);
});

/** A compiling engine whose functions are wrong in one way only. */
function compiling(wrong: (options: JitOptions<never>) => boolean): Partial<Engine> {
  return {
    compiles: true,
    devices: 2,
    jit: (fn, options = {}) => {
      const spoilt = wrong(options as JitOptions<never>);
      const call = (args: Parameters<typeof fn>[0]) =>
        tf.tidy(() => {
          const result = fn(args) as Record<string, tf.Tensor>;
          if (!spoilt) return result;
          return Object.fromEntries(Object.entries(result).map(([key, x]) => [key, tf.zerosLike(x)]));
        }) as unknown as ReturnType<typeof fn>;
      return Object.assign(call, {
        compile: () => Promise.resolve({ traceSeconds: 0, compileSeconds: 0, cached: false }),
        dispose: () => {},
      });
    },
  };
}

Deno.test("a compiling engine has to be right compiled, in bfloat16, split over devices, and op by op", async () => {
  assert.deepEqual(await faultsOf({}, compiling(() => false)), []);
  const compiled = await faultsOf({}, compiling(({ shard, precision }) => !shard && precision === "float32"));
  assert.ok(compiled.length > 20 && compiled.every((text) => !/bfloat16|split|not compiled/.test(text)));
  assert.match(
    String(await faultsOf({}, compiling(({ precision }) => precision === "bfloat16"))),
    /^matrix product spoilt × b, products of bfloat16: came 0; -?\d+ is right$/,
  );
  const split = await faultsOf({}, compiling(({ shard }) => shard !== undefined));
  assert.match(split.join("\n"), /^sum over all rows, split over 2 devices: [^]*product rowsᵀ × rows, split/);
  const singly = await faultsOf({ Relu: zeroed }, compiling(() => false));
  assert.match(singly.join("\n"), /^relu\(x\): .*\nrelu\(x\), not compiled with others: .* came 0/);
});

Deno.test("an engine that fails is closed and refused with the check, the device and what to do; one that passes is not asked again", async () => {
  let closed = 0;
  const close = () => Promise.resolve(void closed++);
  const wrong = await madeUpEngine({ Relu: zeroed });
  await assert.rejects(passing({ ...wrong, close }, { where: "the plugin /p.so" }), (error) => {
    assert.ok(error instanceof UnfitEngineError);
    assert.equal(error.engine, "wasm");
    assert.match(
      error.message,
      /^engine wasm \(a made-up device; the plugin \/p\.so\) is refused, because its self-test failed: relu\(x\): of /,
    );
    assert.match(error.message, /came 0; not-a-number is right\. .*take another engine/);
    return true;
  });
  await wrong.close();
  const broken = await madeUpEngine({
    Exp: () => {
      throw new Error("the device is gone");
    },
  });
  await assert.rejects(passing({ ...broken, close }), /could not be run \(the device is gone\)/);
  await broken.close();
  assert.equal(closed, 2);

  let asked = 0;
  const counted = { Relu: ({ right }: Wrong) => (asked++, right()) };
  const right = await madeUpEngine(counted);
  assert.equal(await passing(right), right);
  await passing(right);
  await right.close();
  assert.equal(asked, 1);
  for (const name of ["a", "a", "b"]) {
    await (await passing(await madeUpEngine(counted), { again: name })).close();
  }
  assert.equal(asked, 3);
});

Deno.test("only a number that is right, or close to it where that is allowed, is no fault", () => {
  const finite = SPECIALS.filter(Number.isFinite);
  const any = fc.oneof(fc.constantFrom(...SPECIALS), fc.float());
  fc.assert(fc.property(any, any, fc.constantFrom(0, 1e-3), (a, b, within) => {
    const same = Object.is(a + 0, b + 0);
    const close = Number.isFinite(a) && Number.isFinite(b) &&
      Math.abs(a - b) <= within * (Math.abs(b) + 1e-3);
    assert.equal(fault({ name: "", within, expected: () => [b] }, [a]) === undefined, same || close);
  }));
  assert.match(fault({ name: "", expected: () => finite }, [1])!, /^1 numbers came; 5 are right$/);
  assert.equal(new Set(CHECKS.map(({ name }) => name)).size, CHECKS.length);
});
