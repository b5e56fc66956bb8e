import assert from "node:assert/strict";
import { errorOf } from "../../src/parity/compare.ts";
import { checkParity, formatParity } from "../../src/parity/run.ts";
import { readFixture, testEngine } from "./fixtures.ts";

const engine = await testEngine();
const LEAST: Record<string, number> = { bn: 200, nobn: 160, droppath: 160, train: 75, eval: 12 };

for (const [name, least] of Object.entries(LEAST)) {
  Deno.test(`parity on ${engine.name}: ${name}`, async () => {
    const report = await checkParity(engine, await readFixture(name));
    assert.ok(report.pass, formatParity(report));
    assert.ok(report.comparisons.length >= least, `only ${report.comparisons.length} compared`);
    assert.deepEqual(report.untouched, []);
  });
}

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
