/** `deno task bench NAME`: runs one of the benchmarks. */
import type { Task, TaskGroup } from "../src/cli/command.ts";
import { start } from "../src/cli/run.ts";

/** A benchmark is loaded when it is called: none needs the others' packages. */
const from = (module: () => Promise<{ benchTask: Task }>) => async () => (await module()).benchTask;

export const bench: TaskGroup = {
  name: "bench",
  summary: "Measures this program beside peers, in turn.",
  tasks: {
    step: { summary: "The training step beside PyTorch.", load: from(() => import("./step.ts")) },
    products: {
      summary: "The step's matrix products beside PyTorch's.",
      load: from(() => import("./products.ts")),
    },
    train: {
      summary: "deno task train from start to end, beside PyTorch.",
      load: from(() => import("./train.ts")),
    },
    learn: {
      summary: "What is learned from pictures, beside DINO, MAE, SimCLR and supervised training.",
      load: from(() => import("./learn.ts")),
    },
    embed: {
      summary: "Embedding from start to end, beside PyTorch.",
      load: from(() => import("./embed.ts")),
    },
    data: {
      summary: "The stream of pictures beside PyTorch's loaders.",
      load: from(() => import("./data.ts")),
    },
    memory: {
      summary: "Resident memory of a pass over each kind of source.",
      load: from(() => import("./memory.ts")),
    },
    weights: {
      summary: "An exported encoder in transformers, timm and ONNX Runtime.",
      load: from(() => import("./weights.ts")),
    },
    "draw-masks": {
      summary: "Draws things on photographs, and masks of them, for segment-eval.",
      load: from(() => import("./draw_masks.ts")),
    },
    "draw-objects": {
      summary: "Draws emoji on photographs, with boxes and masks in COCO's layout.",
      load: from(() => import("./draw_objects.ts")),
    },
    finetune: {
      summary: "Fine-tuning beside training from scratch and a linear probe, for several budgets of labels.",
      load: from(() => import("./finetune.ts")),
    },
    engines: { summary: "Engine xla beside the other engines.", load: from(() => import("./engines.ts")) },
    reid: {
      summary: "Exact ranks of re-identification in a large gallery.",
      load: from(() => import("./reid.ts")),
    },
    plan: {
      summary: "The step beside JAX's, both compiled for a card that is not here.",
      load: from(() => import("./plan.ts")),
    },
    scaling: {
      summary: "What runs on many cards would take, on paper.",
      load: from(() => import("./scaling.ts")),
    },
    coco: { summary: "COCO's evaluation beside pycocotools.", load: from(() => import("./coco.ts")) },
    report: { summary: "The page of a long run.", load: from(() => import("./report.ts")) },
    search: {
      summary: "Exact search for nearest neighbours beside faiss.",
      load: from(() => import("./search.ts")),
    },
    gpu: {
      summary: "The training step on an accelerator beside PyTorch.",
      load: from(() => import("./gpu.ts")),
    },
    "gpu-pack": {
      summary: "Packs what bench/gpu.sh carries to a machine with a card.",
      load: from(() => import("./gpu_pack.ts")),
    },
  },
};

if (import.meta.main) await start(bench);
