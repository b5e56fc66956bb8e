/**
 * `deno task parity FILE…`: computes what golden files of the reference hold, in float32, and prints the worst error of
 * each group of tensors beside its tolerance.
 */
import { task } from "../src/cli/command.ts";
import { ENGINE, engineArguments } from "../src/cli/engine_options.ts";
import { onOff } from "../src/cli/kinds.ts";
import { report, start } from "../src/cli/run.ts";
import { openEngine } from "../src/engine/open.ts";
import { readGolden } from "../src/parity/golden.ts";
import { checkParity, formatParity } from "../src/parity/run.ts";

export const parityTask = task({
  name: "parity",
  summary:
    "Compares this implementation with stored results of the reference: forward and backward passes, optimiser " +
    "steps, evaluation, operations on pictures.",
  operands: {
    files: { value: "FILE", help: 'safetensors files with a "spec" in their metadata', many: true },
  },
  options: {
    ...ENGINE,
    json: { kind: onOff, help: "print one JSON object per file, with every tensor's error" },
  },
  notes: ["The exit code is 1 if anything is out of tolerance or a file cannot be used."],
}, async ({ files, json, ...given }, { print, progress }) => {
  const engine = await openEngine(...engineArguments(given, progress));
  progress.line(`engine ${engine.name}: ${engine.description}`);
  let failed = 0;
  try {
    for (const path of files) {
      const begun = performance.now();
      try {
        const result = await checkParity(engine, await readGolden(path));
        print(json ? JSON.stringify(result) : formatParity(result));
        if (!result.pass) failed++;
      } catch (error) {
        const message = error instanceof Error ? error.message.replace(`${path}: `, "") : String(error);
        report(new Error(`${path}: ${message}`, { cause: error }), { progress });
        failed++;
      }
      progress.line(`  ${((performance.now() - begun) / 1000).toFixed(1)} s`);
    }
  } finally {
    await engine.close();
  }
  return failed > 0 ? 1 : 0;
});

if (import.meta.main) await start(parityTask);
