/** Ways to prepare and embed pictures. */
import { type BadRecord, badRecordOf } from "../../data/epoch/epoch.ts";
import type { Reached } from "../../data/epoch/one_pass.ts";
import type { Prepared, Preparer } from "../../data/decode/preparer.ts";
import type { Preparation } from "../../data/picture/preparation.ts";
import { BadRecordError, type ImageRecord, type Picture, PictureError } from "../../data/types.ts";
import type { Engine } from "../../engine/types.ts";
import type { ModelConfig } from "../../model/config.ts";
import type { ModelState } from "../../model/types.ts";
import { embedder, type Embedding } from "../embed.ts";
import { type EmbeddingInfo, type Preprocessing, preprocessingOf } from "./info.ts";

/** Another way to prepare and embed pictures than that of evaluation. */
export interface EmbedWay {
  preprocessing: Preprocessing;
  /** What the encoder is given of a picture; as many bytes for each. A function works on the calling thread. */
  prepare: Preparation | ((picture: Picture) => Uint8Array);
  /** Features of prepared pictures, side by side. */
  pictures(state: ModelState, pictures: Uint8Array): Promise<Pick<Embedding, "class" | "mean">>;
}

/** As evaluation prepares and embeds pictures; what is compiled for it is given back where it is disposed of. */
export function evaluationWay(
  engine: Engine,
  config: ModelConfig,
  info: EmbeddingInfo,
  batchSize: number,
): EmbedWay & Disposable {
  const { blocks, all } = info.tokens;
  const embed = embedder(engine, config, {
    batchSize,
    patches: all !== undefined,
    blocks: blocks?.[0] ?? 0,
  });
  return {
    preprocessing: preprocessingOf(config),
    prepare: { kind: "middle", size: config.imageSize },
    pictures: embed.pictures,
    [Symbol.dispose]: embed.close,
  };
}

/** A record with its picture, or why it has none. */
export type Loaded =
  | { reached: Reached; at: number; key: string; given: number | string | null; prepared: Prepared }
  | {
    reached: Reached;
    at: number;
    bad: BadRecord;
  };

/** Reads and prepares one picture. */
export async function loadPicture(
  { reached, at }: { reached: Reached; at: number },
  preparer: Preparer,
): Promise<Loaded> {
  let record: ImageRecord | undefined;
  try {
    record = await reached.read();
    const prepared = await preparer.make(record.bytes);
    return { reached, at, key: record.key, given: record.className ?? record.label ?? null, prepared };
  } catch (error) {
    if (error instanceof BadRecordError) return { reached, at, bad: badRecordOf(error) };
    if (!(error instanceof PictureError)) throw error;
    return {
      reached,
      at,
      bad: { source: record?.source ?? "", key: record?.key ?? "", reason: error.message },
    };
  }
}
