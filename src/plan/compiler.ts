/** Compiling for a card that is not here. */
import { createHash } from "node:crypto";
import { join } from "node:path";
import { CUDA13_COMPILER, CUDA13_PLUGIN, installedPackage, InstallError } from "../engine/install/install.ts";
import { CARD_FLAGS } from "../engine/xla/card_flags.ts";
import { PjrtError } from "../engine/xla/pjrt/api.ts";
import { describeTopology, type Topology } from "../engine/xla/pjrt/topology.ts";
import type { CompileOptions, ProgramMemory } from "../engine/xla/pjrt/types.ts";
import { cacheFolder } from "../files/cache_folder.ts";
import { publishFile } from "../files/publish.ts";
import { makeTemporaryFolder } from "../files/temporary.ts";
import type { Card } from "./cards.ts";

/** A plan that cannot be made; the message says why and what to do. */
export class PlanError extends Error {
  override name = "PlanError";
}

/** A step is too large for a card's compiler. */
export class TooLargeError extends PlanError {
  override name = "TooLargeError";
}

/** A program for a card. */
export interface CardProgram {
  /** Bytes on each card. */
  memory: ProgramMemory;
  /** The optimised program as XLA dumps it. */
  hlo: string;
  /** Seconds that compiling took; 0 where the program was known. */
  seconds: number;
}

/** A compiler for cards. */
export interface CardCompiler {
  /** Path of the plugin. */
  plugin: string;
  /** The folder in which it finds `bin/ptxas` and `nvvm/libdevice`. */
  cuda: string;
}

/** Where a compiler is looked for. */
export interface CompilerOptions {
  /** Path of a plugin that the user names. */
  plugin?: string;
  /** Instead of the user's cache folder. */
  cache?: string;
}

const exists = (path: string) => Deno.stat(path).then(({ isFile }) => isFile, () => false);

/** The folder of CUDA's programs beside a plugin. */
async function cudaBeside(plugin: string): Promise<string | undefined> {
  const folder = plugin.slice(0, Math.max(plugin.lastIndexOf("/"), 0)) || ".";
  for (
    const beside of ["../../nvidia/cu13", "../nvidia/cu13", "../../nvidia/cuda_nvcc", "../nvidia/cuda_nvcc"]
  ) {
    const cuda = join(folder, beside);
    if (await exists(join(cuda, "bin/ptxas"))) return cuda;
  }
  return undefined;
}

/**
 * A compiler that is here: the plugin that was named; what `deno task engine install xla-cuda13-compiler` has fetched; or
 * the whole plugin for cards.
 *
 * @throws {PlanError} When what was named is not there, or lacks what it compiles by.
 * @throws {InstallError} When none is here; says what to install.
 */
export async function findCompiler({ plugin, cache }: CompilerOptions = {}): Promise<CardCompiler> {
  if (plugin) {
    if (!await exists(plugin)) throw new PlanError(`--plugin ${plugin}: there is no such file`);
    const cuda = await cudaBeside(await Deno.realPath(plugin));
    if (cuda) return { plugin, cuda };
    throw new PlanError(
      `--plugin ${plugin} has no ptxas in ../../nvidia/cu13/bin beside it, by which it compiles. Take one that was ` +
        `installed with NVIDIA's packages, or leave --plugin out after \`deno task engine install ${CUDA13_COMPILER.name}\``,
    );
  }
  for (const native of [CUDA13_COMPILER, CUDA13_PLUGIN]) {
    const path = await installedPackage(native, { cache });
    const cuda = path && await cudaBeside(path);
    if (cuda) return { plugin: path, cuda };
  }
  throw new InstallError(
    `no compiler for graphics cards is here. \`deno task engine install ${CUDA13_COMPILER.name}\` fetches it (257 MB; ` +
      "it needs no card), or --plugin names one",
  );
}

/**
 * Debug options for compiling without a card: nothing can be tried out, so the products are calls of NVIDIA's library, as
 * they mostly are where it can.
 */
function flagsOf({ cuda }: CardCompiler, dump: string): CompileOptions["xlaFlags"] {
  return {
    xla_gpu_autotune_level: 0,
    ...CARD_FLAGS,
    xla_gpu_cuda_data_dir: cuda,
    xla_dump_to: dump,
    xla_dump_hlo_as_text: true,
  };
}

/** Over how many cards a program is split. */
export interface Spread {
  /** Cards of each node, and nodes. */
  devices: number;
  nodes: number;
}

const OLD = (plugin: string, why: string) =>
  new PlanError(
    `the plugin ${plugin} cannot compile for a card that is not here (${why}): it is too old, or not for CUDA. ` +
      `\`deno task engine install ${CUDA13_COMPILER.name}\` fetches one that can; leave --plugin out then`,
  );

/** A card described to the compiler. */
function describeCard({ plugin }: CardCompiler, card: Card, { devices, nodes }: Spread): Topology {
  try {
    return describeTopology(plugin, { target_config: card.target, topology: `1x${nodes}x${devices}` });
  } catch (cause) {
    if (!(cause instanceof PjrtError)) throw cause;
    const unknown = cause.code === "UNIMPLEMENTED" || /unknown|unsupported|unexpected/i.test(cause.message);
    if (unknown && !/target_config|parse/i.test(cause.message)) throw OLD(plugin, cause.message);
    throw new PlanError(`XLA does not understand the description of ${card.name}: ${cause.message}`, {
      cause,
    });
  }
}

/** The dumped program in a folder. */
async function dumpedIn(folder: string): Promise<string> {
  for await (const { name } of Deno.readDir(folder)) {
    if (/after_optimizations\.txt$/.test(name)) return await Deno.readTextFile(join(folder, name));
  }
  throw new PlanError(`XLA left no optimised program in ${folder}`);
}

async function gzip(text: string): Promise<Uint8Array<ArrayBuffer>> {
  const packed = new Blob([text]).stream().pipeThrough(new CompressionStream("gzip"));
  return new Uint8Array(await new Response(packed).arrayBuffer());
}

/** A program that an earlier plan has compiled; undefined where there is none, or it cannot be read. */
async function known(path: string): Promise<CardProgram | undefined> {
  try {
    const bytes = await Deno.readFile(path);
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
    return { ...JSON.parse(await new Response(stream).text()), seconds: 0 };
  } catch {
    return undefined; // Compiled again.
  }
}

/** Where a program is kept for the next plan; undefined where nothing says where that could be. */
function placeOf(compiler: CardCompiler, card: Card, text: string, spread: Spread, cache?: string) {
  const hash = createHash("sha256");
  const { size, mtime } = Deno.statSync(compiler.plugin);
  const made = [compiler.plugin, size, mtime?.getTime(), card.target, spread, flagsOf(compiler, "")];
  hash.update(JSON.stringify(made)).update("\0").update(text);
  try {
    return join(cache ?? cacheFolder(), "plan", `${hash.digest("hex")}.json.gz`);
  } catch {
    return undefined;
  }
}

/**
 * Compiles a step for a card that is not here. It takes a core a minute or more; the result is kept in the cache.
 *
 * @param text StableHLO, split over as many devices as `spread` says.
 * @throws {TooLargeError} When the program cannot be made to fit into the card's memory.
 * @throws {PlanError} When the plugin is too old, or cannot compile the program for this card.
 * @throws {PluginLoadError} When the plugin cannot be loaded.
 */
export async function compileFor(
  compiler: CardCompiler,
  card: Card,
  text: string,
  spread: Spread,
  cache?: string,
): Promise<CardProgram> {
  const path = placeOf(compiler, card, text, spread, cache), kept = path && await known(path);
  if (kept) return kept;
  const topology = describeCard(compiler, card, spread), dump = await makeTemporaryFolder("plan-");
  const start = performance.now(), count = spread.devices * spread.nodes;
  try {
    const split = count > 1
      ? { partitions: count, shardy: true, devices: Array.from({ length: count }, (_, id) => id) }
      : {};
    const program = await topology.compile(text, { ...split, xlaFlags: flagsOf(compiler, dump) });
    const memory = program.memory(), seconds = (performance.now() - start) / 1000;
    program.delete();
    if (!memory) throw OLD(compiler.plugin, "it does not tell a program's memory");
    const result = { memory, hlo: await dumpedIn(dump), seconds };
    // Without a cache, the next plan compiles again.
    if (path) await keep(path, result).catch(() => {});
    return result;
  } catch (cause) {
    if (!(cause instanceof PjrtError)) throw cause;
    if (cause.code === "RESOURCE_EXHAUSTED") {
      throw new TooLargeError(`the step cannot be made to fit: ${cause.message}`, { cause });
    }
    throw new PlanError(`XLA cannot compile the step for ${card.kind}: ${cause.message}`, { cause });
  } finally {
    topology.close();
    await Deno.remove(dump, { recursive: true });
  }
}

async function keep(path: string, { memory, hlo }: CardProgram): Promise<void> {
  await Deno.mkdir(join(path, ".."), { recursive: true });
  await publishFile(path, await gzip(JSON.stringify({ memory, hlo })));
}
