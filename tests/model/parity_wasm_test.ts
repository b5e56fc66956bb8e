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

Deno.test("parity: errors are measured as said, and nothing that is not finite passes", () => {
  assert.equal(errorOf("absolute", [1, 2], [1, 2.5]), 0.5);
  assert.equal(errorOf("relative", [1, 2], [1, 4]), 0.5);
  assert.equal(errorOf("relative", [1], [0]), Infinity);
  assert.equal(errorOf("relative to the largest", [1, 2], [1, 4]), 0.5);
  assert.equal(errorOf("relative to the first", [2, 7], [2, 5]), 1);
  assert.equal(errorOf("relative L2", [3, 4], [0, 4]), 0.75);
  assert.equal(errorOf("relative L2", [0], [0]), 0);
  assert.equal(errorOf("relative L2", [NaN], [0]), Infinity);
  assert.equal(errorOf("absolute", [1], [1, 2]), Infinity);
});
