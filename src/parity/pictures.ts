import * as tf from "../engine/tensors.ts";
import type { Engine } from "../engine/types.ts";
import { basePicture, evaluationPicture, type Rectangle, resize } from "../data/picture/resize.ts";
import type { Picture } from "../data/types.ts";
import { boxesOf } from "../views/geometry.ts";
import { packView } from "../views/pack.ts";
import { blur, brightness, contrast, greyscale, hue, saturation, solarise } from "../views/photometric.ts";
import { cropViews, renderReference } from "../views/render.ts";
import { type View, VIEW_FIELDS } from "../views/types.ts";
import type { Comparer } from "./compare.ts";
import { channelsFirst, type Golden, numbers, stored } from "./golden.ts";

/** Side of the stored base picture, views and evaluation picture. */
const SIDE = 224;

/** A stored picture [H, W, 3]. */
function picture(golden: Golden, name: string): Picture {
  const tensor = stored(golden, name), [height, width] = tensor.shape;
  return { width, height, data: Uint8Array.from(numbers(tensor)) };
}

/** Pictures [N, H, 3, W] as one array of levels [H, W, 3] each. */
async function pictures(lines: tf.Tensor): Promise<Float32Array[]> {
  const turned = tf.tidy(() => tf.transpose(lines, [0, 1, 3, 2]));
  const all = await turned.data() as Float32Array, size = all.length / turned.shape[0];
  const parts = Array.from({ length: turned.shape[0] }, (_, i) => all.slice(i * size, (i + 1) * size));
  turned.dispose();
  return parts;
}

/** The crop whose box in shares of the base's side is stored; x0 > x1 marks a flip. */
function viewOf([x0, y0, x1, y1]: readonly number[]): View {
  const [left, right] = [Math.min(x0, x1), Math.max(x0, x1)].map((x) => Math.round(x * SIDE));
  const [top, bottom] = [y0, y1].map((y) => Math.round(y * SIDE));
  const crop = { left, top, width: right - left, height: bottom - top };
  return { crop, flip: x0 > x1, colour: null, grey: false, blur: 0, solarise: false };
}

/** The views of stored boxes [N, 4]. */
function viewsOf(golden: Golden, name: string): View[] {
  const boxes = Array.from(numbers(stored(golden, name)));
  return Array.from({ length: boxes.length / 4 }, (_, i) => viewOf(boxes.slice(4 * i, 4 * i + 4)));
}

/** Views as the engine takes them, [N, VIEW_FIELDS]. */
function packed(views: readonly View[]): tf.Tensor2D {
  const out = new Float32Array(views.length * VIEW_FIELDS);
  views.forEach((view, i) => packView(view, out, i * VIEW_FIELDS));
  return tf.tensor2d(out, [views.length, VIEW_FIELDS]);
}

/** Compares a rendered picture by its mean error and by what all but a hundredth of its levels keep to. */
function checkRendered(
  to: Comparer,
  kind: "crops" | "colours" | "blur",
  name: string,
  ours: Float32Array,
): void {
  to.check(kind, name, ours);
  to.check(`${kind}, all but 1 %`, name, ours);
}

/** Resizing on the processor: the base picture, crops, the evaluation picture. Bit for bit. */
function compareResizing(golden: Golden, to: Comparer): void {
  const whole = picture(golden, "in.picture"), base = basePicture(whole, SIDE);
  const cut = (crop: Rectangle) =>
    resize({ width: SIDE, height: SIDE, data: base }, SIDE, SIDE, "bicubic", crop).data;
  to.check("resized pictures", "out.reference224", base);
  to.check("resized pictures", "out.eval_view", evaluationPicture(whole, SIDE));
  viewsOf(golden, "out.crop_boxes").forEach(({ crop }, k) =>
    to.check("resized pictures", `out.crop.${k}`, cut(crop))
  );
}

/** Crops, boxes and normalisation on the engine. */
async function compareGeometry(engine: Engine, golden: Golden, to: Comparer): Promise<void> {
  const views = viewsOf(golden, "out.crop_boxes"), examples = viewsOf(golden, "out.box_examples");
  // Two views of each base picture, so their number is even.
  const padded = views.length % 2 === 0 ? views : [...views, views[0]], copies = padded.length / 2;
  const base = Uint8Array.from(numbers(stored(golden, "out.reference224")));
  const bases = new Uint8Array(copies * base.length);
  for (let i = 0; i < copies; i++) bases.set(base, i * base.length);
  const run = engine.jit((given: Record<"bases" | "views" | "examples", tf.Tensor>) => ({
    crops: cropViews(given.bases, given.views as tf.Tensor2D),
    boxes: boxesOf(given.examples, SIDE),
    cropBoxes: boxesOf(given.views, SIDE),
  }));
  const given = {
    bases: engine.bytes(bases, [copies, SIDE, SIDE, 3]),
    views: packed(padded),
    examples: packed(examples),
  };
  const { crops, boxes, cropBoxes } = run(given);
  (await pictures(crops)).slice(0, views.length).forEach((ours, k) =>
    checkRendered(to, "crops", `out.crop.${k}`, ours)
  );
  to.check("boxes", "out.box_examples", await boxes.data() as Float32Array);
  to.check("boxes", "out.crop_boxes", (await cropBoxes.data()).slice(0, 4 * views.length) as Float32Array);
  await compareNormalised(engine, golden, to);
  tf.dispose([crops, boxes, cropBoxes, ...Object.values(given)]);
  run.dispose();
}

/** The reference view is square: the picture's left half and its right one, which share columns. */
async function compareNormalised(engine: Engine, golden: Golden, to: Comparer): Promise<void> {
  const { width, height, data } = picture(golden, "in.small"), extra = width - height;
  const square = (from: number) =>
    Uint8Array.from({ length: height * height * 3 }, (_, i) => {
      const row = Math.floor(i / (3 * height));
      return data[row * 3 * width + 3 * from + i % (3 * height)];
    });
  const run = engine.jit(({ base }: { base: tf.Tensor }) => ({ normalised: renderReference(base) }));
  const base = engine.bytes(Uint8Array.from([...square(0), ...square(extra)]), [2, height, height, 3]);
  const { normalised } = run({ base });
  const lines = channelsFirst(await normalised.data() as Float32Array, normalised.shape);
  const ours = new Float32Array(3 * height * width);
  for (let half = 0; half < 2; half++) {
    for (let line = 0; line < 3 * height; line++) {
      const from = (half * 3 * height + line) * height;
      ours.set(lines.subarray(from, from + height), line * width + half * extra);
    }
  }
  to.check("normalised", "out.normalised", ours);
  tf.dispose([base, normalised]);
  run.dispose();
}

/** An operation on pictures [N, H, 3, W] with a factor [N, 1, 1, 1] for each. */
type Operation = (x: tf.Tensor4D, factor: tf.Tensor) => tf.Tensor4D;

/** The operations that are stored at several factors, which are the ends of the tensors' names. */
const OPERATIONS: Readonly<Record<string, { kind: "colours" | "blur"; run: Operation }>> = {
  brightness: { kind: "colours", run: brightness },
  contrast: { kind: "colours", run: contrast },
  saturation: { kind: "colours", run: saturation },
  hue: { kind: "colours", run: hue },
  blur: { kind: "blur", run: (x, radius) => blur(x, tf.reshape(radius, [-1])) },
};

/** Colour, grey, blur and solarisation on the engine. */
async function comparePhotometry(engine: Engine, golden: Golden, to: Comparer): Promise<void> {
  const { width, height, data } = picture(golden, "in.small");
  const apply = async (run: Operation, factors: readonly number[]): Promise<Float32Array[]> => {
    const compiled = engine.jit((given: Record<"x" | "factor", tf.Tensor>) => {
      const one = tf.transpose(tf.cast(given.x, "float32"), [0, 1, 3, 2]);
      return { y: run(tf.tile(one, [factors.length, 1, 1, 1]) as tf.Tensor4D, given.factor) };
    });
    const given = {
      x: engine.bytes(data, [1, height, width, 3]),
      factor: tf.tensor4d([...factors], [factors.length, 1, 1, 1]),
    };
    const { y } = compiled(given), results = await pictures(y);
    tf.dispose([y, ...Object.values(given)]);
    compiled.dispose();
    return results;
  };
  for (const [operation, { kind, run }] of Object.entries(OPERATIONS)) {
    const prefix = `out.${operation}.`;
    const names = Object.keys(golden.tensors).filter((name) => name.startsWith(prefix));
    const results = await apply(run, names.map((name) => Number(name.slice(prefix.length))));
    names.forEach((name, i) => checkRendered(to, kind, name, results[i]));
  }
  const [grey] = await apply(greyscale, [1]);
  to.check("whole levels", "out.gray", grey.filter((_, i) => i % 3 === 0));
  to.check("whole levels", "out.solarize128", (await apply(solarise, [1]))[0]);
}

/**
 * Compares the operations on pictures with PIL's, each alone (docs/spec.md §12): resizing on the processor bit for bit,
 * the rest on the engine, where crops and blurs are rounded once and not after each pass.
 */
export async function comparePictures(engine: Engine, golden: Golden, to: Comparer): Promise<void> {
  compareResizing(golden, to);
  await compareGeometry(engine, golden, to);
  await comparePhotometry(engine, golden, to);
}
