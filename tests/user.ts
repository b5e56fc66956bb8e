/** What a user has and does: settings that train in a second, and commands in processes of their own. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** The repository. */
export const ROOT = fileURLToPath(new URL("..", import.meta.url));

/** A model and a run that take a second on the engine wasm; what `--config` reads. */
export const SMALL = {
  engine: "wasm",
  imageSize: 16,
  patchSize: 8,
  width: 16,
  depth: 2,
  heads: 2,
  headWidth: 16,
  codeWidth: 8,
  decoderDepth: 1,
  decoderHeads: 2,
  batchSize: 4,
  epochs: 2,
  warmupEpochs: 0,
  blurRadius: [0.1, 0.5],
} as const;

/** What a command ended with. */
export interface Ended {
  code: number;
  out: string;
  err: string;
}

/** Runs Deno in a folder, as typed there, and waits for the end. */
export async function deno(
  cwd: string,
  args: readonly string[],
  options: { env?: Record<string, string>; wrap?: readonly string[] } = {},
): Promise<Ended> {
  const [command, ...rest] = [...options.wrap ?? [], Deno.execPath(), ...args];
  const { code, stdout, stderr } = await new Deno.Command(command, {
    args: rest,
    cwd,
    // Without the allocator, which the first start would fetch.
    env: {
      NO_COLOR: "1",
      PJRT_PLUGIN: "",
      SEMANTIC_AE_ENGINE: "",
      SEMANTIC_AE_ALLOCATOR: "off",
      ...options.env,
    },
    stdin: "null",
  }).output();
  const text = new TextDecoder();
  return { code, out: text.decode(stdout), err: text.decode(stderr) };
}

/** A copy of the program without its tests, so that what a task leaves beside itself is not left in the repository. */
export async function copyProgram(to: string): Promise<string> {
  const copy = async (path: string): Promise<void> => {
    if (!(await Deno.stat(join(ROOT, path))).isDirectory) {
      return await Deno.copyFile(join(ROOT, path), join(to, path));
    }
    await Deno.mkdir(join(to, path));
    for await (const { name } of Deno.readDir(join(ROOT, path))) await copy(join(path, name));
  };
  await Deno.mkdir(to, { recursive: true });
  for (const path of ["deno.json", "deno.lock", "mod.ts", "src", "tasks"]) await copy(path);
  return to;
}

/** What a user should never see for a mistake of his own. */
export function assertNoTrace({ out, err }: Ended, what: string): void {
  assert.doesNotMatch(out + err, /^\s+at .*:\d+|Uncaught|\[object|undefined|NotCapable|os error/m, what);
}
