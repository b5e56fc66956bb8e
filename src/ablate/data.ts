/** The pictures of an ablation: those that are trained on, the gallery and the queries. */
import { UsageError } from "../cli/usage_error.ts";
import { collect } from "../data/open/collect.ts";
import { closeData, type Data, dataLength, dataUri } from "../data/open/data.ts";
import { hasShares, openData } from "../data/open/open_data.ts";
import { select } from "../data/sources/select.ts";
import type { Source } from "../data/types.ts";
import { galleryNumbers, requireClasses } from "../eval/classes.ts";
import { splitSource } from "../eval/split.ts";
import { redact } from "../files/redact.ts";
import { randomStream } from "../random.ts";
import { ConfigError } from "../train/config/config.ts";
import type { AblationResult, DataSizes } from "./types.ts";

/** Which pictures an ablation is about, by their URIs. */
export interface AblationUris {
  data: string;
  /** Labelled pictures that are the gallery. Default: those that are trained on. */
  evalTrain?: string;
  /** Labelled pictures that are the queries. Default: a part of `data`, which is then not trained on. */
  evalData?: string;
  /** Without `evalData`: that part. Default {@linkcode HOLDOUT}. */
  holdout?: number;
  /** A file of class names. */
  labels?: string;
}

/** The share of the pictures that is drawn as queries where none are named. */
export const HOLDOUT = 0.2;

/** Which split is drawn: always the same one, so that seeds and ablations speak of the same queries. */
const SPLIT_SEED = 0;

/** Pictures of a quick look while a run trains: of the gallery, of the queries. */
const QUICK = { gallery: 1000, queries: 500 } as const;

/** Opened pictures of an ablation. */
export interface AblationData {
  train: Data;
  gallery: Source;
  queries: Source;
  /** A few of both, the same ones each time, for curves. */
  quick: { gallery: Source; queries: Source };
  /** What was opened, for people and for the plan. */
  uris: { train: string; gallery: string; queries: string };
  /** The share that was drawn as queries; missing where they were given. */
  holdout?: number;
  /** Closes all of it. */
  close(): Promise<void>;
}

/** Some pictures of a source, drawn at random, the same ones each time. */
function some(source: Source, count: number): Source {
  if (source.length <= count) return source;
  const order = Array.from({ length: source.length }, (_, i) => i);
  const drawn = randomStream(SPLIT_SEED, "figure", source.length).shuffle(order).slice(0, count);
  return select(source, drawn.sort((a, b) => a - b));
}

/** Puts the parts together, and checks before any work that their classes can be asked for. */
async function parts(
  train: Data,
  gallery: Source,
  queries: Source,
  about: Pick<AblationData, "uris" | "holdout" | "close">,
): Promise<AblationData> {
  await requireClasses(gallery, 2);
  await requireClasses(queries, 1);
  if (gallery.labels.length > 0 && queries.labels.length > 0) galleryNumbers(gallery, queries);
  const quick = { gallery: some(gallery, QUICK.gallery), queries: some(queries, QUICK.queries) };
  return { train, gallery, queries, quick, ...about };
}

/**
 * Opens the pictures of an ablation.
 *
 * @param say Takes lines for people.
 * @throws {UsageError} When queries are to be drawn from data with shares.
 * @throws {Error} When they cannot be opened, or have no classes to ask for.
 */
export async function openAblationData(
  { data, evalTrain, evalData, holdout = HOLDOUT, labels }: AblationUris,
  say: (line: string) => void,
): Promise<AblationData> {
  const opened: Data[] = [];
  const shared = hasShares(data);
  if (shared && evalData === undefined) {
    const why = "shares say how often pictures are trained on, so a part of them cannot be held out";
    throw new UsageError(
      `${redact(data)}: ${why}; name the queries by --eval-data, or leave the shares out`,
    );
  }
  const open = async (uri: string, role: "train" | "test", { classes = true, once = true } = {}) => {
    const one = await openData(uri, { labels, role, classes, once, progress: say });
    opened.push(one);
    return one;
  };
  const collected = (one: Data) => collect(one, { onBad: (bad) => say(`left out: ${bad.message}`) });
  const close = async () => {
    for (const one of opened.splice(0)) await closeData(one);
  };
  try {
    const classes = evalTrain === undefined || evalData === undefined;
    const whole = await open(data, "train", { classes, once: false });
    if (evalData === undefined) {
      const { train, test } = splitSource(await collected(whole), holdout, SPLIT_SEED);
      const gallery = evalTrain === undefined ? train : await collected(await open(evalTrain, "train"));
      const uris = { train: train.uri, gallery: gallery.uri, queries: test.uri };
      return await parts(train, gallery, test, { uris, holdout, close });
    }
    // What comes several times in an epoch has one vote.
    const gallery = await collected(
      evalTrain === undefined && !shared ? whole : await open(evalTrain ?? data, "train"),
    );
    const queries = await collected(await open(evalData, "test"));
    const uris = { train: dataUri(whole), gallery: gallery.uri, queries: queries.uri };
    return await parts(whole, gallery, queries, { uris, close });
  } catch (error) {
    await close();
    throw error;
  }
}

/** How many pictures there are, see {@linkcode DataSizes}. */
export function sizesOf({ train, gallery, queries }: AblationData): DataSizes {
  return { train: dataLength(train), gallery: gallery.length, queries: queries.length };
}

/**
 * Refuses data of another size than the results were measured on: their figures could not be compared with those that follow.
 *
 * @throws {ConfigError} When it is; says what each has.
 */
export function refuseOtherData(data: AblationData, results: readonly AblationResult[], out: string): void {
  const now = sizesOf(data), parts = ["train", "gallery", "queries"] as const;
  const differs = (then?: DataSizes) => then && parts.some((part) => then[part] !== now[part]);
  const other = results.find((result) => differs(result.data));
  if (!other) return;
  const text = ({ train, gallery, queries }: DataSizes) =>
    `${train === null ? "a stream" : train} to train on, ${gallery} in the gallery and ${queries} queries`;
  throw new ConfigError(
    `the pictures are others than those that ${out} has results of: there are ${
      text(now)
    }; of ${other.variant}, seed ` +
      `${other.seed}, there were ${
        text(other.data!)
      }. Go on with the same data, or begin another ablation in another folder`,
  );
}
