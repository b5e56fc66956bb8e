/** `deno task detect predict MODEL PICTURES…`: finds objects in pictures. */
import { task } from "../../src/cli/command.ts";
import { badPictures, SOURCES_HELP } from "../../src/cli/data_options.ts";
import { ENGINE_AND_MEMORY, engineArguments } from "../../src/cli/engine_options.ts";
import { number, onOff, text, whole } from "../../src/cli/kinds.ts";
import { readDetector } from "../../src/detect/detector_file.ts";
import { detectObjects } from "../../src/detect/found.ts";
import { pictureFolder, refuseOwnPictures } from "../../src/detect/picture_folder.ts";
import { foundLine } from "../../src/detect/text.ts";
import { openEngine } from "../../src/engine/open.ts";
import type { Engine } from "../../src/engine/types.ts";
import { openPictures } from "../../src/finetune/open_pictures.ts";

export const detectPredictTask = task({
  name: "detect predict",
  summary: "Finds objects in pictures: a line of JSON for each, and pictures with boxes drawn on them.",
  operands: {
    model: {
      value: "MODEL",
      help: "a run folder of detect train (its last checkpoint), or a checkpoint in it",
    },
    pictures: { value: "PICTURE", help: `pictures' files, or ${SOURCES_HELP}`, many: true },
  },
  options: {
    threshold: { kind: number(0, 1), help: "least score of what is told and drawn", default: 0.3 },
    most: { kind: whole(1), help: "objects of a picture at most", default: 100 },
    png: { kind: text, help: "also write each picture with its boxes into this folder", value: "FOLDER" },
    best: { kind: onOff, help: "take the state that was best on the run's --eval-data, not the last one" },
    teacher: { kind: onOff, help: "take the averaged parameters of a run with --ema" },
    batchSize: { kind: whole(1), help: "pictures looked at at once", default: 16 },
    ...ENGINE_AND_MEMORY,
  },
  notes: [
    "A line has the picture, its width and height, and its objects by falling score: class, score, and box as left, top, width, " +
    "height in the picture's pixels.",
    "Pictures that cannot be read are named and left out; more than 1 % of them are an error.",
  ],
  examples: [
    ["detect predict runs/detect-demo street.jpg --png drawn", "one picture, and drawn/street.png"],
    ["detect predict runs/detect-demo ./photos --threshold 0.5 > found.jsonl", "a folder"],
  ],
}, async (given, { print, gone, progress, interruptible }) => {
  const { model, pictures, png, threshold, most, batchSize } = given;
  // Before work begins: a wrong path is told at once.
  const detector = await readDetector(model, given), { classes, config } = detector;
  if (png !== undefined) await refuseOwnPictures(png, pictures);
  const drawn = png === undefined ? undefined : await pictureFolder(png, classes);
  const source = await openPictures(pictures, progress);
  let engine: Engine | undefined;
  try {
    engine = await openEngine(...engineArguments(given, progress));
    progress.line(`${detector.name}, on ${engine.description}`);
    // Else one that is half written would be left behind.
    const stop = drawn && interruptible("finishing the picture that is being drawn");
    const onBad = badPictures(source.length, progress), params = detector.load();
    const how = { engine, config, params, threshold, most, batchSize, onBad };
    for await (const found of detectObjects(source, how)) {
      print(foundLine(found, classes));
      await drawn?.add(source, found);
      if (gone() && !drawn) break;
      stop?.signal.throwIfAborted();
    }
  } finally {
    await engine?.close();
    await source.close();
  }
});
