/** `deno task coco-eval GT.json RESULTS.json`: average precision of detections, as COCO counts it. */
import { task } from "../src/cli/command.ts";
import { choice, list, onOff, whole } from "../src/cli/kinds.ts";
import { start } from "../src/cli/run.ts";
import { UsageError } from "../src/cli/usage_error.ts";
import { cocoEval } from "../src/coco/coco_eval.ts";

export const cocoEvalTask = task({
  name: "coco-eval",
  summary: "Average precision and recall of detections in COCO's layout, equal to pycocotools'.",
  operands: {
    truth: { value: "GT", help: "annotations, such as instances_val2017.json" },
    results: {
      value: "RESULTS",
      help: "detections: a list of {image_id, category_id, score, bbox or segmentation}",
    },
  },
  options: {
    iouType: { kind: choice("bbox", "segm"), help: "bbox compares boxes, segm masks", default: "bbox" },
    maxDetections: {
      kind: list(whole(1)),
      help: "three numbers of detections of a picture and category that count",
      default: [1, 10, 100],
    },
    categories: {
      kind: onOff,
      help: "off: any object may be found by any detection",
      negatable: true,
      default: true,
    },
    json: { kind: onOff, help: "print the result as JSON" },
  },
  notes: [
    "Prints pycocotools' twelve lines and a table by category, in per cent. What is odd in the files but counts all the same " +
    "is told on the error output.",
    "With other numbers of detections than 1,10,100, AP is that of the largest.",
  ],
  examples: [
    ["coco-eval instances_val2017.json boxes.json", "boxes"],
    ["coco-eval instances_val2017.json masks.json --iou-type segm --json", "masks, as JSON"],
  ],
}, async ({ truth, results, json, categories, maxDetections, iouType }, { print, progress }) => {
  if (maxDetections.length !== 3) {
    throw new UsageError(
      `--max-detections takes three numbers, such as 1,10,100, not ${maxDetections.length}`,
    );
  }
  const { evaluation: _, text, notes, ...report } = await cocoEval(truth, results, {
    iouType,
    maxDetections,
    categories: categories ?? true,
  });
  for (const note of notes) progress.line(`note: ${note}`);
  print(json ? JSON.stringify({ ...report, notes }) : text);
});

if (import.meta.main) await start(cocoEvalTask);
