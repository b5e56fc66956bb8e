/** What a fine-tuning learns from, as every training on an encoder is told. */
import { ConfigError } from "../train/config/config.ts";
import type { DownstreamData } from "../train/downstream_data.ts";
import type { Checkpoint } from "../train/run/checkpoint.ts";
import { DEFAULT_VIEWS, type ViewOptions } from "../views/sample.ts";
import { CLASSIFIER, learnedFrom } from "./classifier_file.ts";
import { storedFinetuneConfig } from "./config.ts";
import { baseSizeOf } from "./finetuning.ts";
import type { LabelledPictures } from "./labelled.ts";
import { FINETUNE_SETTINGS, type FinetuneConfig } from "./settings.ts";

/** How views are drawn for a classifier: crop and flip alone. */
export function classifierViews(config: FinetuneConfig): ViewOptions {
  const { cropScale, cropRatio, flip } = config;
  return {
    ...DEFAULT_VIEWS,
    ...{ imageSize: baseSizeOf(config), cropScale, cropRatio, flip, colour: 0, grey: 0 },
    ...{ blur: [0, 0] as const, solarise: [0, 0] as const },
  };
}

/** What is compared when a run goes on: the classes, how many pictures, and their digest. */
export interface LearnedSet {
  uri: string;
  classes: readonly string[];
  pictures: number;
  digest: string;
  /** What the digest tells apart, such as `pictures, or other classes of them,`. */
  differs: string;
}

/**
 * Refuses to go on with other pictures or other classes than a run has learned from.
 *
 * @param before What the checkpoint says.
 * @throws {ConfigError} When they differ; says in what.
 */
export function checkSameSet(
  { path, pictures }: Pick<Checkpoint<{ seed: number }>, "path" | "pictures">,
  before: { classes: readonly string[]; digest: string },
  now: LearnedSet,
): void {
  const resume = "resume with the same data, or begin another run in another --out", { uri, classes } = now;
  if (JSON.stringify(before.classes) !== JSON.stringify(classes)) {
    const other = classes.find((name) => !before.classes.includes(name)) ??
      before.classes.find((name) => !classes.includes(name));
    const what = other === undefined ? "in another order" : `of which "${other}" is not in both`;
    throw new ConfigError(
      `${uri} has ${classes.length} classes, but ${path} has learned ${before.classes.length}, ${what}; ${resume}`,
    );
  }
  if (pictures !== now.pictures) {
    throw new ConfigError(
      `${uri} has ${now.pictures} pictures, but ${path} was made with ${pictures}; ${resume}`,
    );
  }
  if (before.digest !== now.digest) {
    throw new ConfigError(`${uri} has other ${now.differs} than ${path} was made with; ${resume}`);
  }
}

/**
 * What a fine-tuning learns from.
 *
 * @param digest Of the pictures, see `picturesDigest`.
 */
export function finetuneData(
  config: FinetuneConfig,
  { source, names, labels }: LabelledPictures,
  digest: string,
): DownstreamData<FinetuneConfig> {
  const now: LearnedSet = {
    ...{ uri: source.uri, classes: names, pictures: labels.length, digest },
    differs: "pictures, or other classes of them,",
  };
  return {
    source,
    kind: CLASSIFIER,
    table: FINETUNE_SETTINGS,
    stored: storedFinetuneConfig(config),
    check: (checkpoint) => checkSameSet(checkpoint, learnedFrom(checkpoint), now),
    stream: { imageSize: baseSizeOf(config), views: classifierViews(config), withLabels: true },
  };
}
