/**
 * Runs one of the benchmarks: deno task bench step [options] · data [options] · memory [options] · engines [options] ·
 * gpu [options] · gpu-pack [FOLDER].
 */
const [name, ...rest] = Deno.args;
const BENCHES: Record<string, string> = {
  step: "./step.ts",
  data: "./data.ts",
  memory: "./memory.ts",
  engines: "./engines.ts",
  gpu: "./gpu.ts",
  "gpu-pack": "./gpu_pack.ts",
};
if (!Object.hasOwn(BENCHES, name ?? "")) {
  console.error(`deno task bench NAME [options], NAME one of: ${Object.keys(BENCHES).join(", ")}`);
  Deno.exit(2);
}
type Options = Readonly<Record<string, { type: "string" | "boolean"; default?: string | boolean }>>;
const bench = await import(BENCHES[name]) as { main: (args: string[]) => Promise<void>; OPTIONS?: Options };
if (rest.includes("--help")) {
  console.log(`deno task bench ${name}${name === "gpu-pack" ? " [FOLDER]" : " [options]"}`);
  for (const [option, { type, default: usual }] of Object.entries(bench.OPTIONS ?? {})) {
    console.log(`  --${option}${type === "boolean" ? "" : ` ${usual ?? "…"}`}`);
  }
  Deno.exit();
}
try {
  await bench.main(rest);
} catch (error) {
  // What was typed wrongly needs no stack.
  if (!(error instanceof Error && "code" in error && /^ERR_PARSE_ARGS/.test(`${error.code}`))) throw error;
  console.error(`${error.message.split(". To specify")[0]}; see deno task bench ${name} --help`);
  Deno.exit(2);
}
