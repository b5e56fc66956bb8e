import { basename } from "node:path";
import type { Running } from "./process.ts";

/** Waits; gives up early when the process ends. */
export async function pause(milliseconds: number, running?: Running): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const waited = new Promise<void>((resolve) => timer = setTimeout(resolve, milliseconds));
  await (running ? Promise.race([waited, running.ended]) : waited);
  clearTimeout(timer);
}

/**
 * Waits until something happens to a file of a folder.
 *
 * @param folder The folder; it must exist.
 * @param wanted Which files.
 * @param running Ends the wait when it ends.
 * @param most Milliseconds after which the wait ends.
 * @returns True when it happened.
 */
export async function untilTouched(
  folder: string,
  wanted: (name: string) => boolean,
  running: Running,
  most: number,
): Promise<boolean> {
  let watcher: Deno.FsWatcher;
  try {
    watcher = Deno.watchFs(folder, { recursive: false });
  } catch {
    return false; // It vanished.
  }
  let happened = false, open = true;
  const close = () => {
    if (open) watcher.close();
    open = false;
  };
  const timer = setTimeout(close, most);
  running.ended.then(close);
  for await (const { kind, paths } of watcher) {
    if (kind === "access" || kind === "remove" || !paths.some((path) => wanted(basename(path)))) continue;
    happened = true;
    break;
  }
  clearTimeout(timer);
  close();
  return happened;
}

/**
 * Waits, looking as often as the event loop allows, until a condition holds: for moments that no watcher announces, such
 * as in a folder that does not exist yet.
 *
 * @param holds The condition; should take no time.
 * @param running Ends the wait when it ends.
 * @param most Milliseconds after which the wait ends.
 * @param every Milliseconds between two looks.
 * @returns True when it held.
 */
export async function untilTrue(
  holds: () => boolean,
  running: Running,
  most: number,
  every = 0,
): Promise<boolean> {
  const end = performance.now() + most;
  while (!running.over && performance.now() < end) {
    if (holds()) return true;
    await new Promise((resolve) => every > 0 ? setTimeout(resolve, every) : setImmediate(resolve));
  }
  return !running.over && holds();
}

/** Names in a folder; none when it is not there. */
export function namesIn(folder: string): string[] {
  try {
    return Array.from(Deno.readDirSync(folder), ({ name }) => name).sort();
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory) return [];
    throw error;
  }
}
