/**
 * The one place where a process makes a folder, or a file that is to be made, its own. The lock is the operating system's
 * lock of a small file, so it ends with the process that held it, however that died; the file says who that is.
 *
 * @module
 */
import { basename, dirname, join } from "node:path";
import { isSameFile } from "./disk.ts";
import { describeOwner, type Owner, ownerHere, parseOwner } from "./lock_owner.ts";
import { carriesLocks, PACE, type Pace, showsLife, startBeating } from "./lock_signs.ts";
import { isPathError, pathError } from "./path_error.ts";

/** The lock file of a folder that is locked as a whole. */
export const LOCK_NAME = ".lock";

/** Milliseconds between looks at a lock that is waited for. */
const POLL = 200;

/** A place that is this process's own until it is released. */
export interface Lock extends AsyncDisposable {
  /** The lock file. */
  readonly path: string;
  /** Gives the place back. Safe to call twice. */
  release(): Promise<void>;
}

/** Another process has the place. */
export class InUseError extends Error {
  override name = "InUseError";
  constructor(message: string, readonly owner: Owner | null) {
    super(message);
  }
}

/** How a place is locked. */
export interface LockOptions {
  /** What is locked, for messages. Default: its path. */
  what?: string;
  /** What to do where it is in use, as a sentence. */
  advice?: string;
  /** Waits where another has it, after telling this of it once. Default: that is an error. */
  waiting?: (line: string) => void;
  /** Takes a line for people where it is not certain at once that a former owner is dead. */
  progress?: (line: string) => void;
  /** Ends a wait. */
  signal?: AbortSignal;
  /** For tests: a file system without locks, or on which they may not reach other hosts, and how fast it is found out. */
  system?: Partial<LockSystem>;
}

/** What locks depend on. */
export interface LockSystem {
  owner: () => Owner;
  /** Takes the system's lock of an open file; throws where there are none. */
  take: (file: Deno.FsFile) => boolean;
  /** Whether locks on this path reach all who can write there. */
  carries: (path: string) => boolean;
  pace: Pace;
}

const SYSTEM: LockSystem = {
  owner: ownerHere,
  take: (file) => file.tryLockSync(true),
  carries: carriesLocks,
  pace: PACE,
};

/**
 * Locks a folder that exists, by a file in it.
 *
 * @throws {InUseError} Another process has it, and there is no `waiting`.
 * @throws {Error} The folder cannot be written.
 */
export function lockFolder(folder: string, options: LockOptions = {}): Promise<Lock> {
  return lock(join(folder, LOCK_NAME), folder, options);
}

/**
 * Locks a file or folder that is to be made or replaced, by a file beside it; the folder around it must exist.
 *
 * @throws {InUseError} Another process has it, and there is no `waiting`.
 * @throws {Error} The folder around it cannot be written.
 */
export function lockPlace(path: string, options: LockOptions = {}): Promise<Lock> {
  return lock(lockFileOf(path), path, options);
}

/** The lock file of {@linkcode lockPlace}. */
export function lockFileOf(path: string): string {
  return join(dirname(path), `.${basename(path)}.lock`);
}

async function lock(path: string, place: string, options: LockOptions): Promise<Lock> {
  try {
    return await take(path, { what: place, ...options });
  } catch (error) {
    throw isPathError(error) ? pathError(error, place, "write") : error;
  }
}

async function take(path: string, options: LockOptions): Promise<Lock> {
  const { signal, waiting, system } = options, { what = path, advice } = options;
  const about: LockSystem = { ...SYSTEM, ...system };
  let told = false;
  for (;;) {
    signal?.throwIfAborted();
    const held = await attempt(path, about, options);
    if ("release" in held) return held;
    const owner = describeOwner(held.owner);
    if (!waiting) {
      throw new InUseError(`${what} is in use by ${owner}${advice ? `. ${advice}` : ""}`, held.owner);
    }
    if (!told) waiting(`waiting for ${owner}, which has ${what}`);
    told = true;
    await pause(POLL, signal);
  }
}

/** One try: the lock, or who has it. */
async function attempt(
  path: string,
  system: LockSystem,
  options: LockOptions,
): Promise<Lock | { owner: Owner | null }> {
  for (;;) {
    const file = openLock(path);
    let lock: Lock | undefined;
    try {
      const taken = takeIfThereAre(system, file), carried = taken !== null && system.carries(path);
      const former = parseOwner(read(file)), mine = system.owner();
      if (taken === false) return { owner: former };
      // On one host the system's locks hold on every file system that has them.
      const certain = carried || (taken && former?.host === mine.host);
      if (former && !certain && await lives(path, former, system, options)) return { owner: former };
      // Its last owner has removed it meanwhile: what is locked is no lock any more.
      if (!isSameFile(file, path)) continue;
      if (carried) write(file, mine);
      const stop = carried ? () => {} : await startBeating(path, mine, system.pace);
      if (!stop) return { owner: parseOwner(read(file)) };
      return lock = held(path, file, stop);
    } finally {
      if (!lock) file.close();
    }
  }
}

/** Takes the system's lock: whether that went well, null where the file system has no locks. */
function takeIfThereAre(system: LockSystem, file: Deno.FsFile): boolean | null {
  try {
    return system.take(file);
  } catch {
    return null;
  }
}

/** Whether an owner of which the system's lock tells nothing may still run. */
async function lives(
  path: string,
  former: Owner,
  { pace }: LockSystem,
  { what = path, progress = () => {} }: LockOptions,
): Promise<boolean> {
  return await showsLife(path, pace, () => {
    progress(
      `${what} was left by ${
        describeOwner(former)
      }. Locks may not reach that far on this file system: waiting up to ` +
        `${Math.ceil(pace.silence / 1000)} s for a sign that it still runs`,
    );
  });
}

/** Opens the lock file; one that belongs to another user may be locked, but not written, by this one. */
function openLock(path: string): Deno.FsFile {
  try {
    return Deno.openSync(path, { read: true, write: true, create: true });
  } catch (error) {
    if (!(error instanceof Deno.errors.PermissionDenied)) throw error;
    try {
      return Deno.openSync(path);
    } catch {
      throw error;
    }
  }
}

/** What a lock file says. Windows lets nobody read a file that another has locked. */
function read(file: Deno.FsFile): string {
  try {
    file.seekSync(0, Deno.SeekMode.Start);
    const bytes = new Uint8Array(8192), count = file.readSync(bytes) ?? 0;
    return new TextDecoder().decode(bytes.subarray(0, count));
  } catch {
    return "";
  }
}

/** Says who the owner is. */
function write(file: Deno.FsFile, owner: Owner): void {
  try {
    file.truncateSync(0);
    file.seekSync(0, Deno.SeekMode.Start);
    file.writeSync(new TextEncoder().encode(JSON.stringify(owner) + "\n"));
  } catch {
    // Another user's file, or a full disk: the lock holds, but others cannot be told who has it.
  }
}

function held(path: string, file: Deno.FsFile, stop: () => void): Lock {
  let open = true;
  const release = (): Promise<void> => {
    if (open) {
      open = false;
      stop();
      // Removed while it is locked, so that nobody else's is. Windows wants it closed before.
      const own = isSameFile(file, path), windows = Deno.build.os === "windows";
      if (windows) file.close();
      try {
        if (own) Deno.removeSync(path);
      } catch { /* its folder went away */ }
      if (!windows) file.close();
    }
    return Promise.resolve();
  };
  return { path, release, [Symbol.asyncDispose]: release };
}

function pause(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = () => {
      clearTimeout(timer);
      reject(signal!.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", stop);
      resolve();
    }, ms);
    signal?.addEventListener("abort", stop, { once: true });
  });
}
