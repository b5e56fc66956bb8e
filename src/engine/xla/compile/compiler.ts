import { createHash } from "node:crypto";
import { publishFileSync } from "../../../files/publish.ts";
import { withoutLocations } from "../ir/print.ts";
import { releaseFreeMemory } from "../pjrt/trim.ts";
import type { Client, CompileOptions, Executable } from "../pjrt/types.ts";

/** An executable, and whether it came from the cache. */
export interface Built {
  executable: Executable;
  cached: boolean;
}

/** Turns program text into an executable. */
export interface Compiler {
  compile(text: string, options?: CompileOptions): Built;
  compileAsync(text: string, options?: CompileOptions): Promise<Built>;
}

/** A program whose machine code tells the processor that it is for. */
const TINY = `func.func public @main(%x: tensor<64xf32>) -> tensor<64xf32> {
  %r = stablehlo.sine %x : tensor<64xf32>
  return %r : tensor<64xf32>
}`;

/**
 * The processor that a serialized program is for, in the compiler's words: system, model, and all features that it has
 * or lacks. Undefined where the program does not say so in the form that XLA's CPU compiler writes.
 *
 * @param serialized What `Executable.serialize` gives.
 */
export function targetIn(serialized: Uint8Array): string | undefined {
  // A protocol buffer of three texts, each behind its field's number and its length.
  const target = /([\w.]+-[\w.]+-[\w.-]+)[^ -~].([\w.-]+)[^ -~].{1,3}?([+-][\w.-]+(?:,[+-][\w.-]+)+)/s;
  return target.exec(new TextDecoder("latin1").decode(serialized))?.slice(1).join(" ");
}

/**
 * Everything besides the program that decides whether a stored executable may be used.
 *
 * @param cores Of the processor, which XLA's CPU compiler divides the larger loops by.
 */
export function machineKey(client: Client, cores = navigator.hardwareConcurrency): string {
  const parts = [client.platform, client.platformVersion, client.apiVersion, client.devices[0].kind];
  if (client.platform === "cpu") {
    // Machine code for one processor may not run on another, and reading the processor's model would need all
    // permissions. The compiler knows it and writes it into every program. The rest of a serialized program differs
    // each time.
    const tiny = client.compile(TINY);
    try {
      const serialized = tiny.serialize();
      parts.push(targetIn(serialized) ?? digest(serialized).toString("hex"));
    } catch {
      // A plugin that cannot serialize has nothing stored either.
    }
    tiny.delete();
    parts.push(`${cores} cores`);
  }
  return [...parts, environment("XLA_FLAGS")].join("\n");
}

function environment(name: string): string {
  try {
    return Deno.env.get(name) ?? "";
  } catch {
    return "";
  }
}

const digest = (...parts: (string | Uint8Array)[]) => {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(part);
  return hash.digest();
};

/** A stored executable: 32 bytes of SHA-256, then the plugin's serialized form. */
function readStored(path: string): Uint8Array | undefined {
  try {
    const file = Deno.readFileSync(path), body = file.subarray(32);
    if (digest(body).equals(file.subarray(0, 32))) return body;
  } catch {
    // Not there, or not readable: it is compiled again.
  }
  return undefined;
}

function store(folder: string, path: string, executable: Executable): void {
  try {
    const body = executable.serialize();
    Deno.mkdirSync(folder, { recursive: true });
    const file = new Uint8Array(32 + body.length);
    file.set(digest(body));
    file.set(body, 32);
    publishFileSync(path, file);
  } catch {
    // The plugin cannot serialize, or the disk is full. The cache only saves time, so the run goes on without it.
  }
}

/**
 * A compiler that keeps executables on disk, by program, plugin, device and flags. A damaged entry is compiled again. The
 * names of a program's parts change no number, so they do not count; a program that was stored shows those that it had.
 *
 * @param client The client that compiles and loads.
 * @param folder Where executables are kept; none keeps nothing.
 * @param fixed Options for every program.
 */
export function compilerOf(client: Client, folder?: string, fixed: CompileOptions = {}): Compiler {
  let machine: string | undefined;
  const pathOf = (text: string, options: CompileOptions) =>
    folder &&
    `${folder}/${
      digest(machine ??= machineKey(client), "\0", JSON.stringify(options), "\0", withoutLocations(text))
        .toString("hex")
    }.xla`;
  const keep = (path: string | undefined, executable: Executable): Built => {
    releaseFreeMemory();
    if (folder && path && executable.serializable) store(folder, path, executable);
    return { executable, cached: false };
  };
  return {
    compile: (text, given = {}) => {
      const options = { ...fixed, ...given }, path = pathOf(text, options);
      const stored = path && readStored(path);
      if (stored) {
        try {
          return { executable: client.load(stored, options), cached: true };
        } catch {
          // Written by a plugin that reports the same version but another format.
        }
      }
      return keep(path, client.compile(text, options));
    },
    compileAsync: async (text, given = {}) => {
      const options = { ...fixed, ...given }, path = pathOf(text, options);
      const stored = path && readStored(path);
      if (stored) {
        try {
          return { executable: await client.loadAsync(stored, options), cached: true };
        } catch {
          // As above.
        }
      }
      return keep(path, await client.compileAsync(text, options));
    },
  };
}
