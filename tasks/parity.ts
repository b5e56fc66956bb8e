/**
 * deno task parity FILE… — computes what golden files of the reference hold, in float32, and prints the worst error of
 * each group of tensors beside its tolerance. Exit code 1 if one is over, or if a file cannot be used.
 */
import { parseArgs } from "node:util";
import { openEngine } from "../src/engine/open.ts";
import { type EngineName, ENGINES } from "../src/engine/types.ts";
import { parseGolden } from "../src/parity/golden.ts";
import { checkParity, formatParity } from "../src/parity/run.ts";

const HELP = `Usage: deno task parity FILE… [--engine auto|${ENGINES.join("|")}]

Compares this implementation with stored results of the reference (safetensors files with a "spec" in their metadata):
forward and backward passes, optimiser steps, evaluation. Exit code 1 if anything is out of tolerance.

  --engine NAME   what runs the tensors (default auto: the best that works here)
  --plugin PATH   a PJRT plugin for engine xla
  --json          one JSON object a file, with every tensor's error
  --help          this text`;

function readArguments() {
  try {
    return parseArgs({
      args: Deno.args,
      allowPositionals: true,
      options: {
        engine: { type: "string", default: "auto" },
        plugin: { type: "string" },
        json: { type: "boolean", default: false },
        help: { type: "boolean", short: "h", default: false },
      },
    });
  } catch (error) {
    throw new Error(`${(error as Error).message.split(". ")[0]}; see --help`);
  }
}

async function main(): Promise<number> {
  const { values, positionals } = readArguments();
  if (values.help) {
    console.log(HELP);
    return 0;
  }
  if (positionals.length === 0) throw new Error("name at least one file; see --help");
  if (!["auto", ...ENGINES].includes(values.engine)) {
    throw new Error(`--engine ${values.engine} is unknown; take auto, ${ENGINES.join(", ")}`);
  }
  const engine = await openEngine(values.engine as EngineName | "auto", {
    plugin: values.plugin,
    progress: (line) => console.error(line),
  });
  console.error(`engine ${engine.name}: ${engine.description}`);
  let failed = 0;
  try {
    for (const path of positionals) {
      const start = performance.now();
      try {
        const report = await checkParity(engine, parseGolden(await Deno.readFile(path), path));
        console.log(values.json ? JSON.stringify(report) : formatParity(report));
        if (!report.pass) failed++;
      } catch (error) {
        console.error(`${path}: ${error instanceof Error ? error.message.replace(`${path}: `, "") : error}`);
        failed++;
      }
      console.error(`  ${((performance.now() - start) / 1000).toFixed(1)} s`);
    }
  } finally {
    await engine.close();
  }
  return failed > 0 ? 1 : 0;
}

try {
  Deno.exitCode = await main();
} catch (error) {
  console.error(`error: ${error instanceof Error ? error.message : error}`);
  Deno.exitCode = 2;
}
