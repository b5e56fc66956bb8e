/** `deno task conformance`: runs TensorFlow.js's own op tests on the xla backend and says what passed. */
import { task } from "../src/cli/command.ts";
import { choice, onOff, text } from "../src/cli/kinds.ts";
import { start } from "../src/cli/run.ts";
import { providePlugin } from "../src/engine/install/plugin.ts";
import { registerForTests } from "../src/conformance/backend.ts";
import { KNOWN } from "../src/conformance/known.ts";
import { keyOf, type Outcome, runConformance } from "../src/conformance/run.ts";

export const conformanceTask = task({
  name: "conformance",
  summary: "Runs the op tests of TensorFlow.js on engine xla.",
  options: {
    filter: { kind: text, help: "only tests whose file or name holds these words", value: "WORDS" },
    backend: {
      kind: choice("xla", "cpu"),
      help: "what is tested; cpu is TensorFlow.js's own",
      default: "xla",
    },
    verbose: { kind: onOff, help: "print the messages of failed tests" },
  },
  notes: ["The exit code is 1 if a test fails that is not known to fail."],
}, async ({ filter = "", backend, verbose }, { print }) => {
  const begun = performance.now();
  const client = backend === "xla" ? await registerForTests((await providePlugin()).path) : undefined;
  const outcomes = await runConformance(backend, {
    tests: (file, name) => keyOf({ file, name }).includes(filter),
  });
  const files = new Map<string, Outcome[]>();
  for (const outcome of outcomes) files.set(outcome.file, [...files.get(outcome.file) ?? [], outcome]);
  for (const [file, all] of files) {
    const failed = all.filter(({ passed }) => !passed);
    print(
      `${file}  ${all.length - failed.length} passed${failed.length ? `, ${failed.length} failed` : ""}`,
    );
    for (const outcome of failed) {
      const reason = backend === "xla" ? KNOWN[keyOf(outcome)] : undefined;
      print(`  ${outcome.name}${reason ? `\n    known: ${reason}` : ""}`);
      if (verbose) print(outcome.message.replaceAll(/^/gm, "    "));
    }
  }
  const failed = outcomes.filter(({ passed }) => !passed);
  const unknown = failed.filter((outcome) => backend !== "xla" || !(keyOf(outcome) in KNOWN));
  const passed = outcomes.length - failed.length;
  print(
    `${passed} of ${outcomes.length} passed (${
      (100 * passed / Math.max(1, outcomes.length)).toFixed(2)
    } %) on ` +
      `${backend}, ${failed.length - unknown.length} known to fail, ${unknown.length} new; ` +
      `${((performance.now() - begun) / 1000).toFixed(0)} s`,
  );
  client?.close();
  return unknown.length > 0 || outcomes.length === 0 ? 1 : 0;
});

if (import.meta.main) await start(conformanceTask);
