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

/** What says to a process which allocator it has, and how that behaves. */
const ALLOCATOR = /^(GLIBC_TUNABLES|LD_PRELOAD|(_RJEM_|JE_)?MALLOC_.*|MIMALLOC_.*)$/;

/** Our environment without the allocator settings that our tasks start with. */
export function plainEnvironment(): Record<string, string> {
  return Object.fromEntries(Object.entries(Deno.env.toObject()).filter(([name]) => !ALLOCATOR.test(name)));
}

/** The interpreter of the peers in Python. */
export function pythonName(): string {
  return Deno.env.get("PYTHON") ?? "python3";
}

/**
 * Looks for what a peer in Python imports.
 *
 * @param modules Their names; the first one's version is what the peer is known by.
 * @returns The first one's version, or a sentence that says what is missing and how to get it.
 */
export async function findPython(
  modules: readonly string[],
): Promise<{ version: string } | { missing: string }> {
  const script = `${modules.map((name) => `import ${name}\n`).join("")}print(${modules[0]}.__version__)`;
  try {
    const options = { args: ["-c", script], env: plainEnvironment(), clearEnv: true };
    const { success, stdout, stderr } = await new Deno.Command(pythonName(), options).output();
    const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes).trim();
    if (success) return { version: text(stdout) };
    return { missing: missingModule(text(stderr).split("\n").at(-1)!) };
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    return { missing: `no ${pythonName()} here; ${how("torch pillow")}` };
  }
}

/** How one has what the peers need. */
const how = (packages: string) =>
  `for the comparison: python3 -m pip install ${packages}, or name another interpreter in PYTHON`;

/** What Python's last words say of a module that is missing. */
function missingModule(words: string): string {
  const missing = /No module named '([^']+)'/.exec(words)?.[1];
  return missing ? `${missing} is not installed; ${how(missing === "PIL" ? "pillow" : missing)}` : words;
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
    if (last.includes("No module named")) return missingModule(last);
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
