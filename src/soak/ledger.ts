import { join } from "node:path";

/** What the soak holds the program to, by short names. */
export const PROMISES = {
  resume: "a run resumes, whatever moment it died at",
  losses: "all losses are those of the undisturbed run, bit for bit",
  weights: "every checkpoint has the weights of the undisturbed run, bit for bit",
  metrics: "metrics.jsonl has every step up to the checkpoint exactly once, and one torn line at most",
  kept: "a checkpoint that was there stays until newer ones replace it",
  whole: "every file under its final name is whole, at any moment",
  partial: "what was half written is removed at the next start and never read",
  stop: "SIGTERM and SIGINT finish the step, save it and say how to go on",
  disk: "a full disk ends the command with a message and harms nothing that was there",
  owner: "a folder has one owner: a second command is refused, and a dead owner's lock does not hold",
  pack: "packed shards are whole or absent, and equal those of an undisturbed pack",
  install: "an installation is whole or absent, and goes on where it was broken off",
  demo: "the demo's pictures and shards are whole or absent, and equal those of an undisturbed start",
  clean: "nothing is left over: no temporary file or folder",
  memory: "resident memory stays flat",
  descriptors: "the number of open files stays flat",
} as const;

/** A name of {@linkcode PROMISES}. */
export type Promised = keyof typeof PROMISES;

/** One promise that was not kept. */
export interface Broken {
  promise: Promised;
  /** What was expected and what was found. */
  what: string;
  /** Which life or trial, in words. */
  where: string;
  /** Folder with a copy of all that was there; empty when nothing could be copied. */
  evidence: string;
}

/** How often a promise was checked and broken. */
export interface Tally {
  checked: number;
  broken: number;
}

/** Keeps account of promises. */
export interface Ledger {
  readonly tally: Readonly<Record<Promised, Tally>>;
  readonly broken: readonly Broken[];
  /** Names what is going on, and the files to keep when a promise is broken in it. */
  enter(where: string, files: readonly string[], facts: unknown): Scope;
  /** Waits until all evidence is copied. */
  settle(): Promise<void>;
}

/** Checks within one life or trial; the first broken promise keeps the evidence. */
export interface Scope {
  /** Checks one thing. Gives whether it held. */
  check(promise: Promised, held: boolean, what: () => string): boolean;
  /** True when nothing was broken in here. */
  readonly sound: boolean;
  /** Waits until the evidence is copied. */
  settle(): Promise<void>;
}

/** More copies would only fill the disk. */
const MOST_COPIES = 20;

/** Copies a file or a folder with all in it; what vanishes meanwhile is left out. */
async function copy(from: string, to: string): Promise<void> {
  try {
    const info = await Deno.lstat(from);
    if (info.isDirectory) {
      await Deno.mkdir(to, { recursive: true });
      for await (const { name } of Deno.readDir(from)) await copy(join(from, name), join(to, name));
    } else if (info.isFile) await Deno.copyFile(from, to);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}

/**
 * An account with nothing in it.
 *
 * @param evidence The folder for copies; made when the first promise is broken.
 * @param say Told of each broken promise.
 */
export function openLedger(evidence: string, say: (line: string) => void): Ledger {
  const tally = Object.fromEntries(
    Object.keys(PROMISES).map((name) => [name, { checked: 0, broken: 0 }]),
  ) as Record<Promised, Tally>;
  const broken: Broken[] = [];
  let copies = 0, all = Promise.resolve();
  const enter = (where: string, files: readonly string[], facts: unknown): Scope => {
    let folder = "", copying: Promise<void> = Promise.resolve();
    const keep = async () => {
      await Deno.mkdir(folder, { recursive: true });
      await Deno.writeTextFile(join(folder, "facts.json"), JSON.stringify({ where, facts }, null, 2) + "\n");
      for (const file of files) await copy(file, join(folder, file.split("/").at(-1)!));
    };
    let sound = true;
    return {
      get sound() {
        return sound;
      },
      check(promise, held, what) {
        tally[promise].checked++;
        if (held) return true;
        tally[promise].broken++;
        if (sound && copies < MOST_COPIES) {
          folder = join(evidence, String(++copies).padStart(2, "0"));
          copying = keep();
          all = Promise.all([all, copying]).then(() => {});
        }
        sound = false;
        const one = { promise, what: what(), where, evidence: folder };
        broken.push(one);
        say(`BROKEN     ${PROMISES[promise]}\n           ${where}: ${one.what}`);
        return false;
      },
      settle: () => copying,
    };
  };
  return { tally, broken, enter, settle: () => all };
}
