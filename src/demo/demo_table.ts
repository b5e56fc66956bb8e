import { join } from "node:path";
import { openSource } from "../data/open/open_data.ts";
import { basePicture } from "../data/picture/resize.ts";
import { joinClasses } from "../data/sources/match_classes.ts";
import { parseKey } from "./select.ts";
import type { Engine } from "../engine/types.ts";
import type { ModelConfig } from "../model/config.ts";
import type { ModelState } from "../model/types.ts";
import { publishFile } from "../files/publish.ts";
import { packView } from "../views/pack.ts";
import { DEFAULT_VIEWS, sampleView, type ViewOptions } from "../views/sample.ts";
import { VIEW_FIELDS } from "../views/types.ts";
import { embedder, type Embedding } from "../eval/embed.ts";
import { accuracy, knnClasses } from "../eval/knn.ts";
import { nearest, withoutOwn } from "../eval/nearest.ts";
import { allPictures } from "../eval/pictures.ts";
import { pixelRows } from "../eval/pixels.ts";
import { centreRows, pickRows, type Rows, unitRows } from "../eval/rows.ts";
import { retrieval, type TopShares } from "../eval/retrieval.ts";
import type { Table, TableRow } from "../eval/table_text.ts";

export { formatTable, type Table, type TableRow } from "../eval/table_text.ts";

/** What {@linkcode evaluateDemo} needs. */
export interface EvaluateDemoOptions {
  engine: Engine;
  config: ModelConfig;
  /** The trained model. Its tensors are read, never disposed. */
  state: ModelState;
  /** The same model before training, for the table's random rows. Left out: the table has none. */
  random?: ModelState;
  /** Shards of the demo, from `prepareDemo`. */
  train: string;
  heldout: string;
  /** Seed of the crops of (R). Default 0; keep it, so that tables of several runs have the same queries. */
  seed?: number;
  /** Run folder that gets table.json; left out: nothing is written. */
  run?: string;
  /** Said under the table, such as that the run was shortened. */
  notes?: readonly string[];
  /** Takes lines for people. */
  progress?: (line: string) => void;
}

/** The neighbours that vote in (B). */
const CATEGORY_K = 10;

/** An epoch that no training reaches: no crop of (R) was ever a view of training. */
const EVALUATION_EPOCH = 2 ** 32 - 1;

/** All pictures of the demo and what is known of them, training's first. */
interface Demo {
  size: number;
  pictures: Uint8Array;
  /** Numbers of meanings and of categories, one a picture. */
  meanings: Int32Array;
  categories: Int32Array;
  categoryCount: number;
  /** Where Google's and Twitter's pictures stand. */
  google: number[];
  twitter: number[];
  /** The first held-out picture. */
  firstHeldout: number;
}

/** Features of all pictures, and of the crops of (R). */
interface Features {
  pictures: Rows;
  crops: Rows;
}

async function readDemo(options: EvaluateDemoOptions): Promise<Demo> {
  const size = options.config.imageSize;
  const sides = [];
  for (const uri of [options.train, options.heldout]) {
    const source = await openSource(uri);
    try {
      sides.push({ uri, ...await allPictures(source, { size, prepare: basePicture }), names: source.labels });
    } finally {
      await source.close();
    }
  }
  const keys = sides.flatMap((side) => side.keys).map(parseKey);
  const joined = joinClasses(sides.map(({ uri, names }) => ({ uri, labels: names })));
  const categories = sides.flatMap(({ labels }, i) => labels.map((label) => joined.numbers[i][label]));
  const numbers = new Map<string, number>();
  for (const { unified } of keys) if (!numbers.has(unified)) numbers.set(unified, numbers.size);
  const pictures = new Uint8Array(sides[0].bytes.length + sides[1].bytes.length);
  pictures.set(sides[0].bytes);
  pictures.set(sides[1].bytes, sides[0].bytes.length);
  const of = (hand: string) => keys.flatMap((key, i) => key.hand === hand ? [i] : []);
  return {
    size,
    pictures,
    meanings: Int32Array.from(keys, ({ unified }) => numbers.get(unified)!),
    categories: Int32Array.from(categories),
    categoryCount: joined.labels.length,
    google: of("google"),
    twitter: of("twitter"),
    firstHeldout: sides[0].keys.length,
  };
}

/** Views of (R): crop, flip and colour as in training, without what no picture outside of training has. */
function cropOptions(size: number): ViewOptions {
  return { ...DEFAULT_VIEWS, imageSize: size, cropScale: [.3, 1], grey: 0, blur: [0, 0], solarise: [0, 0] };
}

/** Two views of each of the first `count` held-out pictures, packed: all of view 1, then all of view 2. */
function sampleCrops(size: number, count: number, seed: number): Float32Array {
  const views = new Float32Array(2 * count * VIEW_FIELDS), options = cropOptions(size);
  for (const number of [0, 1] as const) {
    for (let i = 0; i < count; i++) {
      packView(
        sampleView(options, seed, EVALUATION_EPOCH, i, number),
        views,
        (number * count + i) * VIEW_FIELDS,
      );
    }
  }
  return views;
}

/** Measures (A), (B) and (R) with one kind of features. */
async function measure(
  engine: Engine,
  demo: Demo,
  features: Features,
): Promise<{ meaning: TopShares; category: number; crop: TopShares }> {
  const { google, twitter, meanings, categories } = demo;
  const all = unitRows(features.pictures);
  const queries = google.map((i) => meanings[i]), gallery = twitter.map((i) => meanings[i]);
  // One more than vote: the same meaning is among them at most once.
  const hands = await nearest(engine, pickRows(all, google), pickRows(all, twitter), CATEGORY_K + 1);
  const others = withoutOwn(hands, queries, gallery, CATEGORY_K);
  const predicted = knnClasses(others, twitter.map((i) => categories[i]), demo.categoryCount, CATEGORY_K);
  const crops = await nearest(engine, unitRows(features.crops), all, 5);
  const heldout = all.rows - demo.firstHeldout;
  const origin = Array.from({ length: crops.queries }, (_, i) => demo.firstHeldout + i % heldout);
  return {
    meaning: retrieval(hands, queries, gallery),
    category: accuracy(predicted, google.map((i) => categories[i])),
    crop: retrieval(crops, origin, Array.from({ length: all.rows }, (_, i) => i)),
  };
}

function caption(demo: Demo): string[] {
  const all = demo.meanings.length, held = all - demo.firstHeldout;
  return [
    `(A) meaning: for each of Google's ${demo.google.length} pictures, does the nearest of Twitter's ` +
    `${demo.twitter.length} have the same meaning? All meanings, held-out ones too.`,
    `(B) category: the ${CATEGORY_K} nearest Twitter pictures vote for a Google picture's category, the same meaning ` +
    `left out; ${demo.categoryCount} categories; votes exp(cos/.07).`,
    `(R) crop: which of all ${all} pictures is a random crop (30–100 % of the area, flipped, colour-jittered) from? ` +
    `Two crops of each of the ${held} held-out pictures.`,
    "Nearest by cosine; a picture's mean is subtracted from its pixels.",
  ];
}

/**
 * The demo's final table: how well pictures are found by the features of the trained encoder, of the random one that
 * it started from, and by their raw pixels.
 *
 * @returns The table; `run`/table.json holds the same.
 * @throws {Error} When the shards are not the demo's, or a picture in them cannot be read.
 */
export async function evaluateDemo(options: EvaluateDemoOptions): Promise<Table> {
  const { engine, config, seed = 0, notes = [], progress = () => {} } = options;
  const demo = await readDemo(options);
  const pixels = demo.size * demo.size * 3;
  const heldout = demo.pictures.subarray(demo.firstHeldout * pixels);
  const views = sampleCrops(demo.size, heldout.length / pixels, seed);
  const embed = embedder(engine, config, { patches: true });
  const rows: TableRow[] = [];
  let rendered = new Uint8Array();

  const models = { trained: options.state, ...(options.random ? { random: options.random } : {}) };
  for (const [encoder, state] of Object.entries(models)) {
    progress(`evaluating the ${encoder} encoder on ${demo.meanings.length} pictures`);
    const pictures: Embedding = await embed.pictures(state, demo.pictures);
    const { rendered: images, ...crops } = await embed.views(state, heldout, views);
    rendered = images as Uint8Array<ArrayBuffer>;
    for (const [kind, name] of FEATURES) {
      const shares = await measure(engine, demo, { pictures: pictures[kind]!, crops: crops[kind]! });
      rows.push({ encoder, features: name, ...shares });
    }
  }
  progress("evaluating raw pixels");
  for (const side of new Set([8, demo.size])) {
    if (demo.size % side !== 0) continue;
    const features = {
      pictures: centreRows(pixelRows(demo.pictures, demo.size, side)),
      crops: centreRows(pixelRows(rendered, demo.size, side)),
    };
    rows.push({ encoder: "pixels", features: `${side}×${side}`, ...await measure(engine, demo, features) });
  }
  const table: Table = { caption: caption(demo), rows, notes: [...notes] };
  if (options.run) await publishFile(join(options.run, "table.json"), JSON.stringify(table, null, 2) + "\n");
  return table;
}

/** The features of an encoder and their names in the table. */
const FEATURES = [
  ["class", "class token"],
  ["mean", "mean patch token"],
  ["patches", "patch tokens"],
] as const satisfies readonly (readonly [keyof Embedding, string])[];
