/** Features of labelled pictures, from a model or from an embedding file, and the classes of two such sets matched. */
import { pictureOrigin } from "../data/origin.ts";
import { partKeys } from "../data/open/part_keys.ts";
import { growingClasses } from "../data/sources/growing_classes.ts";
import type { BadRecordError, Source } from "../data/types.ts";
import type { ModelState } from "../model/types.ts";
import { galleryNumbers, type UnknownClasses, unknownClasses } from "./classes.ts";
import type { Embedder, Embedding } from "./embed.ts";
import type { EmbeddingFile } from "./embedding/format.ts";
import type { EmbeddingInfo } from "./embedding/info.ts";
import { openEmbedding } from "./embedding/open.ts";
import { pictureBatches } from "./pictures.ts";
import { fileGallery, type Gallery } from "./search/gallery.ts";
import { notesOf } from "./set_notes.ts";
import { joinRows, pickRows, requireFinite, type Rows, sliceColumns } from "./rows.ts";

/** Features of pictures that have a class. */
export interface FeatureSet {
  /** What the user named. */
  uri: string;
  /** Class token of the last block. */
  class?: Rows;
  /** Mean patch token of the last block. */
  mean?: Rows;
  /** Class tokens of the last blocks, oldest first. */
  blocks?: Rows;
  /** How many blocks those are; 0 for none. */
  blockCount: number;
  /** The class of each picture: an index into `names`. */
  labels: number[];
  names: readonly string[];
  keys: string[];
  /** Where each picture stands in the source that it was read from; of a file only with `stored`. */
  places?: number[];
  /** Instead of rows in memory: galleries of an embedding file that is open; row `places[i]` is picture i's. */
  stored?: Partial<Record<"class" | "mean", Gallery>>;
  /** Pictures that have no class, and are not among these. */
  unlabelled: number;
}

const KINDS = ["class", "mean", "blocks"] as const;

/** Some pictures of a set, in the order of `indices`. */
export function pickSet(set: FeatureSet, indices: readonly number[]): FeatureSet {
  const picked: FeatureSet = {
    ...set,
    labels: indices.map((i) => set.labels[i]),
    keys: indices.map((i) => set.keys[i]),
    places: set.places && indices.map((i) => set.places![i]),
  };
  for (const kind of KINDS) if (set[kind]) picked[kind] = pickRows(set[kind], indices);
  return picked;
}

/** Leaves out pictures without a class. */
function labelled(set: Omit<FeatureSet, "unlabelled">): FeatureSet {
  const known = set.labels.flatMap((label, i) => label >= 0 ? [i] : []);
  if (known.length === 0) throw new Error(`${set.uri}: no picture that can be read has a class`);
  const whole = { ...set, unlabelled: set.labels.length - known.length };
  return whole.unlabelled === 0 ? whole : pickSet(whole, known);
}

/** How a source is embedded. */
export interface EmbedSourceOptions {
  embed: Pick<Embedder, "pictures">;
  /** Read, never disposed. */
  state: ModelState;
  /** Side of the encoder's pictures. */
  imageSize: number;
  batchSize: number;
  /** How many blocks the embedder gives class tokens of. */
  blocks: number;
  onBad?: (bad: BadRecordError) => void;
  /** Called with how many more pictures are embedded. */
  step?: (pictures: number) => void;
}

/**
 * Embeds all pictures of a source and keeps those with a class.
 *
 * @throws {Error} When none has one, or a picture cannot be read and `onBad` is not there to hear of it.
 */
export async function embedSource(source: Source, options: EmbedSourceOptions): Promise<FeatureSet> {
  const { embed, state, imageSize: size, batchSize, blocks, onBad, step } = options;
  const parts: Embedding[] = [], labels: number[] = [], keys: string[] = [], places: number[] = [];
  const classes = growingClasses(source.labels), ofParts = partKeys(source);
  const reading = {
    prepare: { kind: "middle", size } as const,
    batchSize,
    labelOf: classes.number,
    onBad,
  };
  for await (const batch of pictureBatches(source, reading)) {
    parts.push(await embed.pictures(state, batch.bytes));
    labels.push(...batch.labels);
    batch.indices.forEach((index, i) =>
      keys.push(ofParts.of(pictureOrigin(source, index).part, batch.keys[i]))
    );
    places.push(...batch.indices);
    step?.(batch.labels.length);
  }
  const rows = (name: "class" | "mean" | "blocks") => joinRows(parts.map((part) => part[name]!));
  const names = classes.labels(), { uri } = source;
  if (parts.length === 0) throw new Error(`${uri}: no picture that can be read has a class`);
  const last = rows("class");
  requireFinite(last, (row) => `${uri}: ${keys[row]}: its features by this model`);
  return labelled({
    uri,
    class: last,
    mean: rows("mean"),
    blocks: blocks > 0 ? rows("blocks") : undefined,
    blockCount: blocks,
    labels,
    names,
    keys,
    places,
  });
}

/** An embedding file as a set, and what the file says of itself. */
export interface ReadSet {
  set: FeatureSet;
  info: EmbeddingInfo;
  /** Closes the file, where features were left in it. */
  close(): void;
}

/**
 * Reads an embedding file, those pictures that have a class.
 *
 * @param options With `stored`, class and mean patch token stay in the file, for `setNeighbours`; not where only `blocks` hold
 * the class token.
 * @throws {Error} When it cannot be read, none of its pictures has a class, or a feature that is read is no finite number.
 */
export async function readFeatures(path: string, options: { stored?: boolean } = {}): Promise<ReadSet> {
  const file = await openEmbedding(path);
  let open = false;
  try {
    const { info } = file, keys = await file.keys();
    // Where only the blocks hold the class token, it is cut out of them in memory.
    const { class: own, mean, blocks } = info.tokens;
    const stored = options.stored === true && (own ?? (blocks ? undefined : mean)) !== undefined;
    const set: Omit<FeatureSet, "unlabelled"> = {
      uri: path,
      blockCount: stored ? 0 : info.tokens.blocks?.[0] ?? 0,
      labels: [...file.labels],
      names: info.classes,
      keys,
    };
    if (stored) {
      const gallery = (kind: "class" | "mean") => info.tokens[kind] && fileGallery(file, kind);
      set.stored = { class: gallery("class"), mean: gallery("mean") };
      set.places = keys.map((_, row) => row);
    } else await readKinds(file, set, keys);
    const known = labelled(set);
    open = stored;
    return { set: known, info, close: () => open && file.close() };
  } finally {
    if (!open) file.close();
  }
}

/** Reads all features that protocols look at. */
async function readKinds(
  file: EmbeddingFile,
  set: Omit<FeatureSet, "unlabelled">,
  keys: readonly string[],
): Promise<void> {
  const { path, info } = file;
  for (const kind of KINDS) {
    if (!info.tokens[kind]) continue;
    set[kind] = await file.rows(kind);
    requireFinite(set[kind], (row) => `${path}: ${keys[row]}: its features (${kind})`);
  }
  // The last of several blocks is the class token.
  const width = info.tokens.blocks?.[1] ?? 0;
  if (set.blocks && !set.class) set.class = sliceColumns(set.blocks, set.blocks.width - width, width);
  if (!set.class && !set.mean) {
    throw new Error(`${path}: holds ${Object.keys(info.tokens)}; eval needs class, mean or blocks`);
  }
}

/** Two sets whose labels mean the same, or one. */
export interface MatchedSets {
  train: FeatureSet;
  /** Labels are indices into the names of `train`. */
  test: FeatureSet | null;
  /** Classes of the queries that the gallery lacks. */
  unknown: UnknownClasses;
  /** What a reader of the figures has to know about the classes, one sentence each. */
  notes: string[];
}

/**
 * Matches the classes of two sets: where both have the same list, numbers decide; otherwise names, which must be unique.
 * Test pictures of a class that the gallery lacks are left out and counted.
 *
 * @param which What the test pictures are called in the notes.
 * @throws {Error} When the gallery has pictures of one class only, a name is ambiguous, or no picture is of its classes.
 */
export function matchSets(train: FeatureSet, test: FeatureSet | null, which = "query"): MatchedSets {
  const { names } = train;
  if (new Set(train.labels).size < 2) {
    throw new Error(
      `${train.uri}: all pictures that can be read are of one class, "${names[train.labels[0]]}"`,
    );
  }
  let unknown: UnknownClasses = { classes: [], pictures: 0 }, matched: FeatureSet | null = null;
  if (test) {
    const numbers = galleryNumbers({ uri: train.uri, labels: names }, { uri: test.uri, labels: test.names });
    unknown = unknownClasses(test.labels, test.names, numbers);
    const known = test.labels.flatMap((label, i) => numbers[label] < 0 ? [] : [i]);
    if (known.length === 0) throw new Error(`${test.uri}: no picture is of a class of ${train.uri}`);
    const kept = unknown.pictures > 0 ? pickSet(test, known) : test;
    matched = { ...kept, labels: kept.labels.map((label) => numbers[label]) };
  }
  return { train, test: matched, unknown, notes: notesOf(train, matched, unknown, which, test) };
}
