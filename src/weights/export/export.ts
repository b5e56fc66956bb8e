/** Takes a model to other programs. */
import { dirname, join } from "node:path";
import { newFolder, openDestination } from "../../files/destination.ts";
import { publishFile } from "../../files/publish.ts";
import type { Disk } from "../../files/disk.ts";
import { asFloat32, type StoredTensor } from "../../files/stored_tensor.ts";
import { figuresOf, modelCard, type ModelFacts } from "./card.ts";
import { EXPORT_FORMATS, exportFiles, type ExportFormat, whyNot } from "./formats.ts";
import type { ModelToWrite } from "./model.ts";
import { WeightsError } from "../files/types.ts";
import type { Numbers } from "./onnx.ts";

/** A model to export: what `readModel` gives. */
export interface ExportedModel extends ModelFacts {
  /** Under the reference's names, in host memory. */
  tensors: Readonly<Record<string, StoredTensor>>;
}

/** How a model is exported. */
export interface ExportOptions {
  to: ExportFormat;
  /** Stops the work; what was written is removed. */
  signal?: AbortSignal;
  /** Where files go; tests give a disk with faults. */
  disk?: Disk;
}

/** A file of an export. */
export interface ExportedFile {
  /** In the folder. */
  name: string;
  bytes: number;
}

/** A model's numbers, each tensor checked once. */
function finiteNumbers({ name: model, tensors }: ExportedModel): Numbers {
  const known = new Map<string, Float32Array>();
  return (name) => {
    const found = known.get(name);
    if (found) return found;
    if (!Object.hasOwn(tensors, name)) throw new WeightsError(`${model}: the tensor ${name} is missing`);
    const values = asFloat32(tensors[name]), odd = values.findIndex((x) => !Number.isFinite(x));
    if (odd >= 0) {
      throw new WeightsError(
        `${model}: ${name} holds ${
          values[odd]
        } at ${odd}: such weights give no features; take an earlier checkpoint`,
      );
    }
    known.set(name, values);
    return values;
  };
}

/**
 * Writes a model into a new folder for other programs: the encoder (for `safetensors` all of the model that there is),
 * what these programs need to know, and a model card. The folder appears whole or not at all.
 *
 * From the same pixels, `last_hidden_state` of Hugging Face and ONNX Runtime and `forward_features` of timm are the
 * encoder's tokens after the final norm, up to rounding. Of a classifier they are its scores.
 *
 * @param model From `readModel`.
 * @param dest The folder; must not exist.
 * @returns Its files.
 * @throws {WeightsError} When there is no such format, it cannot hold the model, or a weight is not a finite number.
 * @throws {InUseError} When another process makes the folder.
 * @throws {Error} When it exists, or cannot be written, or the signal's reason; nothing is left then.
 */
export async function exportModel(
  model: ExportedModel,
  dest: string,
  { to, signal, disk }: ExportOptions,
): Promise<ExportedFile[]> {
  if (!Object.hasOwn(EXPORT_FORMATS, to)) {
    throw new WeightsError(
      `there is no format ${JSON.stringify(to)}; take ${Object.keys(EXPORT_FORMATS).join(", ")}`,
    );
  }
  const { config, checkpoint, tensors, classifier } = model, path = newFolder(dest);
  const written: ModelToWrite = {
    config,
    tensors,
    numbers: finiteNumbers(model),
    step: checkpoint?.step ?? 0,
    classifier,
  };
  const why = whyNot(to, written);
  if (why) throw new WeightsError(`${model.name}: cannot be exported to ${to}: ${why}`);
  const destination = await openDestination(path);
  try {
    const known = checkpoint ?? classifier;
    const figures = known ? await figuresOf(known.path, known.step) : [];
    const files = { ...exportFiles(to, written), "README.md": modelCard(to, model, figures) };
    const done: ExportedFile[] = [];
    for (const [name, content] of Object.entries(files)) {
      // Numbers of a large model are made without a pause: a signal is heard only here.
      await new Promise((resolve) => setTimeout(resolve));
      signal?.throwIfAborted();
      const file = join(destination.folder, name);
      await Deno.mkdir(dirname(file), { recursive: true });
      await publishFile(file, content, { disk });
      done.push({ name, bytes: (await Deno.stat(file)).size });
    }
    signal?.throwIfAborted();
    await destination.publish();
    return done;
  } finally {
    await destination.close();
  }
}
