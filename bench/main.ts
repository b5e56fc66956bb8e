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
const { main } = await import(BENCHES[name]) as { main: (args: string[]) => Promise<void> };
await main(rest);
