import { basename, join, resolve } from "node:path";
import type { DataAccount } from "../data/epoch/account.ts";
import { describeAccount } from "../data/epoch/account_text.ts";
import { isObject } from "../files/json_values.ts";
import { redact } from "../files/redact.ts";
import { binaryBytes } from "../text/amounts.ts";
import { DETECTIONS_FILE } from "../train/run/figure_files.ts";
import { readStarts } from "../train/run/machine.ts";
import { type AddressOf, inlined, readFigures } from "./figures.ts";
import { lineReader } from "./lines.ts";
import { metricsReader } from "./metrics.ts";
import { settingsReport } from "./settings.ts";
import type { DataReport, Rows, RunReport } from "./types.ts";

/** Records of bad.jsonl that are shown. */
const SHOWN = 100;

/** Characters of a text that are shown. */
const LONGEST = 500;

/** A run folder that is read on as it grows. */
export interface RunReader {
  /** The folder, as it was named. */
  folder: string;
  /**
   * All that is to be shown of the run as it stands.
   *
   * @throws {Error} When a file of it cannot be read.
   */
  read(): Promise<RunReport>;
}

/** A text as it is shown: without secrets, and cut where it is very long. */
function shown(value: unknown): string {
  const text = redact(typeof value === "string" ? value : JSON.stringify(value) ?? "");
  return text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text;
}

/** A JSON object of the folder; null where there is none, with a note where it cannot be read. */
async function readObject(
  folder: string,
  name: string,
  notes: string[],
): Promise<Record<string, unknown> | null> {
  try {
    const value = JSON.parse(await Deno.readTextFile(join(folder, name)));
    if (isObject(value)) return value;
    notes.push(`${name} holds no JSON object`);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    notes.push(`${name} cannot be read: ${(error as Error).message}`);
  }
  return null;
}

/** The engine, the machine and the versions of the last start. */
function machineRows(start: Record<string, unknown> | undefined): Rows {
  if (!start) return [];
  const { engine, device, devices, deno, v8, system, host, processor, cores, memory, time } = start;
  const rows: Rows = [
    ["engine", `${shown(engine)}: ${shown(device)}`],
    ["devices", shown(devices)],
    ["processor", `${shown(processor)}, ${shown(cores)} cores`],
    ["memory", typeof memory === "number" ? binaryBytes(memory) : ""],
    ["system", `${shown(system)}, host ${shown(host)}`],
    ["versions", `Deno ${shown(deno)}, V8 ${shown(v8)}`],
    ["started", shown(time)],
  ];
  return rows.filter(([, text]) => text !== "");
}

/** What data.json says, as far as it is what we write. */
function accountOf(
  account: Record<string, unknown> | null,
  notes: string[],
): Pick<DataReport, "counts" | "notes"> {
  if (!account) return { counts: [], notes: [] };
  try {
    const known = account as unknown as DataAccount, { read, bad, withoutPicture, lost } = known;
    const counts = Object.entries({ read, bad, "without a picture": withoutPicture, lost });
    return {
      counts: counts.map(([name, count]) => [name, shown(count)]),
      notes: describeAccount(known).map(shown),
    };
  } catch {
    notes.push("data.json is none of this program's");
    return { counts: [], notes: [] };
  }
}

/** Reads bad.jsonl on. */
function badReader(path: string): () => Promise<Pick<DataReport, "bad" | "shown">> {
  const lines = lineReader(path);
  let bad = 0, list: DataReport["shown"] = [];
  const take = (line: string) => {
    bad++;
    if (list.length === SHOWN) return;
    try {
      const { source, key, reason } = JSON.parse(line);
      list.push({ source: shown(source), key: shown(key), reason: shown(reason) });
    } catch {
      list.push({ source: "", key: "", reason: `this line of bad.jsonl cannot be read: ${shown(line)}` });
    }
  };
  return async () => {
    await lines.read(take, () => {
      bad = 0;
      list = [];
    });
    return { bad, shown: [...list] };
  };
}

/**
 * Looks whether a folder is a run's, and opens it.
 *
 * @param folder The run folder; it may be one of a run that is going on.
 * @param options `name`: what the report calls it, by default the folder's own name; `address`: how pictures get into the
 * page, by default with all their bytes; `bytes`: how many of them.
 * @throws {Error} When there is no such folder, or nothing of a run in it.
 */
export async function runReader(
  folder: string,
  options: { name?: string; address?: AddressOf; bytes?: number } = {},
): Promise<RunReader> {
  const { name = basename(resolve(folder)), address = inlined(folder), bytes } = options;
  const info = await Deno.stat(folder).catch((error) => {
    if (error instanceof Deno.errors.NotFound) throw new Error(`${folder}: there is no such run folder`);
    throw error;
  });
  if (!info.isDirectory) throw new Error(`${folder} is a file; name the run's folder`);
  const inside = new Set((await Array.fromAsync(Deno.readDir(folder))).map((entry) => entry.name));
  if (!["config.json", "metrics.jsonl", "checkpoints"].some((file) => inside.has(file))) {
    throw new Error(
      `${folder} is no run folder: it has neither config.json nor metrics.jsonl; name what --out named`,
    );
  }
  const metrics = metricsReader(join(folder, "metrics.jsonl")), bad = badReader(join(folder, "bad.jsonl"));
  return {
    folder,
    async read() {
      const notes: string[] = [];
      const config = await readObject(folder, "config.json", notes);
      if (!config && notes.length === 0) notes.push("there is no config.json, so the settings are not known");
      const { settings, differences, ...about } = config
        ? settingsReport(config)
        : { settings: {}, differences: [], preset: "", command: "" };
      const account = accountOf(await readObject(folder, "data.json", notes), notes);
      const starts = await readStarts(folder);
      await metrics.read();
      const curves = metrics.curves();
      if (curves.training.lines === 0) notes.push("no step is recorded yet");
      return {
        name,
        folder,
        metrics: curves,
        preset: about.preset,
        command: redact(about.command),
        differences: differences.map(({ key, value, preset }) => ({ key, value: shown(value), preset })),
        settings: Object.fromEntries(Object.entries(settings).map(([key, value]) => [key, shown(value)])),
        machine: machineRows(starts.at(-1) as unknown as Record<string, unknown> | undefined),
        starts: starts.length,
        data: { ...account, ...await bad() },
        ...await readFigures(folder, address, bytes),
        detections: (await address(DETECTIONS_FILE))?.address ?? "",
        notes: [...notes, ...curves.notes].map(shown),
      };
    },
  };
}
