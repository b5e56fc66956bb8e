/** What a run was computed on: machine.json of a run folder, for whoever wants to do it again. */
import { cpus, hostname } from "node:os";
import { join } from "node:path";
import type { Engine } from "../../engine/types.ts";
import { publishFile } from "../../files/publish.ts";

/** The file's name in a run folder. */
export const MACHINE_FILE = "machine.json";

/** More starts than this are not kept: the first one and the last ones are. */
const MOST_STARTS = 100;

/** One start of a run, or one time that it was resumed. */
export interface Start {
  /** ISO 8601. */
  time: string;
  /** Steps done before. */
  step: number;
  engine: string;
  /** What the engine says of itself and its device. */
  device: string;
  devices: number;
  deno: string;
  v8: string;
  /** The operating system and the architecture. */
  system: string;
  host: string;
  processor: string;
  cores: number;
  /** Bytes. */
  memory: number;
}

/** This start. */
export function thisStart(engine: Pick<Engine, "name" | "description" | "devices">, step: number): Start {
  const { name, description, devices } = engine, all = cpus();
  return {
    time: new Date().toISOString(),
    step,
    engine: name,
    device: description,
    devices,
    deno: Deno.version.deno,
    v8: Deno.version.v8,
    system: `${Deno.build.os} ${Deno.osRelease()} ${Deno.build.arch}`,
    host: hostname(),
    processor: all[0]?.model ?? "",
    cores: all.length,
    memory: Deno.systemMemoryInfo().total,
  };
}

/**
 * The starts that a run folder tells of, oldest first; none where there is no such file or it cannot be read.
 *
 * @param run The run folder.
 */
export async function readStarts(run: string): Promise<Start[]> {
  try {
    const { starts } = JSON.parse(await Deno.readTextFile(join(run, MACHINE_FILE)));
    return Array.isArray(starts) ? starts.filter((start) => typeof start === "object" && start !== null) : [];
  } catch {
    return [];
  }
}

/**
 * Adds a start to the run folder's file.
 *
 * @param run The run folder.
 * @throws {Error} When it cannot be written.
 */
export async function noteStart(run: string, start: Start): Promise<void> {
  const all = [...await readStarts(run), start];
  const starts = all.length > MOST_STARTS ? [all[0], ...all.slice(1 - MOST_STARTS)] : all;
  await publishFile(join(run, MACHINE_FILE), JSON.stringify({ version: 1, starts }, null, 1) + "\n");
}
