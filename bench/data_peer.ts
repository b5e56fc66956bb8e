/** PyTorch's ways of loading pictures, as a process that loads some when asked. */
import { fileURLToPath } from "node:url";

/** A loader that runs. */
export interface LoaderPeer {
  about: string;
  /** Loads at least so many images; gives images per second. */
  run(images: number): Promise<number>;
  close(): Promise<void>;
}

/**
 * Starts bench/peers/data.py. `PYTHON` names the interpreter (default python3).
 *
 * @returns The peer, or a reason why there is none: PyTorch, Pillow or WebDataset is not installed.
 */
export async function startLoader(
  kind: "dataloader" | "webdataset",
  path: string,
  options: { workers: number; batch: number },
): Promise<LoaderPeer | string> {
  const inherited = Deno.env.toObject();
  delete inherited.GLIBC_TUNABLES;
  let child: Deno.ChildProcess;
  try {
    child = new Deno.Command(Deno.env.get("PYTHON") ?? "python3", {
      args: ["data.py", kind, path, "--workers", `${options.workers}`, "--batch", `${options.batch}`],
      cwd: fileURLToPath(new URL("./peers/", import.meta.url)),
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
      clearEnv: true,
      env: inherited,
    }).spawn();
  } catch {
    return "no Python here";
  }
  const errors = new Response(child.stderr).text();
  const input = child.stdin.getWriter(),
    output = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  let buffered = "";
  const line = async (): Promise<Record<string, string & number> | null> => {
    while (!buffered.includes("\n")) {
      const { value, done } = await output.read();
      if (done) return null;
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
  const ready = await line();
  if (!ready) {
    await close();
    const last = (await errors).trim().split("\n").at(-1) ?? "";
    const missing = /No module named '([^']+)'/.exec(last)?.[1];
    return missing ? `${missing} is not installed` : `the peer failed: ${last}`;
  }
  return {
    about: ready.about,
    async run(images) {
      await input.write(new TextEncoder().encode(`${images}\n`));
      const answer = await line();
      if (!answer) throw new Error(`the ${kind} peer ended: ${(await errors).trim().split("\n").at(-1)}`);
      return answer.images / answer.seconds;
    },
    close,
  };
}
