import type { Memory, StepProcess } from "./our_step.ts";
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

/**
 * Starts bench/peers/serve.py.
 *
 * @returns The peer, or a reason why there is none: PyTorch is not installed, or cannot do this.
 */
export async function startTorch(options: TorchOptions): Promise<StepProcess | string> {
  const { preset, batch, precision, compiled = false, device = "cpu", folder, env = {} } = options;
  const peer = await startPython<{ torch: string }, { seconds: number } & Memory>([
    "serve.py",
    ...["--preset", preset, "--batch", `${batch}`, "--precision", precision, "--device", device],
    ...device === "cpu" ? ["--threads", `${navigator.hardwareConcurrency}`] : [],
    ...compiled ? ["--compile"] : [],
  ], { folder, env });
  if (typeof peer === "string") return peer;
  let memory: Memory = { peak: 0, resident: 0 };
  const allocator = Object.keys(env).length ? ", our allocator settings" : "";
  return {
    about: `PyTorch ${peer.ready.torch} ${compiled ? "torch.compile" : "eager"}${allocator}`,
    run: async (steps) => {
      const { seconds, ...rest } = await peer.ask(steps);
      memory = rest;
      return seconds;
    },
    memory: () => memory,
    close: peer.close,
  };
}
