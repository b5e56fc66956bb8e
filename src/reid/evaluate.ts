/** Re-identification measured: features of queries and gallery, ranks, figures. */
import { requireSource } from "../data/open/data.ts";
import { DISTRACTOR, JUNK } from "../data/sources/people/names.ts";
import type { Source } from "../data/types.ts";
import { requireEngine } from "../engine/required.ts";
import type { Preprocessing } from "../eval/embedding/info.ts";
import { agreedMaker } from "../eval/embedding/maker.ts";
import { requireSeed } from "../random.ts";
import { requireWhole } from "../text/whole.ts";
import { type ReidMetrics, reidMetrics } from "./metrics.ts";
import { nearestPersons } from "./nearest.ts";
import { peopleOf } from "./people.ts";
import type { Persons } from "./people.ts";
import { rightRanks } from "./ranks.ts";
import { heldRows } from "./scores.ts";
import { filesOf, type OpenSide, openSide, type SideOptions } from "./sides.ts";

/** What {@linkcode evaluateReid} measures, and how. */
export interface ReidOptions extends SideOptions {
  /** Of the bootstrap. */
  seed?: number;
  /** How many queries are shown with how many nearest pictures; drawn evenly over all. Default none. */
  examples?: { queries: number; nearest: number };
  /** Told how many gallery pictures of how many have been compared. */
  compared?: (done: number, total: number) => void;
}

/** One side of the comparison. */
export interface ReidSide {
  uri: string;
  pictures: number;
  /** Pictures that could not be read. */
  bad: number;
  /** Different persons. */
  persons: number;
  /** Pictures of somebody whom no query shows, and such that do not count at all. */
  distractors: number;
  junk: number;
}

/** A query with the pictures nearest to it. */
export interface ReidExample {
  query: string;
  nearest: { key: string; cosine: number; right: boolean }[];
}

/** What was measured, on what, and the figures. */
export interface ReidReport extends ReidMetrics {
  model: string;
  digest: string;
  heads?: number;
  preprocessing: Preprocessing;
  token: "class" | "mean";
  query: ReidSide;
  gallery: ReidSide;
  /** A sentence for each remark. */
  notes: string[];
  examples: ReidExample[];
}

/** Queries that a note names. */
const NAMED = 3;

function sideOf({ info, identities }: OpenSide): ReidSide {
  const count = (wanted: number) =>
    identities.reduce((sum, identity) => sum + (identity === wanted ? 1 : 0), 0);
  const persons = new Set(identities.filter((identity) => identity > DISTRACTOR));
  return {
    uri: info.source,
    pictures: info.count,
    bad: info.bad,
    persons: persons.size,
    distractors: count(DISTRACTOR),
    junk: count(JUNK),
  };
}

/** What must be known to read the figures. */
function notesOf(query: OpenSide, gallery: OpenSide, ranks: readonly ArrayLike<number>[]): string[] {
  const without = ranks.flatMap(({ length }, i) => length === 0 ? [query.keys[i]] : []), notes: string[] = [];
  if (without.length > 0) {
    const more = without.length > NAMED ? " …" : "";
    notes.push(
      `${without.length} of ${ranks.length} queries have no right picture in the gallery and do not count: ` +
        `${without.slice(0, NAMED).join(", ")}${more}`,
    );
  }
  const bad = query.info.bad + gallery.info.bad;
  if (bad > 0) notes.push(`${bad} pictures could not be read and are missing`);
  return notes;
}

/** Some queries, spread evenly over all, with what is nearest to them. */
async function examplesOf(
  { engine, examples }: ReidOptions,
  query: OpenSide,
  gallery: OpenSide,
  ranks: readonly ArrayLike<number>[],
): Promise<ReidExample[]> {
  if (!examples || examples.queries < 1) return [];
  const counted = ranks.flatMap(({ length }, i) => length > 0 ? [i] : []);
  const wanted = Math.min(examples.queries, counted.length);
  const chosen = Array.from({ length: wanted }, (_, i) => counted[Math.floor(i * counted.length / wanted)]);
  const { width } = query.features, data = new Float32Array(chosen.length * width);
  for (const [i, row] of chosen.entries()) data.set(await query.features.read(row, row + 1), i * width);
  const some: Persons = {
    identities: Float64Array.from(chosen, (row) => query.identities[row]),
    cameras: Float64Array.from(chosen, (row) => query.cameras[row]),
    features: heldRows({ rows: chosen.length, width, data }),
  };
  const near = await nearestPersons(engine, some, gallery, examples.nearest);
  return near.map((list, i) => ({
    query: query.keys[chosen[i]],
    nearest: list.map(({ row, cosine, right }) => ({ key: gallery.keys[row], cosine, right })),
  }));
}

/**
 * Measures re-identification: embeds queries and gallery, or takes their features from files, ranks the right pictures
 * of each query exactly, and gives CMC, mAP and mINP by the rules of docs/reid.md.
 *
 * Features are kept in the folder that `features` names: `query.safetensors` and `gallery.safetensors`. What is there is
 * taken if it is of this model; an interrupted call is gone on from by the same call. The gallery's features are read in
 * blocks.
 *
 * @throws {TypeError} When the engine, the pictures, the model or the folder are none.
 * @throws {RangeError} When the input's sides are no multiples of the encoder's patches, or another option cannot be used.
 * @throws {Error} When names do not tell person and camera, features are of another encoder or of pictures prepared
 * otherwise, or no query has a right picture in the gallery; or the signal's reason.
 */
export async function evaluateReid(options: ReidOptions): Promise<ReidReport> {
  checkOptions(options);
  const { token = "class", engine, compared, seed } = options;
  // Before hours of work: whether names tell what must be known.
  for (const side of [options.query, options.gallery]) {
    if (typeof side === "string") continue;
    peopleOf(await keysOf(side), side.uri);
  }
  const files = await filesOf(options), query = await openSide(files.query, token);
  try {
    const gallery = await openSide(files.gallery, token);
    try {
      const maker = agreedMaker(agreedMaker(undefined, query.info, files.query), gallery.info, files.gallery);
      const ranks = await rightRanks({ engine, queries: query, gallery, progress: compared });
      return {
        ...maker,
        token,
        query: sideOf(query),
        gallery: sideOf(gallery),
        ...reidMetrics(ranks, { seed }),
        notes: notesOf(query, gallery, ranks),
        examples: await examplesOf(options, query, gallery, ranks),
      };
    } finally {
      gallery.file.close();
    }
  } finally {
    query.file.close();
  }
}

/** Refuses what cannot be used before hours of work. Throws a TypeError or a RangeError that names it. */
function checkOptions(options: ReidOptions): void {
  requireEngine(options?.engine);
  const { token = "class", examples, features, model } = options;
  for (const part of ["query", "gallery"] as const) {
    const side = options[part];
    if (typeof side !== "string") requireSource(`\`${part}\``, side);
  }
  if (typeof features !== "string" || features === "") {
    throw new TypeError("`features` must name the folder in which features are kept");
  }
  if (model !== undefined && !(model?.config && model.state)) {
    throw new TypeError("`model` must have its name, config and state, such as `await stored.load()` gives");
  }
  if (token !== "class" && token !== "mean") {
    throw new RangeError(`token is ${token}; it must be "class" or "mean"`);
  }
  requireSeed(options.seed ?? 0);
  if (examples === undefined) return;
  requireWhole("queries of `examples`", examples.queries, 0);
  requireWhole("nearest of `examples`", examples.nearest);
}

/** The keys of all pictures of a source. */
async function keysOf(source: Source): Promise<string[]> {
  const keys: string[] = [];
  for (let index = 0; index < source.length; index++) keys.push(await source.key(index));
  return keys;
}
