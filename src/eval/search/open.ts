/** From what a user names to a set that can be searched. */
import { join } from "node:path";
import type { BadRecord } from "../../data/epoch/epoch.ts";
import { closeData, type Data } from "../../data/open/data.ts";
import { openData } from "../../data/open/open_data.ts";
import type { Engine } from "../../engine/types.ts";
import { makeTemporaryFolder } from "../../files/temporary.ts";
import { disposeTree } from "../../train/state.ts";
import { embedData, type EmbedProgress } from "../embedding/embed_data.ts";
import type { TokenName } from "../embedding/info.ts";
import { isEmbedding } from "../embedding/open.ts";
import { readModel, type ReadModelOptions, type StoredModel } from "../stored_model.ts";
import { type QueryEncoder, queryEncoder, readSetModel } from "./encode.ts";
import { findPictures } from "./pictures.ts";
import { openPictureSet, type PictureSet } from "./set.ts";

/** What is searched, and with what. */
export interface OpenSearchOptions {
  /** An embedding file, or a model: a run, a checkpoint, weights. */
  path: string;
  /** With a model: the embedding file of the pictures. If there is none it is made of `data`. Default: a temporary one. */
  features?: string;
  /** The pictures. Default: what the embedding file says. */
  data?: string;
  /** Names of classes, as for `openData`. */
  labels?: string;
  /** Which features are compared. Default: the class token, or else what the file holds. */
  token?: TokenName;
  /** Which model of a path is meant. */
  model?: ReadModelOptions;
  /** Pictures embedded at once. Default 64. */
  batchSize?: number;
  /** Opens the engine, as late as possible. */
  openEngine(): Promise<Engine>;
  /** Called with the pictures before they are embedded, to look at them. */
  look?(data: Data): Promise<void>;
  /** Takes lines for people. */
  line?(text: string): void;
  onBad?(bad: BadRecord): void;
  embedded?(progress: EmbedProgress): void;
  signal?: AbortSignal;
}

/** A set that can be searched. */
export interface OpenSearch extends AsyncDisposable {
  engine: Engine;
  set: PictureSet;
  /**
   * The encoder of the set, for queries that are pictures; made at the first call.
   *
   * @throws {Error} When the model is not there any more, or is not the set's.
   */
  encoder(): Promise<QueryEncoder>;
  /**
   * The pictures' source. Closed with the set.
   *
   * @throws {Error} When it cannot be opened.
   */
  data(): Promise<Data>;
  /**
   * The files of pictures by their rows; those that are not there any more are missing.
   *
   * @throws {Error} When the pictures cannot be opened, or are not what was embedded.
   */
  pictures(rows: Iterable<number>): Promise<Map<number, Uint8Array>>;
}

const exists = (path: string) => Deno.stat(path).then(() => true, () => false);

/** What is undone at the end, the last first. */
function openStack() {
  const ends: (() => Promise<void> | void)[] = [];
  return {
    add: (end: () => Promise<void> | void) => void ends.push(end),
    async close() {
      for (let end = ends.pop(); end; end = ends.pop()) await end();
    },
  };
}

/** Embeds pictures to a file. */
async function embed(
  engine: Engine,
  model: StoredModel,
  data: Data,
  out: string,
  options: OpenSearchOptions,
) {
  const state = await model.load(), { token = "class", batchSize, onBad, signal, embedded } = options;
  try {
    await embedData({
      ...{ engine, state, data, out, batchSize, onBad, signal },
      config: model.config,
      model: model.name,
      teacher: options.model?.teacher,
      tokens: [token],
      progress: embedded,
      lost: options.line,
    });
  } finally {
    disposeTree({ ...state });
  }
}

/**
 * Opens what is searched: an embedding file, or a model with pictures that it embeds first, or with their embedding file.
 *
 * @returns The set, its engine and its encoder. Dispose of it at the end.
 * @throws {Error} When something cannot be read, a model lacks pictures, or an embedding file is of another encoder than the
 * model that was named beside it.
 */
export async function openSearch(options: OpenSearchOptions): Promise<OpenSearch> {
  const { path, features, token, labels, line = () => {} } = options, stack = openStack();
  try {
    const isFile = await isEmbedding(path), model = isFile ? undefined : await readModel(path, options.model);
    model?.notes.forEach(line);
    const made = isFile ? path : features, there = made !== undefined && await exists(made);
    // Files of before have the pictures of a mixture as often as its shares say, which their words name.
    const how = { labels, once: !there, progress: line, http: { signal: options.signal } };
    let data: Promise<Data> | undefined;
    const open = (uri: string) =>
      data ??= openData(uri, how).then((opened) => {
        stack.add(() => closeData(opened));
        return opened;
      });
    if (!there && options.data === undefined) {
      throw new Error(
        made === undefined
          ? `${path}: is a model; the pictures to search are missing`
          : `${made}: there is no such embedding file, and no pictures to make it of`,
      );
    }
    if (!there) await options.look?.(await open(options.data!));
    const set = there ? await openPictureSet(made, token) : undefined;
    if (set) stack.add(set.close);
    const engine = await options.openEngine();
    stack.add(() => engine.close());
    const searched = set ?? await (async () => {
      const folder = made === undefined ? await makeTemporaryFolder("semantic-ae-search-") : undefined;
      if (folder) stack.add(() => Deno.remove(folder, { recursive: true }));
      const out = made ?? join(folder!, "features.safetensors");
      await embed(engine, model!, await open(options.data!), out, options);
      const fresh = await openPictureSet(out, token);
      stack.add(fresh.close);
      return fresh;
    })();
    let encoder: Promise<QueryEncoder> | undefined;
    const opened: OpenSearch = {
      engine,
      set: searched,
      encoder: () =>
        encoder ??= (async () =>
          await queryEncoder(engine, model ?? await readSetModel(searched, options.model), searched))(),
      data: () => open(options.data ?? searched.file.info.source),
      pictures: async (rows) => await findPictures(await opened.data(), { keys: searched.keys, rows }),
      [Symbol.asyncDispose]: stack.close,
    };
    // A model that was named beside a file must be the file's, whatever the queries are.
    if (model && there) await opened.encoder();
    return opened;
  } catch (error) {
    await stack.close();
    throw error;
  }
}
