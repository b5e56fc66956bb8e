/** TensorFlow.js's own op tests, or a share of them, as a test; `deno task conformance` runs all. */
import assert from "node:assert/strict";
import { PLUGIN } from "./plugin.ts";
import { registerForTests } from "../../../src/conformance/backend.ts";
import { KNOWN } from "../../../src/conformance/known.ts";
import { keyOf, runConformance, sampled } from "../../../src/conformance/run.ts";

/** Tests that slice a tensor at every length need hundreds of programs each. */
const MANY = /threshold method otsu/;

/**
 * Tests that those pass that should, and those fail that are known to.
 *
 * @param share One test in how many is run, beside those known to fail.
 * @param least How many those are at least.
 */
export function testConformance(share: number, least: number): void {
  Deno.test(`TensorFlow.js's own op tests pass but for those known to fail, and those fail: one in ${share}`, async () => {
    const client = await registerForTests(PLUGIN);
    try {
      const outcomes = await runConformance("xla", {
        tests: (file, name) => keyOf({ file, name }) in KNOWN || (sampled(name, share) && !MANY.test(name)),
      });
      assert.ok(outcomes.length > least, `only ${outcomes.length} tests ran`);
      const failed = outcomes.filter(({ passed }) => !passed);
      const surprises = failed.filter((outcome) => !(keyOf(outcome) in KNOWN));
      assert.deepEqual(
        surprises.map((outcome) => `${keyOf(outcome)}: ${outcome.message}`),
        [],
        "these fail and are not in src/conformance/known.ts",
      );
      const stale = Object.keys(KNOWN).filter((key) => !failed.some((outcome) => keyOf(outcome) === key));
      assert.deepEqual(stale, [], "these pass or are gone: take them out of src/conformance/known.ts");
    } finally {
      client.close();
    }
  });
}
