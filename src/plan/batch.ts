/** The largest batch that a card holds, found with few compilations. */
import { type ModelConfig, tokenCount } from "../model/config.ts";
import type { Precision } from "../engine/types.ts";

/** What the first guess depends on. */
type Sizes = ModelConfig & { precision: Precision };

/**
 * Bytes of intermediates that a step keeps for each picture, roughly: a transformer block keeps some 34 numbers for each
 * feature of a token and five for each pair of tokens and head (Korthikanti et al. 2022, §4.1, in bytes of 16 bits), and
 * every picture has two views. Only where to begin: what is compiled decides.
 */
export function guessPerPicture(config: Sizes): number {
  const { width, depth, heads, codeWidth, decoderDepth, decoderHeads, rematerialise, precision } = config;
  const tokens = tokenCount(config), scale = precision === "bfloat16" ? 1 : 2;
  const block = (width: number, heads: number) => scale * (34 * tokens * width + 5 * heads * tokens ** 2);
  const encoder = block(width, heads), decoder = block(codeWidth, decoderHeads);
  const kept = rematerialise
    ? 4 * tokens * (depth * width + decoderDepth * codeWidth) + encoder + decoder
    : depth * encoder + decoderDepth * decoder;
  return 2 * (kept + 24 * config.imageSize ** 2);
}

/** What the search for the largest batch needs. */
export interface Search {
  /** Bytes of a card that a step may take. */
  limit: number;
  /** Bytes that a step takes whatever its batch, and for each picture: where to begin. */
  fixed: number;
  perPicture: number;
  /** Batches are divisible by this. */
  multiple: number;
  /** Pictures of the data: a batch cannot be larger. */
  most: number;
  /** Compiles a step for so many pictures: bytes that it needs; undefined where it could not be compiled to fit. */
  need(batch: number): Promise<number | undefined>;
}

/** Compilations at most. */
const MOST = 6;
/** A batch that leaves less than this share unused is large enough. */
const NEAR = 0.03;

/** Where the line through the two points nearest to the limit reaches it. */
function reaching(points: ReadonlyMap<number, number>, limit: number): number {
  const [[u0, b0], [u1, b1]] = [...points].sort(([, a], [, b]) => Math.abs(a - limit) - Math.abs(b - limit));
  return b1 === b0 ? Infinity : u0 + (limit - b0) * (u1 - u0) / (b1 - b0);
}

/**
 * The largest batch that fits. Memory is nearly linear in the batch, so a first compilation tells the slope, and the
 * second one mostly is the answer; each further one narrows the range.
 *
 * @returns A batch that was compiled and fits, so near to the largest that another compilation is not worth it; undefined
 * where not even `multiple` pictures fit.
 */
export async function searchBatch(search: Search): Promise<number | undefined> {
  const { limit, fixed, perPicture, multiple, need } = search;
  // In units of `multiple`: `low` fits (0: none yet), `high` does not.
  let low = 0, high = Math.floor(search.most / multiple) + 1;
  const points = new Map([[0, fixed]]);
  // A little less than what the rough figure says, to be on the safe side and near.
  let guess = 0.9 * (limit - fixed) / (perPicture * multiple);
  for (let tries = 0; tries < MOST && high - low > 1; tries++) {
    const units = Math.min(high - 1, Math.max(low + 1, Math.floor(guess)));
    const bytes = await need(units * multiple);
    if (bytes !== undefined) {
      // A step that takes less shows that the rough figure was too high.
      if (bytes <= (points.get(0) ?? -1)) points.delete(0);
      points.set(units, bytes);
    }
    if (bytes !== undefined && bytes <= limit) low = units;
    else high = units;
    guess = points.size > 1 ? reaching(points, limit) : low === units ? 2 * units : units / 2;
    if (low > 0 && Math.min(high - 1, guess) < low * (1 + NEAR)) break;
  }
  return low > 0 ? low * multiple : undefined;
}
