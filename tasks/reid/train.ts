/** `deno task reid train MODEL --data sysu:PATH`: weakly supervised training of a trained encoder. */
import { join } from "node:path";
import { task } from "../../src/cli/command.ts";
import { ENGINE_AND_MEMORY, engineArguments } from "../../src/cli/engine_options.ts";
import { onOff, text } from "../../src/cli/kinds.ts";
import { MODEL_CHOICE, MODEL_HELP } from "../../src/cli/model_options.ts";
import { UsageError } from "../../src/cli/usage_error.ts";
import { peopleSource } from "../../src/data/open/people_words.ts";
import { openNumberedFolders } from "../../src/data/sources/people/numbered_folders.ts";
import { readBags } from "../../src/data/sources/people/bags.ts";
import { describePassedOver } from "../../src/data/sources/passed_over.ts";
import { openEngine } from "../../src/engine/open.ts";
import { readModel } from "../../src/eval/stored_model.ts";
import { checkInput } from "../../src/reid/embed.ts";
import { WEAK_DEFAULTS, WEAK_KINDS, type WeakConfig } from "../../src/reid/weak/config.ts";
import { trainWeakly } from "../../src/reid/weak/train.ts";
import { runProgress } from "../../src/train/show/progress.ts";

/** The input's size is said by --size. */
const { imageSize: _, ...CHOICE } = MODEL_CHOICE;

/** Bad pictures that are named. */
const NAMED = 5;

/** Names of the file of bags, as it is handed out. */
const BAG_FILES = [
  "bag_level_label.json",
  "bag_level_label.txt",
  "meta/bag_level_label.json",
  "meta/bag_level_label.txt",
];

const exists = (path: string) => Deno.stat(path).then(() => true, () => false);

/** The folder of the training folders, and the root that it is in. */
function foldersOf(data: string): { root: string; folders: string } {
  const source = peopleSource(data, ["sysu"]);
  if (!source || Object.keys(source.options).length > 0) {
    throw new UsageError(`--data is "${data}", but bags are known of sysu:PATH alone`);
  }
  const path = source.text.replace(/(?<=.)\/+$/, "");
  return { root: path, folders: join(path, "sysu_train_set_all") };
}

/** The file of bags. */
async function bagFile(root: string, given: string | undefined): Promise<string> {
  if (given !== undefined) return given;
  for (const name of BAG_FILES) if (await exists(join(root, name))) return join(root, name);
  throw new Error(`${root}: has no ${BAG_FILES[0]}, the labels of the bags; name the file by --bags`);
}

export const reidTrainTask = task({
  name: "reid train",
  summary:
    "Trains an encoder to tell persons apart who are known for bags of pictures only, as SYSU-30k's authors do.",
  operands: { model: { value: "MODEL", help: `what it begins with: ${MODEL_HELP}` } },
  options: {
    data: { kind: text, help: "SYSU-30k with its training folders unpacked: sysu:PATH", value: "URI" },
    bags: { kind: text, help: "labels of the bags, JSON", value: "FILE", usually: BAG_FILES[0] },
    out: { kind: text, help: "run folder", value: "DIR" },
    resume: { kind: onOff, help: "go on from the last checkpoint of the run in --out" },
    size: {
      kind: { kind: "pair", min: 1 },
      help: "height,width of the encoder's input",
      value: "H,W",
      default: [WEAK_DEFAULTS.height, WEAK_DEFAULTS.width] as const,
      usually: "256,128",
    },
    bagsPerBatch: {
      kind: WEAK_KINDS.bagsPerBatch,
      help: "bags in a batch",
      default: WEAK_DEFAULTS.bagsPerBatch,
    },
    perBag: { kind: WEAK_KINDS.perBag, help: "pictures of each bag", default: WEAK_DEFAULTS.perBag },
    epochs: { kind: WEAK_KINDS.epochs, help: "passes over all bags", default: WEAK_DEFAULTS.epochs },
    steps: { kind: WEAK_KINDS.steps, help: "stop after so many steps; 0: after the epochs", default: 0 },
    lr: { kind: WEAK_KINDS.lr, help: "learning rate", default: WEAK_DEFAULTS.lr },
    lrEpochs: {
      kind: WEAK_KINDS.lrEpochs,
      help: "epochs after which it falls to a tenth",
      default: [...WEAK_DEFAULTS.lrEpochs],
      usually: WEAK_DEFAULTS.lrEpochs.join(","),
    },
    weightDecay: {
      kind: WEAK_KINDS.decay,
      help: "weight decay, added to the gradients",
      default: WEAK_DEFAULTS.decay,
    },
    margin: { kind: WEAK_KINDS.margin, help: "margin of the triplet", default: WEAK_DEFAULTS.margin },
    pairwise: {
      kind: WEAK_KINDS.pairwise,
      help: "weight of the pairwise term",
      default: WEAK_DEFAULTS.pairwise,
    },
    triplet: { kind: WEAK_KINDS.triplet, help: "weight of the triplet", default: WEAK_DEFAULTS.triplet },
    flip: { kind: WEAK_KINDS.flip, help: "chance of a left–right flip", default: WEAK_DEFAULTS.flip },
    erase: { kind: WEAK_KINDS.erase, help: "chance that a part is erased", default: WEAK_DEFAULTS.erase },
    seed: {
      kind: WEAK_KINDS.seed,
      help: "determines batches and the head's first weights",
      default: 0,
    },
    keep: { kind: WEAK_KINDS.keep, help: "checkpoints that are kept", default: WEAK_DEFAULTS.keep },
    checkpointMinutes: {
      kind: WEAK_KINDS.checkpointMinutes,
      help: "minutes between checkpoints; 0: none by time",
      default: WEAK_DEFAULTS.checkpointMinutes,
    },
    checkpointSteps: {
      kind: WEAK_KINDS.checkpointSteps,
      help: "steps between checkpoints; 0: none by steps",
      default: 0,
    },
    logEvery: {
      kind: WEAK_KINDS.logEvery,
      help: "steps between lines of metrics.jsonl",
      default: WEAK_DEFAULTS.logEvery,
    },
    ...CHOICE,
    ...ENGINE_AND_MEMORY,
    json: { kind: onOff, help: "print what the run ended with as JSON" },
  },
  notes: [
    "Pictures of a bag are drawn anew in each epoch. A checkpoint's encoder is read by every command: reid eval, embed, export.",
    "docs/reid.md says what the three terms are, and what differs from the released code.",
  ],
  examples: [
    ["reid train runs/persons --data sysu:./SYSU-30k --out runs/reid", "from a pre-trained encoder"],
    ["reid train runs/persons --data sysu:./SYSU-30k --out runs/reid --resume", "goes on with it"],
  ],
}, async (given, { print, progress: lines, interruptible }) => {
  const { out, data, size: [height, width] } = given;
  if (data === undefined || out === undefined) {
    throw new UsageError("name the pictures and the run folder: --data sysu:PATH --out DIR");
  }
  const { root, folders } = foldersOf(data), bags = await bagFile(root, given.bags);
  const model = await readModel(given.model, given);
  model.notes.forEach(lines.line);
  checkInput(model.config, { height, width, mirror: "none" });
  const source = await openNumberedFolders(folders);
  try {
    const known = await readBags(bags, source.folders.map(({ name }) => name));
    const passedOver = describePassedOver(source.passedOver?.() ?? []);
    if (passedOver) lines.line(`${source.uri}: ${passedOver}`);
    const config: WeakConfig = {
      ...WEAK_DEFAULTS,
      ...{ model: given.model, data, bags, out, height, width, seed: given.seed, decay: given.weightDecay },
      ...{ bagsPerBatch: given.bagsPerBatch, perBag: given.perBag, epochs: given.epochs, steps: given.steps },
      ...{ lr: given.lr, lrEpochs: given.lrEpochs, margin: given.margin, pairwise: given.pairwise },
      ...{ triplet: given.triplet, flip: given.flip, erase: given.erase, keep: given.keep },
      ...{
        checkpointMinutes: given.checkpointMinutes,
        checkpointSteps: given.checkpointSteps,
        logEvery: given.logEvery,
      },
    };
    const engine = await openEngine(...engineArguments(given, lines));
    const stop = interruptible("finishing what is under way and writing a checkpoint");
    try {
      let named = 0;
      const result = await trainWeakly(config, {
        engine,
        source,
        list: known,
        model: model.config,
        load: model.load,
        resume: given.resume,
        progress: runProgress(lines),
        onBad: (bad) => {
          if (++named <= NAMED) lines.line(`left out: ${bad.message}`);
        },
        signal: stop.signal,
      });
      if (given.json) print(JSON.stringify({ run: out, ...result }));
      if (result.stopped && stop.signal.aborted) {
        lines.line(`stopped; to go on give the same command with --resume`);
      }
    } finally {
      await engine.close();
    }
  } finally {
    await source.close();
  }
});
