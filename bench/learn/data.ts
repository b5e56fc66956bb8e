/** The pictures of `bench learn`: what is trained on, what settings are chosen by, and what is judged in the end. */
import { join } from "node:path";
import { onePart } from "./parts.ts";
import { collect } from "../../src/data/open/collect.ts";
import { openData } from "../../src/data/open/open_data.ts";
import { pack } from "../../src/data/pack.ts";
import { select } from "../../src/data/sources/select.ts";
import type { Source } from "../../src/data/types.ts";
import { requireClasses } from "../../src/eval/classes.ts";
import { holdoutOrder } from "../../src/eval/split.ts";
import { openDraft } from "../../src/files/draft.ts";
import { readOwnJson } from "../../src/files/own_json.ts";
import { UsageError } from "../../src/cli/usage_error.ts";

/** The parts: pictures that are trained on, those that choose settings, and those of the last judgement. */
export const PARTS = ["train", "selection", "test"] as const;

/** One of {@linkcode PARTS}. */
export type PartName = typeof PARTS[number];

/** What is wanted. */
export interface DataWanted {
  /** Labelled pictures, as {@linkcode openData} takes them. */
  data: string;
  /** Pictures for the last judgement; empty: a part of `data`. */
  testData: string;
  /** Pictures of `data` that are never trained on and choose settings; 0: a tenth, at most 5,000. */
  selection: number;
  /** Side of the model's pictures. */
  size: number;
}

/** A prepared part. */
export interface Part {
  /** How many pictures. */
  count: number;
  /** Files of count × S × S × 3 bytes: whole pictures squeezed to a square, and as they are prepared for evaluation. */
  base: string;
  evaluated: string;
  /** File of one int32 a picture. */
  labels: string;
  /** The names of the classes. */
  names: string[];
}

/** All parts. */
export interface LearnData {
  parts: Record<PartName, Part>;
  /** Shards of the train part, for `deno task train`. */
  shards: string;
}

/** Bump when what is prepared changes. */
const VERSION = 1;
/** The seed of the split: always the same pictures are held out. */
const SPLIT_SEED = 13;
/** Pictures that choose, where that is not said. */
const SELECTION = 5000;

/** Which pictures of a source belong to which part; test pictures only where there is no other source of them. */
export function splitParts(
  length: number,
  wanted: number,
  own: boolean,
  uri: string,
): Record<PartName, number[]> {
  const selection = wanted || Math.min(SELECTION, Math.floor(length / 10));
  const held = selection * (own ? 2 : 1);
  if (selection < 2 || held > length / 2) {
    throw new UsageError(
      `${uri}: ${length} pictures are too few to hold ${held} out; give more, or a smaller --selection`,
    );
  }
  const { train, test: apart } = holdoutOrder(length, held / length, SPLIT_SEED, uri);
  if (!own) return { train, selection: apart, test: [] };
  const second = holdoutOrder(held, 0.5, SPLIT_SEED, uri);
  const pick = (indices: number[]) => indices.map((i) => apart[i]);
  return { train, selection: pick(second.train), test: pick(second.test) };
}

async function open(uri: string, role: "train" | "test", say: (line: string) => void): Promise<Source> {
  const source = await collect(await openData(uri, { role, progress: say }));
  await requireClasses(source, 2);
  return source;
}

/** What a folder says of itself. */
interface Written {
  wanted: DataWanted & { version: number };
  parts: Record<PartName, Pick<Part, "count" | "names">>;
}

const files = (folder: string, name: PartName) => ({
  base: join(folder, `${name}-base.bytes`),
  evaluated: join(folder, `${name}-evaluated.bytes`),
  labels: join(folder, `${name}-labels.int32`),
});

function opened(folder: string, { parts }: Written): LearnData {
  const part = (name: PartName): Part => ({ ...parts[name], ...files(folder, name) });
  return {
    parts: { train: part("train"), selection: part("selection"), test: part("test") },
    shards: join(folder, "shards"),
  };
}

/** What was prepared before; null where nothing was. */
function known(folder: string): Promise<Written | null> {
  const advice = `remove the folder ${folder}, and the pictures are prepared anew`;
  return readOwnJson<Written>(join(folder, "data.json"), advice);
}

/** Writes all parts into a folder. */
async function write(folder: string, wanted: DataWanted, say: (line: string) => void): Promise<Written> {
  const source = await open(wanted.data, "train", say), own = wanted.testData === "";
  try {
    const test = own ? source : await open(wanted.testData, "test", say);
    try {
      const split = splitParts(source.length, wanted.selection, own, source.uri);
      const sources = {
        train: select(source, split.train),
        selection: select(source, split.selection),
        test: own ? select(source, split.test) : test,
      };
      const written = {} as Written["parts"];
      for (const name of PARTS) {
        say(`reading the ${name} part: ${sources[name].length} pictures of ${sources[name].uri}`);
        const part = await onePart(sources[name], { size: wanted.size, ...files(folder, name), say });
        written[name] = part.about;
        if (name === "train") {
          // All were decoded just now.
          await pack(select(sources.train, part.indices), join(folder, "shards"), { check: "sniff" });
        }
      }
      return { wanted: { ...wanted, version: VERSION }, parts: written };
    } finally {
      if (!own) await test.close();
    }
  } finally {
    await source.close();
  }
}

/**
 * Prepares the pictures once, in a folder; a later call finds them there.
 *
 * @param folder Its folder must exist, and is this process's own.
 * @throws {UsageError} The folder holds other pictures, or there are too few.
 * @throws {Error} They have no classes, or cannot be read.
 */
export async function prepareData(
  folder: string,
  wanted: DataWanted,
  say: (line: string) => void,
): Promise<LearnData> {
  const before = await known(folder);
  if (before) {
    if (JSON.stringify(before.wanted) === JSON.stringify({ ...wanted, version: VERSION })) {
      return opened(folder, before);
    }
    throw new UsageError(
      `${folder}: was made of other pictures or for another size: ${
        JSON.stringify(before.wanted)
      }; name another --out`,
    );
  }
  const draft = await openDraft(folder);
  try {
    const written = await write(draft.path, wanted, say);
    await Deno.writeTextFile(join(draft.path, "data.json"), JSON.stringify(written, null, 2));
    await draft.publish();
    return opened(folder, written);
  } finally {
    await draft.discard();
  }
}
