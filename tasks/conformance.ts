/**
 * Runs TensorFlow.js's own op tests on the xla backend and says what passed.
 *
 *     deno task conformance [--filter WORDS] [--backend xla|cpu] [--verbose]
 */
import { parseArgs } from "node:util";
import { providePlugin } from "../src/engine/install/plugin.ts";
import { registerForTests } from "../tests/engine/xla/conformance_backend.ts";
import { KNOWN } from "../tests/engine/xla/conformance_known.ts";
import { keyOf, type Outcome, runConformance } from "../tests/engine/xla/conformance_run.ts";

const { values } = parseArgs({
  args: Deno.args,
  options: {
    filter: { type: "string", default: "" },
    backend: { type: "string", default: "xla" },
    verbose: { type: "boolean", default: false },
  },
});
if (values.backend !== "xla" && values.backend !== "cpu") {
  console.error(`--backend is ${values.backend}; it can be xla or cpu.`);
  Deno.exit(2);
}

const start = performance.now();
const client = values.backend === "xla" ? await registerForTests((await providePlugin()).path) : undefined;
const outcomes = await runConformance(values.backend, {
  tests: (file, name) => keyOf({ file, name }).includes(values.filter),
});
const files = new Map<string, Outcome[]>();
for (const outcome of outcomes) files.set(outcome.file, [...files.get(outcome.file) ?? [], outcome]);
for (const [file, all] of files) {
  const failed = all.filter(({ passed }) => !passed);
  console.log(
    `${file}  ${all.length - failed.length} passed${failed.length ? `, ${failed.length} failed` : ""}`,
  );
  for (const outcome of failed) {
    const reason = values.backend === "xla" ? KNOWN[keyOf(outcome)] : undefined;
    console.log(`  ${outcome.name}${reason ? `\n    known: ${reason}` : ""}`);
    if (values.verbose) console.log(outcome.message.replaceAll(/^/gm, "    "));
  }
}
const failed = outcomes.filter(({ passed }) => !passed);
const unknown = failed.filter((outcome) => values.backend !== "xla" || !(keyOf(outcome) in KNOWN));
const passed = outcomes.length - failed.length;
console.log(
  `${passed} of ${outcomes.length} passed (${
    (100 * passed / Math.max(1, outcomes.length)).toFixed(2)
  } %) on ` +
    `${values.backend}, ${failed.length - unknown.length} known to fail, ${unknown.length} new; ` +
    `${((performance.now() - start) / 1000).toFixed(0)} s`,
);
client?.close();
Deno.exit(unknown.length > 0 || outcomes.length === 0 ? 1 : 0);
