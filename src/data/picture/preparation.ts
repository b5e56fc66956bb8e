/** How pictures are prepared for an encoder, as plain data that threads can be told. */
import type { Picture } from "../types.ts";
import type { Colour } from "./drawing.ts";
import { letterBoxPicture } from "./letter_box.ts";
import { basePicture, evaluationPicture, resize } from "./resize.ts";

/**
 * A way to make an encoder's input of a picture. Lengths are in pixels.
 *
 * - `base`: the whole picture as a square, bilinear ({@linkcode basePicture}).
 * - `middle`: the shorter side resized to `shorter`, bicubic, then the middle ({@linkcode evaluationPicture}).
 * - `whole`: the whole picture at these sides, bicubic.
 * - `letterBox`: the whole picture in its own shape on a square canvas of one colour.
 */
export type Preparation =
  | { kind: "base"; size: number }
  | { kind: "middle"; size: number; shorter?: number }
  | { kind: "whole"; width: number; height: number }
  | { kind: "letterBox"; size: number; colour: Colour };

/**
 * Prepares a picture.
 *
 * @returns As many bytes as {@linkcode preparedBytes} says.
 * @throws {RangeError} When lengths do not go together.
 */
export function preparePicture(picture: Picture, how: Preparation): Uint8Array {
  switch (how.kind) {
    case "base":
      return basePicture(picture, how.size);
    case "middle":
      return evaluationPicture(picture, how.size, how.shorter);
    case "whole":
      return resize(picture, how.width, how.height, "bicubic").data;
    case "letterBox":
      return letterBoxPicture(picture, how.size, how.colour);
  }
}

/** Bytes of a prepared picture: rows × columns × 3. */
export function preparedBytes(how: Preparation): number {
  const [width, height] = how.kind === "whole" ? [how.width, how.height] : [how.size, how.size];
  return width * height * 3;
}
