import { type ColourJitter, type View, VIEW_FIELDS } from "./types.ts";

/** Where each number of a packed view stands. 0 top, 1 left, 2 height, 3 width, … */
export const FIELD = {
  top: 0,
  left: 1,
  height: 2,
  width: 3,
  flip: 4,
  /** 1 where the four colour changes happen. */
  colour: 5,
  brightness: 6,
  contrast: 7,
  saturation: 8,
  hue: 9,
  /** Position 0…3 of brightness in the order; contrast, saturation and hue follow. */
  order: 10,
  /** Bit 0 grey, bit 1 solarise. */
  flags: 14,
  blur: 15,
} as const;

/**
 * Writes one view as {@linkcode VIEW_FIELDS} float32 numbers. Whole numbers and flags are kept exactly; so are the real
 * factors that `sampleView` draws, for they are float32 already.
 *
 * A view without colour changes is packed with factors that change nothing (1, 1, 1 and hue 0).
 *
 * @param view The view.
 * @param out Where to write.
 * @param offset Index of the first number.
 * @throws {RangeError} When `out` is too short.
 */
export function packView(view: View, out: Float32Array, offset = 0): void {
  if (!Number.isInteger(offset) || offset < 0 || offset + VIEW_FIELDS > out.length) {
    throw new RangeError(
      `a packed view takes ${VIEW_FIELDS} numbers from ${offset}, but there are only ${out.length}`,
    );
  }
  const { crop, colour } = view;
  const order = colour?.order ?? [0, 1, 2, 3];
  out.set([
    crop.top,
    crop.left,
    crop.height,
    crop.width,
    Number(view.flip),
    Number(colour !== null),
    colour?.brightness ?? 1,
    colour?.contrast ?? 1,
    colour?.saturation ?? 1,
    colour?.hue ?? 0,
    ...[0, 1, 2, 3].map((change) => order.indexOf(change)),
    Number(view.grey) + 2 * Number(view.solarise),
    view.blur,
  ], offset);
}

/**
 * Reads one view back.
 *
 * @param packed Numbers written by {@linkcode packView}.
 * @param offset Index of the first number.
 * @returns The view.
 * @throws {RangeError} When `packed` ends too early.
 */
export function unpackView(packed: Float32Array, offset = 0): View {
  if (!Number.isInteger(offset) || offset < 0 || offset + VIEW_FIELDS > packed.length) {
    throw new RangeError(
      `a packed view takes ${VIEW_FIELDS} numbers from ${offset}, but there are only ${packed.length}`,
    );
  }
  const at = (field: number) => packed[offset + field];
  const order = [0, 0, 0, 0] as [number, number, number, number];
  for (let change = 0; change < 4; change++) order[at(FIELD.order + change)] = change;
  const colour: ColourJitter | null = at(FIELD.colour) === 0 ? null : {
    order,
    brightness: at(FIELD.brightness),
    contrast: at(FIELD.contrast),
    saturation: at(FIELD.saturation),
    hue: at(FIELD.hue),
  };
  return {
    crop: {
      top: at(FIELD.top),
      left: at(FIELD.left),
      height: at(FIELD.height),
      width: at(FIELD.width),
    },
    flip: at(FIELD.flip) === 1,
    colour,
    grey: (at(FIELD.flags) & 1) === 1,
    blur: at(FIELD.blur),
    solarise: (at(FIELD.flags) & 2) === 2,
  };
}
