/** What the benchmarks' other processes have in common: each is asked by lines and answers with lines of JSON. */
import { fileURLToPath } from "node:url";

/** A process that has said what it is and waits for requests. */
export interface Peer<Ready, Answer> {
  /** Its first line. */
  ready: Ready;
  /**
   * Sends a number and waits for what comes back.
   *
   * @throws When the process has ended; what it wrote to its error output is shown before.
   */
  ask(count: number): Promise<Answer>;
  close(): Promise<void>;
}

/** How a process is started. */
export interface PeerOptions {
  cwd?: string;
  /** All of its environment. Default: ours. */
  env?: Record<string, string>;
  /** What becomes of its error output: shown at once, or (default) when the process fails. */
  errors?: "inherit" | "piped";
}

/** Our environment without the allocator settings that our tasks start with. */
export function plainEnvironment(): Record<string, string> {
  const settings = /^(GLIBC_TUNABLES|MIMALLOC_.*|LD_PRELOAD)$/;
  return Object.fromEntries(Object.entries(Deno.env.toObject()).filter(([name]) => !settings.test(name)));
}

/** The interpreter of the peers in Python. */
export function pythonName(): string {
  return Deno.env.get("PYTHON") ?? "python3";
}

/** Runs Python to its end; fails with the last line of what it complains of. */
export async function runPython(args: string[], signal?: AbortSignal): Promise<void> {
  const options = { args, env: plainEnvironment(), clearEnv: true, signal };
  const { success, stderr } = await new Deno.Command(pythonName(), options).output();
  if (!success) throw new Error(new TextDecoder().decode(stderr).trim().split("\n").at(-1));
}

/** Starts a process and waits for its first line; gives the reason in words where it does not come so far. */
export async function startPeer<Ready, Answer>(
  command: string,
  args: string[],
  { cwd, env = Deno.env.toObject(), errors = "piped" }: PeerOptions = {},
): Promise<Peer<Ready, Answer> | string> {
  let child: Deno.ChildProcess;
  try {
    child = new Deno.Command(command, {
      args,
      cwd,
      stdin: "piped",
      stdout: "piped",
      stderr: errors,
      clearEnv: true,
      env,
    }).spawn();
  } catch (error) {
    return error instanceof Deno.errors.NotFound ? `no ${command} here` : (error as Error).message;
  }
  const said = errors === "piped" ? new Response(child.stderr).text() : Promise.resolve("");
  const input = child.stdin.getWriter();
  const output = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  let buffered = "";
  const line = async <T>(): Promise<T | undefined> => {
    while (!buffered.includes("\n")) {
      const { value, done } = await output.read();
      if (done) return undefined;
      buffered += value;
    }
    const at = buffered.indexOf("\n"), text = buffered.slice(0, at);
    buffered = buffered.slice(at + 1);
    return JSON.parse(text);
  };
  const close = async () => {
    await input.close().catch(() => {});
    while (!(await output.read()).done);
    await child.status;
  };
  /** Why a process has ended. */
  const reason = async (): Promise<string> => {
    await close();
    const text = (await said).trim(), last = text.split("\n").at(-1) || "see above";
    const missing = /No module named '([^']+)'/.exec(last)?.[1];
    if (missing) return `${missing} is not installed`;
    if (text !== "") console.error(text);
    return `it failed: ${last}`;
  };
  const ready = await line<Ready>();
  if (!ready) return await reason();
  return {
    ready,
    ask: async (count) => {
      // Where it has ended already, the answer that does not come tells.
      await input.write(new TextEncoder().encode(`${count}\n`)).catch(() => {});
      const answer = await line<Answer>();
      if (!answer) throw new Error(`${[command, ...args].join(" ")}: ${await reason()}`);
      return answer;
    },
    close,
  };
}

/**
 * Starts one of the peers in Python. `PYTHON` names the interpreter (default python3).
 *
 * @param folder Where the script is. Default: peers/ beside this file.
 * @param env Environment on top of a plain one.
 */
export function startPython<Ready, Answer>(
  [script, ...args]: string[],
  { folder, env }: { folder?: string; env?: Record<string, string> } = {},
): Promise<Peer<Ready, Answer> | string> {
  return startPeer(pythonName(), [script, ...args], {
    cwd: folder ?? fileURLToPath(new URL("./peers/", import.meta.url)),
    env: { ...plainEnvironment(), ...env },
  });
}
