/** Queries that are pictures: embedded by the encoder that has embedded the set. */
import { decodePicture } from "../../data/picture/decode.ts";
import { evaluationPicture } from "../../data/picture/resize.ts";
import { type Picture, PictureError } from "../../data/types.ts";
import type { Engine } from "../../engine/types.ts";
import { isPathError, pathError } from "../../files/path_error.ts";
import { embedder } from "../embed.ts";
import { type EmbeddingInfo, preprocessingOf } from "../embedding/info.ts";
import { agreedMaker } from "../embedding/maker.ts";
import { embedOptionsOf, tokenRows } from "../embedding/token_rows.ts";
import type { Rows } from "../rows.ts";
import { readModel, type ReadModelOptions, type StoredModel } from "../stored_model.ts";
import { weightsDigest } from "../weights_digest.ts";
import type { PictureSet } from "./set.ts";

/**
 * Reads a query's file.
 *
 * @returns Its bytes, and the picture.
 * @throws {Error} When it cannot be read, or is no picture; names the file.
 */
export async function readQuery(path: string): Promise<{ bytes: Uint8Array; picture: Picture }> {
  try {
    const bytes = await Deno.readFile(path);
    return { bytes, picture: await decodePicture(bytes) };
  } catch (error) {
    if (error instanceof PictureError) {
      throw new Error(
        `${path}: a query must be a picture, but this is none that can be read: ${error.message}`,
        {
          cause: error,
        },
      );
    }
    throw isPathError(error) ? pathError(error, path, "read") : error;
  }
}

/** The path of the model that an embedding file names. */
export function modelPath({ model }: Pick<EmbeddingInfo, "model">): string {
  return model.replace(/ \((step \d+|averaged weights)\)$/, "");
}

/**
 * Reads the model that has embedded a set, from where the set says that it was.
 *
 * @param options What the file of weights does not tell, as for {@linkcode readModel}.
 * @throws {Error} When it is not there; says how to name it.
 */
export async function readSetModel(
  { file: { path, info } }: PictureSet,
  options: ReadModelOptions = {},
): Promise<StoredModel> {
  const from = modelPath(info), { teacher, heads, preprocessing: { size: imageSize } } = info;
  // What is not said must not hide what the file says.
  const said = Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
  try {
    return await readModel(from, { teacher, heads, imageSize, ...said });
  } catch (cause) {
    throw new Error(
      `${path}: its model, which has to embed the query, cannot be read (${
        (cause as Error).message
      }); name where it ` +
        `is now: search MODEL QUERY --features ${path}`,
      { cause },
    );
  }
}

/** Embeds pictures as those of a set were. */
export type QueryEncoder = (pictures: readonly Picture[]) => Promise<Rows>;

/**
 * Prepares the encoder that has embedded a set for queries.
 *
 * @param engine Where it runs.
 * @param model Any model; it must have the set's weights. What it puts on the engine stays there until that is closed.
 * @param batchSize Pictures embedded at once; fewer are padded.
 * @returns Gives one row a picture, of the set's width, not yet of length 1.
 * @throws {Error} When it is another encoder than the set's.
 */
export async function queryEncoder(
  engine: Engine,
  model: StoredModel,
  { file: { path, info }, token }: PictureSet,
  batchSize = 1,
): Promise<QueryEncoder> {
  const state = await model.load(), { config } = model, shape = info.tokens[token]!;
  const maker = {
    model: model.name,
    digest: await weightsDigest(state),
    heads: config.heads,
    preprocessing: preprocessingOf(config),
  };
  agreedMaker(maker, info, path);
  const embed = embedder(engine, config, { batchSize, ...embedOptionsOf(token, shape) });
  return async (pictures) => {
    const size = config.imageSize, bytes = new Uint8Array(pictures.length * size * size * 3);
    pictures.forEach((picture, i) => bytes.set(evaluationPicture(picture, size), i * size * size * 3));
    return tokenRows(await embed.pictures(state, bytes), token);
  };
}
