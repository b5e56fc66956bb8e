import assert from "node:assert/strict";
import { H100, scaleOf, scalingTables, sizesOf } from "../../bench/scaling.ts";

Deno.test("a step on eight cards exchanges what the formulas of docs/scaling.md say", () => {
  const sizes = sizesOf("base");
  assert.deepEqual([sizes.parameters, sizes.statistics, sizes.code, sizes.waits], [
    99_130_883,
    25_600,
    256,
    16,
  ]);
  const { bytes, compute, exchange, rate } = scaleOf(8, 512, sizes, H100);
  const codes = 4 * 1024 * 256, fixed = 4 * (99_130_883 + 25_600);
  assert.equal(bytes, fixed + 3 * codes);
  assert.ok(Math.abs(compute - 64 * 0.1771 / 256) < 1e-12);
  assert.ok(Math.abs(exchange - (2 * 7 / 8 * (fixed + 2 * codes) / 450e9 + 16 * 20e-6)) < 1e-12);
  assert.equal(rate, 512 / (compute + exchange));
});

Deno.test("between machines each card sends its eighth, and one card sends nothing", () => {
  const sizes = { parameters: 8, stored: 0, statistics: 0, waits: 0, code: 0 };
  const c = { ...H100, inside: 1, between: 1, pictureMs: 1000 };
  assert.equal(scaleOf(1, 4, sizes, c).exchange, 0);
  assert.equal(scaleOf(8, 8, sizes, c).exchange, 2 * 7 / 8 * 32);
  assert.equal(scaleOf(32, 32, sizes, c).exchange, 2 * 7 / 8 * 32 + 2 * 3 / 4 * 4);
});

Deno.test("docs/scaling.md has the tables as they are computed", async () => {
  const page = await Deno.readTextFile(new URL("../../docs/scaling.md", import.meta.url));
  for (const table of scalingTables("base", 64, 4096, H100)) assert.ok(page.includes(table), table);
});
