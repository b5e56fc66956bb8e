/** `deno task reid NAME`: re-identification of persons. */
import type { TaskGroup } from "../src/cli/command.ts";
import { start } from "../src/cli/run.ts";

export const reid: TaskGroup = {
  name: "reid",
  summary: "Re-identification: finds the same person in the pictures of other cameras.",
  tasks: {
    eval: {
      summary: "Measures a trained encoder on SYSU-30k, Market-1501, or pictures named as theirs.",
      load: async () => (await import("./reid/eval.ts")).reidEvalTask,
    },
    train: {
      summary: "Trains an encoder on bags of pictures, as SYSU-30k's authors do.",
      load: async () => (await import("./reid/train.ts")).reidTrainTask,
    },
  },
};

if (import.meta.main) await start(reid);
