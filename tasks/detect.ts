/** `deno task detect NAME`: boxes around objects in pictures. */
import type { TaskGroup } from "../src/cli/command.ts";
import { start } from "../src/cli/run.ts";

export const detect: TaskGroup = {
  name: "detect",
  summary: "Detection: boxes around objects, by a head on an encoder.",
  tasks: {
    train: {
      summary: "Trains a detector on pictures with boxes, such as COCO's.",
      load: async () => (await import("./detect/train.ts")).detectTrainTask,
    },
    eval: {
      summary: "Measures a detector by COCO's average precision.",
      load: async () => (await import("./detect/eval.ts")).detectEvalTask,
    },
    predict: {
      summary: "Finds objects in pictures, and draws them.",
      load: async () => (await import("./detect/predict.ts")).detectPredictTask,
    },
  },
};

if (import.meta.main) await start(detect);
