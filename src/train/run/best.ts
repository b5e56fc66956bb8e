/** The best state of a run by a figure of an evaluator, kept as a checkpoint beside the last ones. */
import { join } from "node:path";
import { makeFolder } from "../../files/make_folder.ts";
import { openSafetensors } from "../../files/safetensors.ts";
import type { StoredTensor } from "../../files/stored_tensor.ts";
import { publishFile, type PublishOptions } from "../../files/publish.ts";
import { checkpointFolder, type CheckpointInfo, encodeCheckpoint } from "./checkpoint.ts";

/** A figure by which states are compared; the higher the better. */
export interface BestFigure {
  /** The evaluator and its number, such as `knn top1`. */
  figure: string;
  value: number;
  /** What it was measured on. */
  on: string;
}

/** A best state that is on the disk. */
export interface Best extends BestFigure {
  path: string;
  step: number;
}

/** `checkpoints/best-knn-top1.safetensors` for `knn top1`. */
function bestPath(run: string, figure: string): string {
  return join(checkpointFolder(run), `best-${figure.replaceAll(/[^\p{L}\p{N}]+/gu, "-")}.safetensors`);
}

/**
 * Writes a state as the best one by a figure, whole or not at all, in place of the one before. It is a checkpoint like
 * others, but `keep` does not remove it, and a resumed run does not go on from it.
 *
 * @returns Its path.
 * @throws {Error} When it cannot be written; the one before then stays.
 */
export async function saveBest<Config extends { seed: number }>(
  run: string,
  info: CheckpointInfo<Config>,
  tensors: Record<string, StoredTensor>,
  best: BestFigure,
  options: PublishOptions = {},
): Promise<string> {
  const path = bestPath(run, best.figure);
  await makeFolder(checkpointFolder(run));
  await publishFile(path, encodeCheckpoint(info, tensors, { best: JSON.stringify(best) }), options);
  return path;
}

/** Removes the best states of a run that begins once more: they are of another one, perhaps with other settings. */
export async function removeBest(run: string): Promise<void> {
  const folder = checkpointFolder(run);
  if (!await Deno.stat(folder).then(() => true, () => false)) return;
  for await (const { name } of Deno.readDir(folder)) {
    if (/^best-.*\.safetensors$/.test(name)) await Deno.remove(join(folder, name));
  }
}

/**
 * The best state by a figure that a run has kept; null where there is none that can be read. Reads the file's header
 * alone.
 */
export async function readBest(run: string, figure: string): Promise<Best | null> {
  const path = bestPath(run, figure);
  try {
    const file = await openSafetensors(path);
    file.close();
    const best = JSON.parse(file.metadata.best) as BestFigure;
    return best.figure === figure ? { ...best, path, step: Number(file.metadata.step) } : null;
  } catch {
    // A damaged one is written anew with the next figure.
    return null;
  }
}
