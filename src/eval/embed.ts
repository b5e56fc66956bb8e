import * as tf from "../engine/tensors.ts";
import { requireEngine } from "../engine/required.ts";
import type { Engine } from "../engine/types.ts";
import { gridSize, type ModelConfig } from "../model/config.ts";
import { encoder } from "../model/encoder.ts";
import type { ModelState, Params } from "../model/types.ts";
import { denormalise, renderReference, renderViews } from "../views/render.ts";
import { VIEW_FIELDS } from "../views/types.ts";
import { featuresOf } from "./features.ts";
import { batchOf, countOf } from "./picture_bytes.ts";
import type { Rows } from "./rows.ts";
import { requireWhole } from "../text/whole.ts";

/** The encoder's features of some pictures, one row a picture, from the last block after the final norm. */
export interface Embedding {
  /** The class token, width d. */
  class: Rows;
  /** The mean of the patch tokens, width d. */
  mean: Rows;
  /** All patch tokens one after another, width G²·d; only if asked for. */
  patches?: Rows;
  /** The class tokens of the last blocks, oldest first, width blocks·d; only if asked for. */
  blocks?: Rows;
}

/** How pictures are embedded. */
export interface EmbedOptions {
  /** Pictures that go through the encoder at once; fewer are padded, so one program serves all. Default 128. */
  batchSize?: number;
  /** Whether to give all patch tokens as well. Default false. */
  patches?: boolean;
  /** Of how many last blocks to give the class tokens as well, for a linear probe (docs/spec.md §9). Default none. */
  blocks?: number;
}

/** An encoder that has been prepared for pictures of the model's size. Several models can share it. `using` closes it. */
export interface Embedder extends Disposable {
  /**
   * Embeds undistorted pictures.
   *
   * @param state The model; read, never disposed.
   * @param pictures count × S × S × 3 bytes.
   */
  pictures(state: ModelState, pictures: Uint8Array): Promise<Embedding>;
  /**
   * Embeds both views of each picture: all of view 1, then all of view 2.
   *
   * @param views 2 × count × VIEW_FIELDS numbers from `packView`.
   * @returns Features, and the rendered views as 2·count × S × S × 3 bytes.
   */
  views(
    state: ModelState,
    pictures: Uint8Array,
    views: Float32Array,
  ): Promise<Embedding & { rendered: Uint8Array }>;
  /** Gives back what was compiled for it; it can be used on, and is then compiled anew. Closing the engine does so, too. */
  close(): void;
}

/** The results that leave the device. */
type Features = { class: tf.Tensor; mean: tf.Tensor; patches?: tf.Tensor; blocks?: tf.Tensor };

/** Joins the batches' results without the rows that were padding. */
function collector(rows: number) {
  const parts = new Map<string, { width: number; data: Float32Array }>();
  return {
    async put(name: string, tensor: tf.Tensor, from: number, to: number, count: number): Promise<void> {
      const width = tensor.size / tensor.shape[0];
      if (!parts.has(name)) parts.set(name, { width, data: new Float32Array(rows * width) });
      const values = await tensor.data();
      parts.get(name)!.data.set(values.subarray(from * width, (from + count) * width), to * width);
    },
    rows: (name: string): Rows => ({ rows, ...parts.get(name)! }),
  };
}

/** The features of rendered pictures, as part of a program: those of {@linkcode Embedding}. */
function imageFeatures(
  config: ModelConfig,
  params: Params,
  images: tf.Tensor,
  { patches, blocks }: { patches: boolean; blocks: number },
): Features {
  const { width } = config, cells = gridSize(config) ** 2;
  const encoded = encoder(config, params, images), { tokens } = encoded;
  const count = tokens.shape[0];
  const inner = tf.slice(tokens, [0, 1, 0], [count, cells, width]);
  return {
    class: tf.reshape(tf.slice(tokens, [0, 0, 0], [count, 1, width]), [count, width]),
    mean: tf.mean(inner, 1),
    ...(patches ? { patches: tf.reshape(inner, [count, cells * width]) } : {}),
    ...(blocks > 0 ? { blocks: featuresOf(config, params, encoded, { blocks, pool: false }) } : {}),
  };
}

/**
 * The views of a batch of pictures.
 *
 * @param views 2 × count × VIEW_FIELDS numbers: those of all pictures.
 * @param from The batch's first picture.
 * @returns 2 × batch × VIEW_FIELDS numbers.
 */
function batchViews(views: Float32Array, count: number, from: number, batch: number): Float32Array {
  const part = new Float32Array(2 * batch * VIEW_FIELDS);
  for (const v of [0, 1]) {
    for (let i = 0; i < batch; i++) {
      // Padding repeats the last view: crops of 0 pixels cannot be rendered.
      const at = (v * count + Math.min(from + i, count - 1)) * VIEW_FIELDS;
      part.set(views.subarray(at, at + VIEW_FIELDS), (v * batch + i) * VIEW_FIELDS);
    }
  }
  return part;
}

/** Refuses what is no model: a stored one, which must be loaded, or a promise. Throws a TypeError. */
function requireState(state: ModelState): ModelState {
  if (state?.params !== undefined) return state;
  throw new TypeError("`state` must be a model, such as `await (await readModel(RUN)).load()` gives");
}

/** Refuses an engine, sizes and options that nothing can be embedded with; errors are those of {@linkcode embedder}. */
function checkEmbedder(engine: Engine, config: ModelConfig, batchSize: number, blocks: number): void {
  requireEngine(engine);
  if (!Number.isInteger(config?.imageSize)) {
    throw new TypeError("`config` must be the model's sizes, such as `(await readModel(RUN)).config`");
  }
  requireWhole("batch size", batchSize);
  if (!(Number.isInteger(blocks) && blocks >= 0 && blocks <= config.depth)) {
    throw new RangeError(`tokens of ${blocks} blocks were asked for; the encoder has ${config.depth}`);
  }
}

/**
 * Prepares an encoder to embed pictures; it is compiled once, at the first call.
 *
 * @param engine Where it runs.
 * @param config The model's sizes.
 * @throws {TypeError} When the engine is no opened one, or there are no sizes; the result's functions throw it for what is
 * no model and what are no bytes.
 * @throws {RangeError} When the batch size is no whole number of at least 1, or the encoder has not so many blocks. The
 * result's functions throw it for bytes that are no pictures of the model's size, and for views that are not two a picture.
 */
export function embedder(engine: Engine, config: ModelConfig, options: EmbedOptions = {}): Embedder {
  const { batchSize = 128, patches: wantPatches = false, blocks = 0 } = options;
  checkEmbedder(engine, config, batchSize, blocks);
  const { imageSize: size } = config;

  const ofImages = (params: Params, images: tf.Tensor) =>
    imageFeatures(config, params, images, { patches: wantPatches, blocks });
  const ofPictures = engine.jit(({ params, base }: { params: Params; base: tf.Tensor }) =>
    ofImages(params, renderReference(base)) as Record<string, tf.Tensor>
  );
  const ofViews = engine.jit(
    ({ params, base, views }: { params: Params; base: tf.Tensor; views: tf.Tensor }) => {
      const images = renderViews(base, views, size);
      return { ...ofImages(params, images), rendered: denormalise(images) } as Record<string, tf.Tensor>;
    },
  );

  const embedding = (found: ReturnType<typeof collector>): Embedding => ({
    class: found.rows("class"),
    mean: found.rows("mean"),
    ...(wantPatches ? { patches: found.rows("patches") } : {}),
    ...(blocks > 0 ? { blocks: found.rows("blocks") } : {}),
  });

  const close = () => {
    ofPictures.dispose();
    ofViews.dispose();
  };
  return {
    async pictures(state, pictures) {
      const { params, frozen } = requireState(state);
      const count = countOf(pictures, size), batch = batchSize;
      const found = collector(count);
      for (let from = 0; from < count; from += batch) {
        const base = batchOf(engine, pictures, [size, size], from, batch),
          good = Math.min(batch, count - from);
        let result: Record<string, tf.Tensor> = {};
        try {
          result = ofPictures({ params: { ...params, ...frozen }, base });
          for (const [name, tensor] of Object.entries(result)) await found.put(name, tensor, 0, from, good);
        } finally {
          tf.dispose([base, ...Object.values(result)]);
        }
      }
      return embedding(found);
    },
    async views(state, pictures, views) {
      const { params, frozen } = requireState(state);
      const count = countOf(pictures, size);
      if (views?.length !== 2 * count * VIEW_FIELDS) {
        throw new RangeError(
          `two views of ${count} pictures take ${2 * count * VIEW_FIELDS} numbers, not ${views?.length}`,
        );
      }
      // Two views of a picture go through the encoder, so half as many pictures.
      const batch = Math.max(1, Math.floor(batchSize / 2));
      const found = collector(2 * count);
      for (let from = 0; from < count; from += batch) {
        const good = Math.min(batch, count - from);
        const base = batchOf(engine, pictures, [size, size], from, batch);
        const packed = tf.tensor3d(batchViews(views, count, from, batch), [2, batch, VIEW_FIELDS]);
        let result: Record<string, tf.Tensor> = {};
        try {
          result = ofViews({ params: { ...params, ...frozen }, base, views: packed });
          for (const [name, tensor] of Object.entries(result)) {
            await found.put(name, tensor, 0, from, good);
            await found.put(name, tensor, batch, count + from, good);
          }
        } finally {
          tf.dispose([base, packed, ...Object.values(result)]);
        }
      }
      return { ...embedding(found), rendered: Uint8Array.from(found.rows("rendered").data) };
    },
    close,
    [Symbol.dispose]: close,
  };
}
