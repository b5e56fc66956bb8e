/** Commands other than training that make something in one place: what they make is whole or absent, and always the same. */
import { createHash } from "node:crypto";
import { join } from "node:path";
import type { PackReport } from "../data/pack.ts";
import { fileDigest } from "../engine/install/wheel.ts";
import { openSource } from "../data/open/open_data.ts";
import type { Promised, Scope } from "./ledger.ts";
import { namesIn } from "./moments.ts";
import { type Command, moduleCommand, taskCommand } from "./process.ts";
import type { Lane } from "./types.ts";

/** One kind of command that is killed and started again until it has made what it should. */
export interface Trial {
  name: string;
  promise: Promised;
  /** The command, making things below `folder`. */
  command(folder: string): Promise<Command>;
  /** The folder whose names tell that work has begun. */
  watched(folder: string): string;
  /** What it makes, below `folder`: name → path. What is there must be whole. */
  made(folder: string): Record<string, string>;
  /** A digest of one made thing. Throws when it is not whole. */
  digest(path: string): Promise<string>;
  /** True when SIGTERM and SIGINT are heard and answered with an exit code. */
  listens: boolean;
  /** Moments in the middle of a download from the soak's server. */
  downloads: boolean;
}

/** SHA-256 over the names and bytes of all files below a folder, of which some are left out. */
async function filesDigest(folder: string, without: RegExp): Promise<string> {
  const hash = createHash("sha256");
  const walk = async (at: string) => {
    for (const name of namesIn(join(folder, at))) {
      const path = join(at, name);
      if (without.test(path)) continue;
      if (Deno.lstatSync(join(folder, path)).isDirectory) await walk(path);
      else hash.update(`${path} ${await fileDigest(join(folder, path))}\n`);
    }
  };
  await walk("");
  return hash.digest("hex");
}

/** SHA-256 over shards, every record of which must read and pass its checksum, and the report beside them. */
async function shardsDigest(folder: string): Promise<string> {
  const hash = createHash("sha256"), source = await openSource(folder);
  try {
    hash.update(JSON.stringify([source.length, source.labels]));
    for (let i = 0; i < source.length; i++) {
      const { key, label, bytes } = await source.get(i);
      hash.update(`\n${key} ${label} ${bytes.length}\n`).update(bytes);
    }
  } finally {
    await source.close();
  }
  // Words about a bad picture are the decoder's, which mixes them up where several pictures are decoded at once.
  const report = JSON.parse(await Deno.readTextFile(join(folder, "report.json"))) as PackReport;
  hash.update(JSON.stringify({ ...report, bad: report.bad.map(({ key }) => key) }));
  return hash.update(await filesDigest(folder, /^report\.json$/)).digest("hex");
}

const NOTHING = /^$/;

/** `deno task pack`, of files or over http. */
function packing({ soak }: Lane, source: "files" | "http"): Trial {
  const uri = source === "files" ? soak.stage.pictures : soak.server.url(soak.stage.tarPattern);
  return {
    name: `pack of ${source}`,
    promise: "pack",
    command: (folder) => taskCommand("pack", [uri, join(folder, "shards"), "--shard-size", "100k"]),
    watched: (folder) => folder,
    made: (folder) => ({ shards: join(folder, "shards") }),
    digest: shardsDigest,
    listens: true,
    downloads: source === "http",
  };
}

/** The step of `deno task engine install` that fetches, checks and unpacks. */
function installing({ soak: { stage } }: Lane): Trial {
  const { name, version } = stage.native, engines = (folder: string) => join(folder, "cache", "engines");
  return {
    name: "install",
    promise: "install",
    command: (folder) => {
      const command = moduleCommand("./install_child.ts", [JSON.stringify(stage.native)]);
      command.env = {
        SEMANTIC_AE_CACHE: join(folder, "cache"),
        PATH: `${stage.bin}:${Deno.env.get("PATH") ?? ""}`,
        WHEELS: stage.wheels,
      };
      return Promise.resolve(command);
    },
    watched: engines,
    made: (folder) => ({ libraries: join(engines(folder), `${name}-${version}`) }),
    digest: (path) => filesDigest(path, /^installed\.json$/),
    listens: false,
    downloads: false,
  };
}

/** What `deno task train` does first without `--data`: the demo's pictures, unpacked and packed. */
function preparing({ soak: { stage } }: Lane): Trial {
  return {
    name: "demo",
    promise: "demo",
    command: (folder) =>
      Promise.resolve(
        moduleCommand("./demo_child.ts", [folder, stage.tarballs, JSON.stringify(stage.integrity)]),
      ),
    watched: (folder) => folder,
    made: (folder) => ({
      pictures: join(folder, "emoji"),
      "training shards": join(folder, "shards", "train"),
      "held-out shards": join(folder, "shards", "heldout"),
    }),
    digest: (path) => path.endsWith("emoji") ? filesDigest(path, NOTHING) : shardsDigest(path),
    listens: false,
    downloads: false,
  };
}

/** All trials, in the order in which they take turns. */
export function trialsOf(lane: Lane): Trial[] {
  return [packing(lane, "files"), installing(lane), packing(lane, "http"), preparing(lane)];
}

/**
 * Looks at what a command has made: each thing is absent, or whole and as the undisturbed command made it.
 *
 * @param wanted Digests of the undisturbed command; those of things that it lacks are added.
 * @returns Names of what is there.
 */
export async function inspectMade(
  trial: Trial,
  folder: string,
  wanted: Map<string, string>,
  scope: Scope,
): Promise<string[]> {
  const there: string[] = [];
  for (const [name, path] of Object.entries(trial.made(folder))) {
    if (!await Deno.lstat(path).catch(() => null)) continue;
    there.push(name);
    const digest = await trial.digest(path).catch((error: Error) => error);
    if (digest instanceof Error) {
      scope.check(trial.promise, false, () => `${path} is there, but not whole: ${digest.message}`);
      continue;
    }
    const known = wanted.get(name);
    if (known === undefined) wanted.set(name, digest);
    else {scope.check(trial.promise, known === digest, () =>
        `${path} differs from that of the undisturbed command`);}
  }
  return there;
}
