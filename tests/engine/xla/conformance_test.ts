import assert from "node:assert/strict";
import { PLUGIN } from "./plugin.ts";
import { registerForTests } from "../../../src/conformance/backend.ts";
import { KNOWN } from "../../../src/conformance/known.ts";
import { keyOf, runConformance, sampled } from "../../../src/conformance/run.ts";

/** One test in how many is run here; `deno task conformance` runs all. */
const SHARE = 4;

/** Tests that slice a tensor at every length need hundreds of programs each. */
const MANY = /threshold method otsu/;

Deno.test("TensorFlow.js's own op tests pass but for those known to fail, and those fail", async () => {
  const client = await registerForTests(PLUGIN);
  try {
    const outcomes = await runConformance("xla", {
      tests: (file, name) => keyOf({ file, name }) in KNOWN || (sampled(name, SHARE) && !MANY.test(name)),
    });
    assert.ok(outcomes.length > 700, `only ${outcomes.length} tests ran`);
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
