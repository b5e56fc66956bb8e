/** Evaluations with what pycocotools makes of them, as bench/peers/coco_cases.py writes them. */
import assert from "node:assert/strict";
import { cocoDetections } from "../../src/coco/detections.ts";
import { evaluateCoco } from "../../src/coco/evaluate.ts";
import { maskIou } from "../../src/coco/iou.ts";
import { maskArea, maskBox, textFromRuns } from "../../src/coco/mask.ts";
import { maskOfSegmentation } from "../../src/coco/segmentation.ts";
import { summarizeCoco } from "../../src/coco/summary.ts";
import { cocoTruth } from "../../src/coco/truth.ts";
import type { CocoAnnotation, CocoCategory, CocoImage, CocoResult, IouType } from "../../src/coco/types.ts";

/** A line of the script's output. */
export interface CocoCase {
  truth: { images: CocoImage[]; annotations: CocoAnnotation[]; categories: CocoCategory[] };
  results: CocoResult[];
  options: {
    iouType: IouType;
    categories: boolean;
    maxDetections: number[];
    areas: Record<string, [number, number]>;
    iouThresholds: number[] | null;
  };
  expected: { points: number[]; precision: string; recall: string; stats: number[] };
  drawn: {
    size: [number, number];
    masks: { segmentation: unknown; counts: string; area: number; box: number[] }[];
    ious: number[][];
  };
}

/** Cases from lines of JSON. */
export const casesIn = (text: string): CocoCase[] => text.trim().split("\n").map((line) => JSON.parse(line));

function numbersIn(base64: string): Float64Array {
  return new Float64Array(Uint8Array.from(atob(base64), (char) => char.charCodeAt(0)).buffer);
}

function assertNear(found: ArrayLike<number>, expected: ArrayLike<number>, what: string): void {
  assert.equal(found.length, expected.length, what);
  for (let i = 0; i < expected.length; i++) {
    if (!(Math.abs(found[i] - expected[i]) <= 1e-12)) {
      assert.fail(`${what}[${i}]: ${found[i]}, not ${expected[i]}`);
    }
  }
}

/** Fails unless we find what pycocotools found, within 1e-12. */
export function checkCase(
  { truth: entries, results, options, expected, drawn }: CocoCase,
  name: string,
): void {
  const truth = cocoTruth(entries, options.iouType), found = cocoDetections(truth, results);
  const evaluation = evaluateCoco(truth, found, {
    ...options,
    iouThresholds: options.iouThresholds ?? undefined,
    recallPoints: expected.points,
  });
  assertNear(evaluation.precision, numbersIn(expected.precision), `${name}: precision`);
  assertNear(evaluation.recall, numbersIn(expected.recall), `${name}: recall`);
  const stats = Object.values(summarizeCoco(evaluation)), hundred = options.maxDetections.includes(100);
  // pycocotools takes its first number at 100 detections, whatever was asked for.
  assertNear(
    hundred ? stats : stats.slice(1),
    hundred ? expected.stats : expected.stats.slice(1),
    `${name}: stats`,
  );
  const [height, width] = drawn.size;
  const masks = drawn.masks.map(({ segmentation }) => maskOfSegmentation(segmentation, { height, width }));
  masks.forEach((mask, i) => {
    const { counts, area, box } = drawn.masks[i];
    assert.equal(textFromRuns(mask.runs), counts, `${name}: mask ${i}`);
    assert.deepEqual([maskArea(mask), maskBox(mask)], [area, box], `${name}: mask ${i}`);
    assertNear(
      masks.map((other, j) => maskIou(mask, other, j === 1)),
      drawn.ious[i],
      `${name}: IoUs of mask ${i}`,
    );
  });
}
