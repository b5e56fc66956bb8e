import { openPreparer } from "../../data/decode/preparer.ts";
import { map } from "../../data/iter.ts";
import type { BadRecord } from "../../data/epoch/epoch.ts";
import { onePass } from "../../data/epoch/one_pass.ts";
import { type Data, dataLabels, dataLength, dataWords, openedOf } from "../../data/open/data.ts";
import { pictureOrigin } from "../../data/origin.ts";
import { partKeys } from "../../data/open/part_keys.ts";
import { growingClasses } from "../../data/sources/growing_classes.ts";
import type { Source } from "../../data/types.ts";
import type { Engine } from "../../engine/types.ts";
import { linkedPlace } from "../../files/linked_place.ts";
import { lockPlace } from "../../files/lock.ts";
import { isPathError, pathError } from "../../files/path_error.ts";
import type { ModelConfig } from "../../model/config.ts";
import type { ModelState } from "../../model/types.ts";
import type { Embedding } from "../embed.ts";
import { weightsDigest } from "../weights_digest.ts";
import {
  EMBEDDING_VERSION,
  type EmbeddingInfo,
  POOLING,
  preprocessingOf,
  type TokenName,
  tokenShape,
} from "./info.ts";
import { embeddingFormat, refuseOther } from "./open.ts";
import { requireFinite } from "../rows.ts";
import { tokenRows } from "./token_rows.ts";
import { checkWanted } from "./wanted.ts";
import { type EmbedWay, evaluationWay, type Loaded, loadPicture } from "./way.ts";
import { openBuffer, openWork, recordsLeft, type Work } from "./work.ts";

/** How {@linkcode embedData} goes on. */
export interface EmbedProgress {
  /** Pictures reached, those of earlier, interrupted calls among them. */
  done: number;
  /** Of how many; null for a stream. */
  total: number | null;
  /** Pictures that this call has embedded, and in how many seconds. */
  embedded: number;
  seconds: number;
}

/** What {@linkcode embedData} embeds, and with what. */
export interface EmbedDataOptions {
  engine: Engine;
  config: ModelConfig;
  /** Read, never disposed. */
  state: ModelState;
  /** The model's name for people, such as `StoredModel.name`. */
  model: string;
  /** Whether the state holds averaged parameters; noted in the file. */
  teacher?: boolean;
  /** Pictures: what `openData` gives. Not closed. */
  data: Data;
  /**
   * The file; its ending says which kind. An embedding that is there is replaced, any other file is refused. A link is
   * followed, also to where nothing is yet.
   */
  out: string;
  /** Which tokens. Default the class token. */
  tokens?: readonly TokenName[];
  /** How many last blocks `blocks` means. Default 4, at most the encoder's. */
  blocks?: number;
  /** How pictures are prepared and embedded, for `class` and `mean` alone. Default: as for evaluation (docs/spec.md §9). */
  way?: EmbedWay;
  /** Pictures embedded at once. Default 64. */
  batchSize?: number;
  /** Told of pictures that cannot be read; they are left out. More than 1 % are an error. */
  onBad?: (bad: BadRecord) => void;
  progress?: (progress: EmbedProgress) => void;
  /** Told, once, where an interrupted call is gone on from. */
  resumed?: (done: number) => void;
  /** Told, once, that what an interrupted call has begun is made anew, or a damaged part and those behind it: a line for people. */
  lost?: (line: string) => void;
  /** Aborting it stops after the pictures under way; the same call goes on later. */
  signal?: AbortSignal;
  /** Bytes of features after which a part is written to the disk. Default 32 MiB. */
  partBytes?: number;
}

/** Embeds what is left to do, part by part. */
async function embedRest(options: EmbedDataOptions, info: EmbeddingInfo, work: Work): Promise<number> {
  const { engine, config, state, data, batchSize = 64, signal, partBytes = 32 * 2 ** 20 } = options;
  const tokens = Object.keys(info.tokens) as TokenName[], names = partKeys(data);
  using own = options.way ? undefined : evaluationWay(engine, config, info, batchSize);
  const embed = options.way ?? own!;
  const before = await Promise.all(work.parts.map((part) => part.notes()));
  let next = before.at(-1)?.next ?? 0, bad = 0, told = true, embedded = 0;
  if (next > 0) options.resumed?.(next);
  const pass = onePass(data, {
    onBadRecord(record) {
      if (!record.withoutPicture) bad += record.lost ?? 1;
      if (told) options.onBad?.(record);
    },
  });
  const total = dataLength(data),
    preparer = openPreparer(embed.prepare, total === null ? Infinity : total - next),
    begun = performance.now(),
    buffer = openBuffer(info);
  let batch: Exclude<Loaded, { bad: BadRecord }>[] = [];
  const flush = async () => {
    if (batch.length > 0) {
      const bytes = new Uint8Array(batch.length * batch[0].prepared.bytes.length);
      batch.forEach(({ prepared }, i) => {
        bytes.set(prepared.bytes, i * prepared.bytes.length);
        preparer.reuse(prepared);
      });
      const features: Embedding = await embed.pictures(state, bytes);
      for (const token of tokens) {
        const rows = tokenRows(features, token);
        requireFinite(
          rows,
          (row) => `${info.source}: ${batch[row].key}: its features (${token}) by this model`,
        );
        buffer.add(token, rows.data);
      }
      for (const { key, given, reached } of batch) {
        buffer.notes().keys.push(names.of(reached.from.part, key));
        buffer.notes().classes.push(given);
      }
      embedded += batch.length;
      batch = [];
    }
    options.progress?.({ done: next, total, embedded, seconds: (performance.now() - begun) / 1000 });
  };
  const items = map(
    recordsLeft(pass, before, (on) => told = on),
    (item) => loadPicture(item, preparer),
    preparer.concurrency,
  );
  try {
    for await (const item of items) {
      next = item.at + 1;
      pass.enter(item.reached.from, "bad" in item ? item.bad : undefined);
      if ("bad" in item) buffer.notes().bad.push({ at: item.at, record: item.bad });
      else batch.push(item);
      if (batch.length < batchSize) continue;
      await flush();
      if (buffer.full(partBytes) || signal?.aborted) await buffer.write(work, next);
      signal?.throwIfAborted();
    }
  } finally {
    preparer.close();
  }
  pass.end();
  await flush();
  const { keys, bad: left } = buffer.notes();
  if (keys.length > 0 || left.length > 0) await buffer.write(work, next);
  return bad;
}

/** The names that pictures of a source get in the file, by index. */
function namedSource(source: Source, data: Data): Pick<Source, "key"> {
  const names = partKeys(data);
  return { key: async (index) => names.of(pictureOrigin(source, index).part, await source.key(index)) };
}

/** Numbers the classes of all pictures, in their order. */
async function numberClasses(data: Data, { parts }: Work) {
  const count = parts.reduce((sum, part) => sum + part.count, 0);
  const classes = growingClasses(dataLabels(data)), labels = new Int32Array(count), bytes = new Uint8Array();
  let at = 0, unlabelled = 0;
  for (const part of parts) {
    const { keys, classes: given } = await part.notes();
    given.forEach((one, i) => {
      const record = { key: keys[i], bytes, label: typeof one === "number" ? one : undefined };
      const number = classes.number({ ...record, className: typeof one === "string" ? one : undefined });
      if (number === undefined) unlabelled++;
      labels[at++] = number ?? -1;
    });
  }
  return { count, labels, classes: classes.labels(), unlabelled };
}

/**
 * Embeds all pictures of a data set once, to a file. Nothing but the current part is held in memory, and parts are
 * written to a hidden folder beside the file: a call that was stopped or killed is gone on from there by the same call,
 * and gives the same bytes as one that was not. The file appears when it is whole.
 *
 * Unless `way` says otherwise, pictures are prepared as docs/spec.md §9 says: shorter side 256 for 224, bicubic, then the
 * centre. Features are those after the encoder's final norm.
 *
 * @returns What the file says of itself.
 * @throws {RangeError} When the file's ending, the tokens or another option cannot be used, before work starts.
 * @throws {InUseError} When another process writes the file.
 * @throws {Error} When the file is there and is no embedding.
 * @throws {BadLimitError} When more than 1 % of the pictures cannot be read.
 * @throws {Error} When there is no picture, a feature is no finite number, or the file cannot be written; or the signal's reason.
 */
export async function embedData(options: EmbedDataOptions): Promise<EmbeddingInfo> {
  const { config, state, model, teacher = false, data, out, tokens = ["class"], way } = options;
  const format = embeddingFormat(out), blocks = Math.min(options.blocks ?? 4, config.depth);
  checkWanted({ ...options, tokens, blocks, format });
  options.signal?.throwIfAborted();
  const by = <T>(of: (token: TokenName) => T) => Object.fromEntries(tokens.map((one) => [one, of(one)]));
  const request: EmbeddingInfo = {
    format: "semantic-ae embedding",
    version: EMBEDDING_VERSION,
    model,
    digest: await weightsDigest(state),
    heads: config.heads,
    teacher,
    tokens: by((token) => tokenShape(config, token, blocks)),
    pooling: by((token) => POOLING[token]),
    norm: "layer norm (epsilon 1e-6) after the last block; features are not scaled to length 1",
    preprocessing: way?.preprocessing ?? preprocessingOf(config),
    source: dataWords(data),
    count: 0,
    classes: [],
    unlabelled: 0,
    bad: 0,
  };
  // Parts and lock lie beside the file itself: who names a link to it is not to make it a second time.
  const place = await linkedPlace(out).catch((error) => {
    throw isPathError(error) ? pathError(error, out, "write") : error;
  });
  await using _lock = await lockPlace(place, { what: out, advice: "Wait for its end, or name another file" });
  await refuseOther(out);
  const opened = openedOf(data),
    about = {
      ...request,
      total: dataLength(data),
      batchSize: options.batchSize ?? 64,
      // Earlier versions read these sources by turns: what one of them has begun is not gone on with.
      ...(opened.access === "mixed" && { order: "one after another" }),
      // Nor did they name the source of each picture.
      ...(partKeys(data).areNamed && { names: "with their sources" }),
    };
  const source = opened.access === "random" ? namedSource(opened.source, data) : undefined;
  const work = await openWork(place, about, source, options.lost);
  const bad = await embedRest(options, request, work).catch(work.leave);
  const { labels, ...rest } = await numberClasses(data, work);
  if (rest.count === 0) {
    await work.remove();
    throw new Error(`${request.source}: holds no picture that can be read`);
  }
  const info = { ...request, ...rest, bad };
  const parts = work.parts.map((part) => ({
    count: part.count,
    keys: async () => (await part.notes()).keys,
    rows(token: TokenName) {
      options.signal?.throwIfAborted(); // The file may take a while, too.
      return part.rows(token);
    },
  }));
  await format.write(place, { info, labels, parts });
  await work.remove();
  return info;
}
