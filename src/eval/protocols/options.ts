/** Named protocols as options of a command. */
import type { Options } from "../../cli/command.ts";
import { choice, list, number, onOff, text, whole } from "../../cli/kinds.ts";
import { RECIPE, RECIPES } from "./recipes.ts";
import { TABLES } from "./table.ts";
import { PROTOCOLS } from "./types.ts";

/** Options that only named protocols have. */
export const PROTOCOL_OPTIONS = {
  protocol: {
    kind: list(choice(...PROTOCOLS)),
    help:
      "measure by these: knn (DINO's), linear (see --recipe), logreg (DINOv2's logistic regression), fewshot " +
      "(neighbours that know --shots pictures of each class)",
    group: "Protocols",
    usually: "knn for an embedding file",
  },
  recipe: {
    kind: list(choice(...RECIPES)),
    help: `how linear probes are trained: ${
      RECIPES.map((name) => `${name}: ${RECIPE[name].help}`).join("; ")
    }`,
    group: "Protocols",
    usually: "saae",
  },
  n: {
    kind: list(whole(1)),
    help: "class tokens of how many last blocks a linear probe gets, instead of the recipe's",
    group: "Protocols",
  },
  pool: {
    kind: onOff,
    negatable: true,
    help: "add the mean patch token for a linear probe, or not, instead of the recipe's",
    group: "Protocols",
  },
  lr: {
    kind: list(number()),
    help: "learning rates for 256 pictures a step, instead of the recipe's",
    group: "Protocols",
  },
  epochs: { kind: whole(1), help: "epochs of a linear probe, instead of the recipe's", group: "Protocols" },
  probeBatch: { kind: whole(1), help: "pictures in a step of a linear probe", group: "Protocols" },
  augment: {
    kind: onOff,
    negatable: true,
    help:
      "linear probes learn from random crops and flips, new ones in each epoch, for which the encoder runs anew; without " +
      "it from frozen features",
    group: "Protocols",
  },
  shots: {
    kind: list(whole(1)),
    help: "pictures of each class that few-shot probes know",
    group: "Protocols",
    usually: "1,2,5,10",
  },
  tries: { kind: whole(1), help: "draws of such pictures", group: "Protocols", usually: "5" },
  validation: {
    kind: text,
    help: "pictures that choose among probes, or their embedding file",
    value: "URI",
    group: "Protocols",
    usually: "a random tenth of the training pictures",
  },
  subset: {
    kind: text,
    help: "learn only from the pictures that this file names, one a line, such as ImageNet's 1 % and 10 %",
    value: "FILE",
    group: "Protocols",
  },
  table: {
    kind: choice(...TABLES),
    help: "how the figures are printed",
    group: "Protocols",
    usually: "text",
  },
} as const satisfies Options;
