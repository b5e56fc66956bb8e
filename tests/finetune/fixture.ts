/** A tiny encoder in a run folder, and labelled pictures to fine-tune it on. */
import { join } from "node:path";
import { decodeSafetensors, encodeSafetensors } from "../../src/files/safetensors.ts";
import { asFloat32, float32 } from "../../src/files/stored_tensor.ts";
import { latestCheckpoint, saveCheckpoint } from "../../src/train/run/checkpoint.ts";
import { presetConfig } from "../../src/train/config/presets.ts";
import { disposeTree, initialState, readState } from "../../src/train/state.ts";
import { openWasm } from "../../src/engine/wasm.ts";
import { colourFolder, TOY } from "../eval/toy.ts";

/** Settings under which the tiny encoder learns colours in a second, with everything random in play. */
export const QUICK = [
  ...["--engine=wasm", "--batch-size=6", "--epochs=5", "--lr=0.2", "--checkpoint-minutes=0", "--workers=1"],
  ...[
    "--mixup=0.2",
    "--cutmix=0.5",
    "--mix-prob=0.5",
    "--erasing=0.3",
    "--drop-path=0.2",
    "--ema",
    "--seed=3",
  ],
];

/** Writes a run folder of an encoder that was never trained. */
export async function encoderRun(folder: string): Promise<string> {
  const run = join(folder, "encoder"), config = { ...presetConfig("demo"), ...TOY, data: "x", seed: 1 };
  await openWasm();
  const state = initialState(config, 1);
  const begin = { step: 0, cursor: { epoch: 0, position: 0 }, pictures: 0, bad: 0, engine: "wasm", time: "" };
  await saveCheckpoint(run, { config, ...begin }, await readState(state), { keep: 1 });
  disposeTree(state);
  return run;
}

/**
 * Damages a tensor of a run's last checkpoint: its first number is none.
 *
 * @param name Of the tensor.
 */
export async function spoil(run: string, name: string): Promise<void> {
  const path = (await latestCheckpoint(run))!;
  const { tensors, metadata } = decodeSafetensors(await Deno.readFile(path), path);
  const data = Float32Array.from(asFloat32(tensors[name]));
  data[0] = NaN;
  await Deno.writeFile(
    path,
    encodeSafetensors({ ...tensors, [name]: float32(tensors[name].shape, data) }, metadata),
  );
}

/** Folders of 18 pictures to learn from and 6 to be measured on, each with three colours as classes. */
export async function colourFolders(folder: string): Promise<{ train: string; test: string }> {
  const train = await colourFolder(join(folder, "train"), 6),
    test = await colourFolder(join(folder, "test"), 2);
  return { train, test };
}
