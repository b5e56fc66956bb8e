import { fileURLToPath } from "node:url";
import { provideAllocator } from "../engine/install/allocator.ts";

/** The repository. */
const ROOT = fileURLToPath(new URL("../..", import.meta.url));

/** Text that is kept of what a process says. */
const KEPT = 64 << 10;

/** A command that can be started. */
export interface Command {
  path: string;
  args: string[];
  env: Record<string, string>;
}

/** How a process ended. */
export interface Ended {
  code: number;
  /** The signal that ended it, if one did. */
  signal: Deno.Signal | null;
  /** The last of what it said, on both streams. */
  text: string;
}

/** A process that was started here. */
export interface Running {
  readonly pid: number;
  /** True as soon as it has ended. */
  readonly over: boolean;
  readonly ended: Promise<Ended>;
  /** Milliseconds since it was started. */
  age(): number;
  /** Sends a signal; does nothing when the process has ended. */
  kill(signal: Deno.Signal): void;
  /** What it has said so far. */
  text(): string;
}

/**
 * A task of deno.json as a command, so that what is killed is the program itself and not the runner of tasks.
 *
 * @param name The task.
 * @param args What follows it.
 * @throws {Error} When the task is not `NAME=VALUE… deno run …`.
 */
export async function taskCommand(name: string, args: readonly string[]): Promise<Command> {
  const { tasks } = JSON.parse(await Deno.readTextFile(`${ROOT}/deno.json`));
  // A value may be what another program prints: that of the allocator, which is not fetched here.
  const command: string = (tasks[name]?.command ?? "").replace(/LD_PRELOAD=\$\([^)]*\) /, "");
  const preload = command === tasks[name]?.command ? undefined : await provideAllocator({ fetch: false });
  const words = command.split(" "), at = words.indexOf("deno");
  if (at < 0 || words[at + 1] !== "run") {
    throw new Error(`deno.json: task ${name} does not start with deno run`);
  }
  const env = Object.fromEntries(words.slice(0, at).map((word) => word.split("=") as [string, string]));
  if (preload !== undefined) env.LD_PRELOAD = preload;
  const rest = words.slice(at + 2).map((word) => word.startsWith("tasks/") ? ROOT + word : word);
  return { path: Deno.execPath(), args: ["run", "--quiet", ...rest, ...args], env };
}

/** A module of this folder as a command, with all permissions. */
export function moduleCommand(module: string, args: readonly string[]): Command {
  const path = fileURLToPath(new URL(module, import.meta.url));
  return { path: Deno.execPath(), args: ["run", "-A", "--quiet", path, ...args], env: {} };
}

/** As it is, but with files of at most so many bytes: the disk seems full in the middle of a larger one. */
export function withLargestFile({ path, args, env }: Command, bytes: number): Command {
  // POSIX counts blocks of 512 bytes. Without the trap the signal would end the process before it sees the error.
  const script = `trap '' XFSZ; ulimit -f ${Math.max(1, Math.floor(bytes / 512))}; exec "$0" "$@"`;
  return { path: "sh", args: ["-c", script, path, ...args], env };
}

/**
 * As it is, but `folder` is a disk of its own with `bytes`, which really fills. It is a mount that only this process
 * sees, so that nothing is left of it; at the end its content is copied back.
 */
export function withSmallDisk({ path, args, env }: Command, folder: string, bytes: number): Command {
  const script = `set -e; disk="$0"; kept="$disk.kept"
mv "$disk" "$kept"; mkdir "$disk"; mount -t tmpfs -o size=${Math.ceil(bytes)} none "$disk"
cp -a "$kept/." "$disk/"; code=0; "$@" || code=$?
rm -rf "$kept"; cp -a "$disk" "$kept"; umount "$disk"; rmdir "$disk"; mv "$kept" "$disk"; exit $code`;
  return { path: "unshare", args: ["-rm", "sh", "-c", script, folder, path, ...args], env };
}

/** Whether {@linkcode withSmallDisk} works here. */
export async function smallDisksWork(folder: string): Promise<boolean> {
  const script = `mount -t tmpfs -o size=4096 none "${folder}" && umount "${folder}"`;
  const command = new Deno.Command("unshare", {
    args: ["-rm", "sh", "-c", script],
    stdin: "null",
    stdout: "null",
    stderr: "null",
  });
  return await command.output().then(({ success }) => success, () => false);
}

/** Collects a stream's text until it ends or is given up. */
function collect(
  stream: ReadableStream<Uint8Array>,
  add: (text: string) => void,
): { over: Promise<void>; stop(): Promise<void> } {
  const reader = stream.getReader(), decoder = new TextDecoder();
  const read = async () => {
    for (let part = await reader.read(); !part.done; part = await reader.read()) {
      add(decoder.decode(part.value, { stream: true }));
    }
  };
  return { over: read(), stop: () => reader.cancel() };
}

/** Starts processes and knows which of them live. */
export interface Nursery {
  /** @throws {DOMException} When the nursery's signal has been given: nothing is started any more. */
  start(command: Command): Running;
  /** Ends all that live, at once. */
  killAll(): Promise<void>;
}

/**
 * Starts processes in a folder.
 *
 * @param cwd The folder.
 * @param env Variables that all of them get.
 * @param signal Ends all that live, and lets none be started afterwards.
 */
export function openNursery(cwd: string, env: Record<string, string>, signal?: AbortSignal): Nursery {
  const living = new Set<Running>();
  const killLiving = () => living.forEach((running) => running.kill("SIGKILL"));
  signal?.addEventListener("abort", killLiving, { once: true });
  return {
    start(command) {
      signal?.throwIfAborted();
      const since = performance.now();
      const child = new Deno.Command(command.path, {
        args: command.args,
        cwd,
        env: { ...env, ...command.env },
        stdin: "null",
        stdout: "piped",
        stderr: "piped",
      }).spawn();
      let text = "", over = false;
      const add = (more: string) => void (text = (text + more).slice(-KEPT));
      const streams = [child.stdout, child.stderr].map((stream) => collect(stream, add));
      const said = Promise.all(streams.map(({ over }) => over));
      // A grandchild that outlives it may hold its streams.
      const silent = async () => {
        let timer: ReturnType<typeof setTimeout> | undefined;
        await Promise.race([said, new Promise((resolve) => timer = setTimeout(resolve, 2000))]);
        clearTimeout(timer);
        await Promise.all(streams.map(({ stop }) => stop()));
      };
      const running: Running = {
        pid: child.pid,
        get over() {
          return over;
        },
        ended: child.status.then(async ({ code, signal }) => {
          over = true;
          living.delete(running);
          await silent();
          return { code, signal, text };
        }),
        age: () => performance.now() - since,
        kill(signal) {
          try {
            if (!over) child.kill(signal);
          } catch (error) {
            // It has ended, but we were not told yet.
            if (!(error instanceof TypeError || error instanceof Deno.errors.NotFound)) throw error;
          }
        },
        text: () => text,
      };
      living.add(running);
      return running;
    },
    async killAll() {
      const all = [...living];
      killLiving();
      await Promise.all(all.map(({ ended }) => ended));
    },
  };
}
