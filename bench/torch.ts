import { startPython } from "./peer.ts";

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
 * Starts bench/peers/serve.py.
 *
 * @returns The peer, or a reason why there is none: PyTorch is not installed, or cannot do this.
 */
export async function startTorch(options: TorchOptions): Promise<TorchPeer | string> {
  const { preset, batch, precision, compiled = false, device = "cpu", folder, env = {} } = options;
  const peer = await startPython<{ torch: string }, { seconds: number; peak: number }>([
    "serve.py",
    ...["--preset", preset, "--batch", `${batch}`, "--precision", precision, "--device", device],
    ...compiled ? ["--compile"] : [],
  ], { folder, env });
  if (typeof peer === "string") return peer;
  let peak = 0;
  const allocator = Object.keys(env).length ? ", our allocator settings" : "";
  return {
    about: `PyTorch ${peer.ready.torch} ${compiled ? "torch.compile" : "eager"}${allocator}`,
    run: async (steps) => {
      const answer = await peer.ask(steps);
      peak = answer.peak;
      return answer.seconds;
    },
    peak: () => peak,
    close: peer.close,
  };
}
