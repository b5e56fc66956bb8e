import assert from "node:assert/strict";
import type { Engine } from "../../src/engine/types.ts";
import { checkParity, formatParity } from "../../src/parity/run.ts";
import { readFixture } from "./fixtures.ts";

/** The golden files kept as fixtures, and how many tensors of each are compared at least. */
const LEAST: Record<string, number> = { bn: 200, nobn: 160, droppath: 160, train: 75, eval: 12, augment: 56 };

/** The golden file that engine xla computes fully optimised: forward and backward with batch norm, for both flip rules. */
export const OPTIMISED = "bn";

/**
 * Tests that an engine gives the golden values.
 *
 * @param chosen Tells by a golden file's name whether to test it. Default: all of them.
 */
export function testParity(engine: Engine, chosen: (name: string) => boolean = () => true): void {
  for (const [name, least] of Object.entries(LEAST).filter(([name]) => chosen(name))) {
    Deno.test(`parity on ${engine.name}: ${name}`, async () => {
      const report = await checkParity(engine, await readFixture(name));
      assert.ok(report.pass, formatParity(report));
      assert.ok(report.comparisons.length >= least, `only ${report.comparisons.length} compared`);
      assert.deepEqual(report.untouched, []);
    });
  }
}
