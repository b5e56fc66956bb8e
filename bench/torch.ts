import { type Memory, type StepProcess, stepProcess } from "./our_step.ts";
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
  const allocator = Object.keys(env).length ? ", our allocator settings" : "";
  const how = compiled ? "torch.compile" : "eager";
  return stepProcess(`PyTorch ${peer.ready.torch} ${how}${allocator}`, peer);
}
