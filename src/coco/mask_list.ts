/** Very many masks in little memory. */
import { numberList, textList } from "../data/io/compact_lists.ts";
import { type Mask, runsFromText, textFromRuns } from "./mask.ts";

/** A growing list of masks, kept as COCO's texts: about 1.3 bytes a run. */
export interface MaskList {
  readonly length: number;
  push(mask: Mask): void;
  /**
   * Unpacks a mask.
   *
   * @throws {RangeError} When there is none of this number.
   */
  get(index: number): Mask;
}

/** An empty list of masks. */
export function maskList(): MaskList {
  const texts = textList(), heights = numberList(Uint32Array), widths = numberList(Uint32Array);
  return {
    get length() {
      return texts.length;
    },
    push({ height, width, runs }) {
      texts.push(textFromRuns(runs));
      heights.push(height);
      widths.push(width);
    },
    get(index) {
      if (!(Number.isInteger(index) && index >= 0 && index < texts.length)) {
        throw new RangeError(`mask ${index} is none of ${texts.length}`);
      }
      return { height: heights.get(index), width: widths.get(index), runs: runsFromText(texts.get(index)) };
    },
  };
}
