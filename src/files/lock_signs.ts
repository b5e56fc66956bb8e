/**
 * What stands for the system's locks where they cannot be relied on: network file systems may not have them, or may keep
 * them to one host. There the owner writes to its lock file now and then, and a file that stays as it is belongs to nobody.
 *
 * @module
 */
import { statfsSync } from "node:fs";
import { dirname } from "node:path";
import { type Owner, parseOwner } from "./lock_owner.ts";

/** How fast signs of life come; milliseconds. */
export interface Pace {
  /** Between two signs. */
  beat: number;
  /** So long without one, an owner is dead: a step that blocks the process must not look like death. */
  silence: number;
  /** Until it is seen which of two that came at the same moment was last. */
  settle: number;
}

/** The usual pace. */
export const PACE: Pace = { beat: 10_000, silence: 120_000, settle: 1000 };

/** File systems of one machine, by the numbers that Linux gives them: their locks hold for everybody who sees them. */
const LOCAL: ReadonlySet<number> = new Set([
  0xef53, // ext2, ext3, ext4
  0x58465342, // XFS
  0x9123683e, // Btrfs
  0x2fc12fc1, // ZFS
  0xf2f52010, // F2FS
  0x01021994, // tmpfs
  0x858458f6, // ramfs
  0x794c7630, // overlay
  0x4d44, // FAT
  0x2011bab0, // exFAT
  0x7366746e, // NTFS
]);

/** Whether the system's locks on a path surely reach all who can write there. */
export function carriesLocks(path: string): boolean {
  // Elsewhere the numbers are others, and disks are seldom shared.
  if (Deno.build.os !== "linux") return true;
  try {
    return LOCAL.has(statfsSync(dirname(path)).type);
  } catch {
    return false;
  }
}

const textOf = (path: string) => {
  try {
    return Deno.readTextFileSync(path);
  } catch {
    return null;
  }
};

const sleep = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

/** Milliseconds since a file was last written, by the clock of its file system; 0 where that cannot be told. */
function ageOf(path: string): number {
  const probe = `${path}-${crypto.randomUUID().slice(0, 8)}`;
  try {
    const written = Deno.statSync(path).mtime!.getTime();
    Deno.writeTextFileSync(probe, "");
    return Math.max(0, Deno.statSync(probe).mtime!.getTime() - written);
  } catch {
    return 0;
  } finally {
    try {
      Deno.removeSync(probe);
    } catch { /* it was not made */ }
  }
}

/**
 * Watches a lock file for a sign of its owner.
 *
 * @param waiting Called once where that takes a while.
 */
export async function showsLife(path: string, pace: Pace, waiting: () => void): Promise<boolean> {
  const { silence } = pace, text = textOf(path), from = performance.now() - ageOf(path);
  if (performance.now() - from > silence) return false;
  waiting();
  while (performance.now() - from <= silence) {
    await sleep(Math.min(1000, pace.beat / 2));
    const now = textOf(path);
    if (now === null) return false;
    if (now !== text) return true;
  }
  return false;
}

/**
 * Makes an owner's lock file show that it lives.
 *
 * @returns What ends it; null where another came at the same moment and has the file.
 */
export async function startBeating(path: string, owner: Owner, pace: Pace): Promise<(() => void) | null> {
  let count = 0;
  const sign = () => {
    try {
      Deno.writeTextFileSync(path, `${JSON.stringify(owner)}\n${count++}\n`);
    } catch {
      // Another user's file, or a full disk. The next sign may come through.
    }
  };
  sign();
  let seen: Owner | null = null;
  // Another's file may be half written at that very moment; who it is shows shortly after.
  for (let tries = 0; tries < 5 && !seen; tries++) {
    await sleep(tries === 0 ? pace.settle : pace.settle / 4);
    seen = parseOwner(textOf(path) ?? "");
  }
  if (seen && (seen.pid !== owner.pid || seen.host !== owner.host || seen.since !== owner.since)) return null;
  const timer = setInterval(sign, pace.beat);
  Deno.unrefTimer(timer);
  return () => clearInterval(timer);
}
