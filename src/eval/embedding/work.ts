/** What an embedding that is being made leaves on the disk, so that it can go on after it was stopped or killed. */
import { basename, dirname, join } from "node:path";
import type { BadRecord } from "../../data/epoch/epoch.ts";
import type { OnePass } from "../../data/epoch/one_pass.ts";
import type { Source } from "../../data/types.ts";
import { isPathError, pathError } from "../../files/path_error.ts";
import { publishFile } from "../../files/publish.ts";
import { float32, type StoredTensor } from "../../files/stored_tensor.ts";
import { type EmbeddingInfo, sizeOfShape, type TokenName } from "./info.ts";
import {
  encodePart,
  hasParts,
  openPart,
  openParts,
  type Part,
  type PartNotes,
  partPath,
  reached,
} from "./parts.ts";

/** The folder of an embedding that is being made, beside the file that it is to become. */
export interface Work {
  /** The parts so far, in order. */
  parts: Part[];
  /** Writes another part, whole or not at all. */
  add(notes: PartNotes, features: Record<string, StoredTensor>): Promise<void>;
  /** Removes it. */
  remove(): Promise<void>;
  /** After a failure, which it throws: removes it where there is nothing to go on from. */
  leave(error: unknown): Promise<never>;
}

/** Milliseconds after which a part is written, however small: so much is lost at most when the process is killed. */
const PART_TIME = 10_000;

const REQUEST = "request.json";

/** What parts of a request are called for people. */
const ASKED: Readonly<Record<string, string>> = {
  digest: "the model's weights",
  tokens: "the tokens",
  preprocessing: "how pictures are prepared",
  source: "the source",
  total: "the number of pictures",
  batchSize: "the batch size",
};

/** Why what was begun for one request is of no use for another. */
function otherRequest(begun: string, request: unknown): string {
  const parse = (): Record<string, unknown> => {
    try {
      return Object(JSON.parse(begun));
    } catch {
      return {};
    }
  };
  const before = parse(), now = request as Record<string, unknown>;
  const changed = Object.keys(ASKED).filter((key) =>
    JSON.stringify(before[key]) !== JSON.stringify(now[key])
  );
  const words = changed.map((key) => {
    const simple = key !== "digest" && typeof now[key] !== "object";
    return simple ? `${ASKED[key]} was ${before[key]} and is ${now[key]}` : `${ASKED[key]} changed`;
  });
  return words.join(", ") || "it was begun in another way";
}

/** Whether the pictures of some parts still stand in their source where they stood, by their names. */
async function areInPlace(parts: readonly Part[], source: Pick<Source, "key">): Promise<boolean> {
  let at = 0;
  for (const part of parts) {
    const { keys, bad } = await part.notes(), left = new Set(bad.map(({ at }) => at));
    for (const name of keys) {
      while (left.has(at)) at++;
      if (await source.key(at++).catch(() => null) !== name) return false;
    }
  }
  return true;
}

/**
 * Opens the folder in which an embedding is made. What was begun for the same request is taken up, up to a part that is
 * damaged; anything else that lies there is removed.
 *
 * @param out The file that it is to become. The caller holds its lock.
 * @param request What is asked for: model, tokens, source.
 * @param source The pictures, where they are read by index: parts of pictures that stand elsewhere now are not taken up.
 * @param lost Told, once, that what was begun, or a part and those behind it, is made anew, and why.
 * @returns The folder, with the parts that are there.
 * @throws {Error} When it cannot be written; names `out`.
 */
export async function openWork(
  out: string,
  request: unknown,
  source?: Pick<Source, "key">,
  lost?: (line: string) => void,
): Promise<Work> {
  try {
    return await openFolder(out, request, source, lost);
  } catch (error) {
    throw isPathError(error) ? pathError(error, out, "write") : error;
  }
}

async function openFolder(
  out: string,
  request: unknown,
  source?: Pick<Source, "key">,
  lost?: (line: string) => void,
): Promise<Work> {
  const folder = join(dirname(out), `.${basename(out)}.embedding`), text = JSON.stringify(request);
  const remove = () =>
    Deno.remove(folder, { recursive: true }).catch((error) => {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    });
  const anew = async () => {
    await remove();
    await Deno.mkdir(folder);
    try {
      await publishFile(join(folder, REQUEST), text);
    } catch (error) {
      await remove().catch(() => {});
      throw error;
    }
  };
  const begun = await Deno.readTextFile(join(folder, REQUEST)).catch(() => null);
  const told = (why: string) => lost?.(`${out}: what was begun is made anew: ${why}`);
  if (begun !== text) {
    if (begun !== null && await hasParts(folder)) told(otherRequest(begun, request));
    await anew();
  }
  const parts = await openParts(folder, lost);
  if (source && !await areInPlace(parts, source)) {
    told("its pictures do not stand where they stood in the source");
    await anew();
    parts.length = 0;
  }
  return {
    parts,
    remove,
    async leave(error) {
      if (parts.length === 0) await remove().catch(() => {});
      throw error;
    },
    async add(notes, features) {
      const path = partPath(folder, parts.length);
      await publishFile(path, encodePart(notes, features));
      parts.push(await openPart(path, reached(parts)));
    },
  };
}

/** The records behind those that earlier calls have embedded; what became of those is entered again. */
export async function* recordsLeft(
  pass: OnePass,
  notes: readonly PartNotes[],
  tell: (on: boolean) => void,
) {
  const next = notes.at(-1)?.next ?? 0, known = new Map<number, BadRecord>();
  for (const { bad } of notes) for (const { at, record } of bad) known.set(at, record);
  tell(next === 0);
  let at = 0;
  for await (const reached of pass.records()) {
    if (at < next) {
      pass.enter(reached.from, known.get(at++));
      tell(at === next);
    } else yield { reached, at: at++ };
  }
}

/** What has been embedded since the last part. */
export function openBuffer(info: EmbeddingInfo) {
  const empty = (): PartNotes => ({ next: 0, keys: [], classes: [], bad: [] });
  let notes = empty(), since = performance.now(), bytes = 0;
  const parts = new Map<string, Float32Array[]>();
  return {
    notes: () => notes,
    full: (most: number) => bytes >= most || performance.now() - since > PART_TIME,
    add(token: TokenName, features: Float32Array) {
      parts.set(token, [...parts.get(token) ?? [], features]);
      bytes += features.byteLength;
    },
    async write(work: Work, next: number) {
      const features: Record<string, StoredTensor> = {};
      for (const [token, shape] of Object.entries(info.tokens)) {
        const data = new Float32Array(notes.keys.length * sizeOfShape(shape));
        let at = 0;
        for (const part of parts.get(token) ?? []) {
          data.set(part, at);
          at += part.length;
        }
        features[token] = float32([notes.keys.length, ...shape], data);
      }
      await work.add({ ...notes, next }, features);
      parts.clear();
      [notes, since, bytes] = [empty(), performance.now(), 0];
    },
  };
}
