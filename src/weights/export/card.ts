/** The model card of an export: what the model is, what it was trained on, how well it does, how pictures must come. */
import { basename, dirname, join } from "node:path";
import { hiddenWidth, type ModelConfig } from "../../model/config.ts";
import { type RunConfig, SETTINGS } from "../../train/config/settings.ts";
import type { Checkpoint } from "../../train/run/checkpoint.ts";
import { eachLine, isStep } from "../../train/run/metrics_file.ts";
import { MEAN, STD } from "../../views/render.ts";
import type { ExportFormat } from "./formats.ts";
import { loading } from "./loading.ts";
import { type ClassifierParts, shorterSide } from "./model.ts";

/** What is known of a model. */
export interface ModelFacts {
  name: string;
  config: ModelConfig;
  /** Its run's checkpoint; missing for weights from elsewhere. */
  checkpoint?: Omit<Checkpoint, "tensors">;
  /** Of weights from elsewhere, what was taken. */
  notes: readonly string[];
  /** Where it is a classifier. */
  classifier?: ClassifierFacts;
}

/** What is known of a classifier. */
export interface ClassifierFacts extends ClassifierParts {
  /** Its checkpoint, and the steps done. */
  path: string;
  step: number;
  /** How it was trained: a sentence, and the settings. */
  trained: string;
  settings: Readonly<Record<string, unknown>>;
}

/** A figure of the run, such as an accuracy. */
export interface Figure {
  /** Who found it, and after which step. */
  evaluator: string;
  step: number;
  values: Readonly<Record<string, number>>;
}

/**
 * What the run of a checkpoint had found by then: the last line of each evaluator, and the loss.
 *
 * @param path The checkpoint, in the folder `checkpoints` of its run; elsewhere nothing is found.
 * @throws {Error} When the run's metrics cannot be read.
 */
export async function figuresOf(path: string, step: number): Promise<Figure[]> {
  const folder = dirname(path), metrics = join(dirname(folder), "metrics.jsonl");
  if (basename(folder) !== "checkpoints") return [];
  const found = new Map<string, Figure>();
  let last: Figure | undefined;
  await eachLine(metrics, (line) => {
    if (line.step > step) return;
    if (isStep(line)) {
      last = { evaluator: "training", step: line.step, values: { loss: line.loss } };
      return;
    }
    const { step: at, evaluator, epoch: _, seconds: __, ...rest } = line;
    const numbers = Object.entries(rest).filter((pair): pair is [string, number] =>
      typeof pair[1] === "number"
    );
    if (numbers.length > 0) {
      found.set(evaluator, { evaluator, step: at, values: Object.fromEntries(numbers) });
    }
  });
  return [...last ? [last] : [], ...found.values()];
}

const list = (values: readonly number[]) => values.join(", ");

const LIBRARY: Readonly<Record<ExportFormat, string>> = {
  hf: "transformers",
  timm: "timm",
  onnx: "onnx",
  safetensors: "pytorch",
};

/** Settings that determine the numbers of a run; where it ran and on which files are not among them. */
function settingsOf(config: RunConfig): Partial<RunConfig> {
  const keys = Object.keys(SETTINGS) as (keyof RunConfig)[];
  return Object.fromEntries(keys.filter((key) => !SETTINGS[key].free).map((key) => [key, config[key]]));
}

function training({ checkpoint, notes, classifier }: ModelFacts): string[] {
  if (classifier) {
    return [classifier.trained, "", "```json", JSON.stringify(classifier.settings, null, 2), "```"];
  }
  if (!checkpoint) {
    // Paths of this machine are nobody's business.
    const lines = notes.map((line) => line.replace(/^.*[\\/](?=[^\\/]+: )/, ""));
    return ["Weights that were trained elsewhere:", "", "```", ...lines, "```"];
  }
  const { config, step, pictures, bad, cursor, engine, time } = checkpoint;
  const passes = cursor.position === 0 ? `${cursor.epoch}` : `${cursor.epoch} whole`;
  return [
    `Trained without labels, as a semantic-aware auto-encoder, on ${
      pictures.toLocaleString("en")
    } pictures: ${step} steps ` +
    `of ${config.batchSize} pictures (${passes} epochs), on engine ${engine}, until ${time}. Bad pictures skipped: ${bad}.`,
    "",
    "```json",
    JSON.stringify(settingsOf(config), null, 2),
    "```",
  ];
}

/**
 * A model card as Markdown, with the front matter that Hugging Face reads.
 *
 * @param format What was exported to; it says how to load it.
 * @param figures What was measured.
 */
export function modelCard(format: ExportFormat, model: ModelFacts, figures: readonly Figure[]): string {
  const { config, classifier } = model, { imageSize, patchSize, width, depth, heads, mlpRatio } = config;
  const gives = !classifier
    ? "Its features are the class token after the final norm."
    : `It tells ${classifier.classes.length} classes apart by ${
      classifier.pool === "mean" ? "the mean of its patch tokens" : "its class token"
    }.`;
  const rows = figures.flatMap(({ evaluator, step, values }) =>
    Object.entries(values).map(([name, value]) =>
      `| ${evaluator} | ${name} | ${+value.toFixed(4)} | ${step} |`
    )
  );
  return [
    "---",
    `library_name: ${LIBRARY[format]}`,
    `pipeline_tag: ${classifier ? "image-classification" : "image-feature-extraction"}`,
    "tags: [vision-transformer, self-supervised, semantic-ae]",
    "---",
    "",
    `# ${basename(model.name.replace(/ \(.*\)$/, ""))}`,
    "",
    `A vision transformer: pictures of ${imageSize} × ${imageSize} in patches of ${patchSize} × ${patchSize}, width ${width}, ` +
    `${depth} blocks, ${heads} heads, hidden width ${
      hiddenWidth(width, mlpRatio)
    }, layer norms with epsilon 1e-6, exact GELU. ${gives}`,
    "",
    "## Loading",
    "",
    loading(format, config, classifier !== undefined),
    "",
    "## Preprocessing",
    "",
    `Resize the shorter side to ${
      classifier?.shorter ?? shorterSide(config)
    } (bicubic, with antialias), cut out the middle ${imageSize} × ` +
    `${imageSize}, divide by 255, subtract the mean (${list(MEAN)}) and divide by the deviation (${
      list(STD)
    }) of red, green ` +
    "and blue. Libraries round differently when they resize, so their features differ a little from those of the program " +
    "that trained this; from the same pixels they are equal to about 1e-6.",
    "",
    "## Training",
    "",
    ...training(model),
    "",
    "## Figures",
    "",
    ...(rows.length > 0
      ? ["| found by | figure | value | after step |", "| --- | --- | --- | --- |", ...rows]
      : ["None were measured during training."]),
    "",
  ].join("\n");
}
