/** Encoders that others have trained, from their files. */
import { join } from "node:path";
import { requirePath } from "../files/path_error.ts";
import { float32, type StoredTensor } from "../files/stored_tensor.ts";
import type { ModelConfig } from "../model/config.ts";
import { assembleEncoder, numbersOf } from "./assemble.ts";
import { factsBeside, FOLDER_FILES } from "./beside.ts";
import { type ChoiceOptions, chooseEncoder } from "./choose.ts";
import { openWeights } from "./files/open.ts";
import { WeightsError } from "./files/types.ts";
import { type SizeOptions, sizesOf } from "./sizes.ts";
import { checkShapes, describeSorted, sortTensors } from "./sort.ts";

/** Which encoder of a file is meant, and of which sizes. */
export interface WeightsRequest extends ChoiceOptions, SizeOptions {}

/** Weights in host memory. */
export interface ReadWeights {
  config: ModelConfig;
  /** Under our names: the encoder's below `backbone.`, and of a file of this method all of the head's that there are. */
  tensors: Record<string, StoredTensor>;
  /** What was taken and what was not, and what was done to it; a line each. */
  notes: string[];
}

/** Where a folder has its weights; the path itself for a file. */
async function fileIn(path: string): Promise<string> {
  const info = await Deno.stat(path).catch(() => undefined);
  if (!info?.isDirectory) return path;
  for (const name of FOLDER_FILES) {
    const file = join(path, name);
    if (await Deno.stat(file).then(({ isFile }) => isFile, () => false)) return file;
  }
  for (const name of FOLDER_FILES) {
    if (await Deno.stat(join(path, `${name}.index.json`)).then(() => true, () => false)) {
      throw new WeightsError(
        `${path}: its weights are divided over several files, which are not read here; in Python save them whole, by ` +
          'save_pretrained(…, max_shard_size="50GB")',
      );
    }
  }
  throw new WeightsError(`${path}: a folder without weights; looked for ${FOLDER_FILES.join(" and ")}`);
}

/**
 * Reads an encoder that others have trained: a `.pth` that PyTorch wrote, or safetensors, with the names of the
 * reference, DINO, MAE, timm, or Hugging Face's ViT and DINOv2, told apart by the names. The sizes are those of its
 * tensors. Nothing in a file is executed.
 *
 * Layer scale is worked into the layers before it, and another normalisation of pictures, where a file beside the weights
 * names one, into the patch embedding; both are exact but for rounding. For another `imageSize` the position embedding
 * is resized by the reference's and DINO's rule: bicubic, by the factor (new + .1) / old.
 *
 * @param path The file, or a folder with model.safetensors or pytorch_model.bin in it.
 * @throws {WeightsError} When it is no such file, damaged, or its features depend on what this encoder cannot compute.
 * @throws {Error} When it cannot be read.
 */
export async function readWeights(path: string, request: WeightsRequest = {}): Promise<ReadWeights> {
  requirePath(path);
  const where = await fileIn(path), file = await openWeights(where);
  try {
    const found = chooseEncoder(file, request), beside = await factsBeside(where);
    const sorted = sortTensors(where, found);
    const sizes = sizesOf(where, sorted.ours, request, beside, file.facts, found.prefix);
    checkShapes(where, sizes.config, sorted, sizes);
    const notes = [...describeSorted(file, found, sorted, sizes), ...beside.notes];
    const tensors = await assembleEncoder(where, sorted, sizes, beside, notes);
    for (const [name, tensor] of sorted.head) {
      const stored = await tensor.read();
      if (/^(F|BF)\d/.test(stored.dtype)) {
        tensors[name] = float32(tensor.shape, await numbersOf(where, name, [tensor]));
      }
    }
    return { config: sizes.config, tensors, notes };
  } finally {
    file.close();
  }
}
