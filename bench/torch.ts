import { fileURLToPath } from "node:url";

/** How the PyTorch peer is run. */
export interface TorchOptions {
  preset: string;
  batch: number;
  precision: string;
  compiled?: boolean;
  device?: "cpu" | "cuda";
  /** Where serve.py is. Default: beside this file. */
  folder?: string;
  /** Environment on top of a plain one. */
  env?: Record<string, string>;
}

/** A PyTorch process that runs steps when asked. */
export interface TorchPeer {
  /** One line about it. */
  about: string;
  /** Runs steps and gives the seconds they took. */
  run(steps: number): Promise<number>;
  /** Peak memory so far, in bytes. */
  peak(): number;
  close(): Promise<void>;
}

/**
 * Starts the peer, or gives undefined where PyTorch is not installed. `PYTHON` names the interpreter (default python3).
 */
export async function startTorch(options: TorchOptions): Promise<TorchPeer | undefined> {
  const { preset, batch, precision, compiled = false, device = "cpu", env = {} } = options;
  const python = Deno.env.get("PYTHON") ?? "python3";
  const args = [
    "serve.py",
    "--preset",
    preset,
    "--batch",
    `${batch}`,
    "--precision",
    precision,
    "--device",
    device,
  ];
  const inherited = Deno.env.toObject();
  // Ours is started with allocator settings; the peer gets them only when asked for.
  delete inherited.GLIBC_TUNABLES;
  let child: Deno.ChildProcess;
  try {
    child = new Deno.Command(python, {
      args: compiled ? [...args, "--compile"] : args,
      cwd: options.folder ?? fileURLToPath(new URL("./peers/", import.meta.url)),
      stdin: "piped",
      stdout: "piped",
      stderr: device === "cuda" ? "inherit" : "null",
      clearEnv: true,
      env: { ...inherited, ...env },
    }).spawn();
  } catch {
    return undefined;
  }
  const input = child.stdin.getWriter();
  const output = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  let buffered = "";
  const line = async (): Promise<Record<string, number> | undefined> => {
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
  const ready = await line();
  if (!ready) {
    await close();
    return undefined;
  }
  let peak = 0;
  const allocator = Object.keys(env).length ? ", our allocator settings" : "";
  return {
    about: `PyTorch ${ready.torch} ${compiled ? "torch.compile" : "eager"}${allocator}`,
    run: async (steps) => {
      await input.write(new TextEncoder().encode(`${steps}\n`));
      const answer = await line();
      if (!answer) throw new Error("the PyTorch process ended during a measurement");
      peak = answer.peak;
      return answer.seconds;
    },
    peak: () => peak,
    close,
  };
}
