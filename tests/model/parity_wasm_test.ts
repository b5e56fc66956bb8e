import assert from "node:assert/strict";
import { errorOf } from "../../src/parity/compare.ts";
import { checkParity, formatParity } from "../../src/parity/run.ts";
import { openWasm } from "../../src/engine/wasm.ts";
import { readFixture } from "./fixtures.ts";
import { testParity } from "./parity.ts";

const engine = await openWasm();
testParity(engine);

Deno.test("parity: a weight changed by a thousandth is noticed", async () => {
  const golden = await readFixture("droppath");
  const name = "w.backbone.blocks.0.mlp.fc1.weight";
  const data = Float32Array.from(golden.tensors[name].data as Float32Array, (x) => x * 1.001);
  const changed = { ...golden, tensors: { ...golden.tensors, [name]: { ...golden.tensors[name], data } } };
  const report = await checkParity(engine, changed);
  assert.equal(report.pass, false);
  assert.match(formatParity(report), /FAIL gradients/);
});

Deno.test("parity: pictures that are two levels off, or a box by its last bit, are noticed", async () => {
  const golden = await readFixture("augment");
  const change = (name: string, by: (x: number) => number) => {
    const { data, ...rest } = golden.tensors[name];
    return { [name]: { ...rest, data: (data as Uint8Array | Float32Array).map(by) } };
  };
  const tensors = {
    ...golden.tensors,
    ...change("out.brightness.1.4", (x) => x > 127 ? x - 2 : x + 2),
    ...change("out.crop.1", (x) => x > 127 ? x - 3 : x + 3),
    ...change("out.box_examples", (x) => Math.fround(x * (1 + 2 ** -23))),
  };
  const { comparisons, pass } = await checkParity(engine, { ...golden, tensors });
  assert.equal(pass, false);
  const failed = comparisons.filter(({ pass }) => !pass).map(({ kind, name }) => `${kind}: ${name}`);
  assert.deepEqual(failed, [
    "resized pictures: out.crop.1",
    "crops: out.crop.1",
    "crops, all but 1 %: out.crop.1",
    "boxes: out.box_examples",
    "colours: out.brightness.1.4",
    "colours, all but 1 %: out.brightness.1.4",
  ]);
});

Deno.test("parity: a file without results is refused with what there could be", async () => {
  const golden = await readFixture("augment");
  const { "in.small": _, ...tensors } = golden.tensors;
  await assert.rejects(
    checkParity(engine, { ...golden, tensors }),
    /augment: holds no results of forward passes, /,
  );
});

Deno.test("parity: errors are measured as said, and nothing that is not finite passes", () => {
  assert.equal(errorOf("absolute", [1, 2], [1, 2.5]), 0.5);
  assert.equal(errorOf("relative", [1, 2], [1, 4]), 0.5);
  assert.equal(errorOf("relative", [1], [0]), Infinity);
  assert.equal(errorOf("relative to the largest", [1, 2], [1, 4]), 0.5);
  assert.equal(errorOf("relative to the first", [2, 7], [2, 5]), 1);
  assert.equal(errorOf("mean", [3, 4], [0, 5]), 2);
  assert.equal(errorOf("99th percentile", Array(101).fill(1).with(7, 9), Array(101).fill(0)), 1);
  assert.equal(errorOf("99th percentile", Array(100).fill(1).with(7, 9).with(8, 9), Array(100).fill(0)), 9);
  assert.equal(errorOf("relative L2", [3, 4], [0, 4]), 0.75);
  assert.equal(errorOf("relative L2", [0], [0]), 0);
  assert.equal(errorOf("relative L2", [NaN], [0]), Infinity);
  assert.equal(errorOf("absolute", [1], [1, 2]), Infinity);
});
