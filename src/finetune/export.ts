/** A classifier as it is taken to other programs. */
import { FINETUNE_SETTINGS } from "./settings.ts";
import type { ExportedModel } from "../weights/export/export.ts";
import type { StoredClassifier } from "./classifier_file.ts";

/**
 * A classifier as `exportModel` takes it.
 *
 * @param classifier From `readClassifier`.
 */
export function exportedClassifier(classifier: StoredClassifier): ExportedModel {
  const { name, path, config, settings, classes, checkpoint, tensors } = classifier;
  const { step, pictures, bad, engine, time } = checkpoint, { imageSize } = config;
  const keys = Object.keys(FINETUNE_SETTINGS) as (keyof typeof FINETUNE_SETTINGS)[];
  const from = settings.model === "" || settings.fromScratch
    ? "from random weights"
    : "from a trained encoder";
  return {
    name,
    config,
    notes: [],
    tensors,
    classifier: {
      pool: config.pool,
      classes,
      shorter: Math.max(imageSize, Math.round(imageSize / settings.evalShare)),
      path,
      step,
      trained:
        `Fine-tuned ${from} on ${
          pictures.toLocaleString("en")
        } labelled pictures of ${classes.length} classes: ${step} ` +
        `steps of ${settings.batchSize} pictures, on engine ${engine}, until ${time}. Bad pictures skipped: ${bad}.`,
      // Where it ran and on which files is nobody's business.
      settings: Object.fromEntries(
        keys.filter((key) => !FINETUNE_SETTINGS[key].free && key !== "subset").map((
          key,
        ) => [key, settings[key]]),
      ),
    },
  };
}
