/**
 * Prints the memory that a process and all its descendants hold together, a line of JSON at a time, until it has ended.
 * A process of its own, because Deno reads /proc only with all permissions: `tree_memory.ts PID MILLISECONDS`.
 */

/** What one process holds, in bytes. */
export interface Held {
  /** Its own memory; pages shared with other processes count in part, so that each counts once in a sum. */
  anonymous: number;
  /** The same of memory that is shared by intent, such as batches from a worker process. */
  shared: number;
  /** Resident pages of files: programs and libraries. */
  files: number;
}

/** A moment's memory. */
export interface TreeSample {
  /** Milliseconds since 1970. */
  at: number;
  bytes: number;
}

/**
 * A process and its descendants.
 *
 * @param stats The contents of /proc/PID/stat, of all processes.
 * @returns Their numbers, `root` first; none where `root` is not there.
 */
export function treeOf(stats: readonly string[], root: number): number[] {
  const children = new Map<number, number[]>(), known = new Set<number>();
  for (const stat of stats) {
    // The name, in brackets, may itself have brackets and spaces.
    const pid = parseInt(stat), parent = Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]);
    known.add(pid);
    children.set(parent, [...children.get(parent) ?? [], pid]);
  }
  if (!known.has(root)) return [];
  const tree = [root];
  for (const pid of tree) tree.push(...children.get(pid) ?? []);
  return tree;
}

/**
 * What a process holds.
 *
 * @param rollup The content of /proc/PID/smaps_rollup.
 * @param status The content of /proc/PID/status.
 */
export function heldBy(rollup: string, status: string): Held {
  const kilobytes = (text: string, name: string) =>
    Number(new RegExp(`^${name}:\\s+(\\d+) kB`, "m").exec(text)?.[1] ?? 0);
  return {
    anonymous: 1024 * kilobytes(rollup, "Pss_Anon"),
    shared: 1024 * kilobytes(rollup, "Pss_Shmem"),
    files: 1024 * kilobytes(status, "RssFile"),
  };
}

/**
 * What processes that run the same program hold together, each page counted once. Of the files' pages those of the
 * process with most count: what others outside share of them is not deducted, so they are not counted too low.
 */
export function heldTogether(processes: readonly Held[]): number {
  const sum = processes.reduce((sum, { anonymous, shared }) => sum + anonymous + shared, 0);
  return sum + Math.max(0, ...processes.map(({ files }) => files));
}

/** The content of a file in /proc; null where its process has ended. */
function read(path: string): string | null {
  try {
    return Deno.readTextFileSync(path);
  } catch {
    return null;
  }
}

/** Prints samples until the process has ended. */
async function main(root: number, every: number): Promise<void> {
  for (;;) {
    const stats: string[] = [];
    for (const { name } of Deno.readDirSync("/proc")) {
      if (/^\d+$/.test(name)) stats.push(read(`/proc/${name}/stat`) ?? "");
    }
    const tree = treeOf(stats.filter((stat) => stat !== ""), root);
    if (tree.length === 0) return;
    const held: Held[] = [];
    for (const pid of tree) {
      const rollup = read(`/proc/${pid}/smaps_rollup`), status = read(`/proc/${pid}/status`);
      if (rollup && status) held.push(heldBy(rollup, status));
    }
    console.log(JSON.stringify({ at: Date.now(), bytes: heldTogether(held) } satisfies TreeSample));
    await new Promise((resolve) => setTimeout(resolve, every));
  }
}

if (import.meta.main) await main(Number(Deno.args[0]), Number(Deno.args[1]));
