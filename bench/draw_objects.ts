/** Draws emoji on photographs and writes annotations in COCO's layout: a small detection set. */
import { join } from "node:path";
import { task } from "../src/cli/command.ts";
import { SOURCES_HELP } from "../src/cli/data_options.ts";
import { choice, text, whole } from "../src/cli/kinds.ts";
import { start } from "../src/cli/run.ts";
import { UsageError } from "../src/cli/usage_error.ts";
import { collect } from "../src/data/open/collect.ts";
import { openData } from "../src/data/open/open_data.ts";
import { decodePicture } from "../src/data/picture/decode.ts";
import type { Picture } from "../src/data/types.ts";
import { type EmojiFolder, fetchEmoji } from "../src/demo/fetch.ts";
import { type Hand, HANDS, isHeldOut, type Meaning } from "../src/demo/select.ts";
import { newFolder, openDestination } from "../src/files/destination.ts";
import { LARGEST_SEED } from "../src/random.ts";
import { makeSet, type SetOptions, type SplitParts, SPLITS } from "./objects/make.ts";
import { readSprite } from "./objects/sprite.ts";
import type { Drawing } from "./objects/scene.ts";
import { fetchPhotos } from "./photos.ts";

type Split = typeof SPLITS[number];

/** Which of scikit-image's photographs each part is drawn on. */
const PHOTOS: Record<Split, readonly string[]> = {
  train: [
    ...["astronaut.png", "brick.png", "camera.png", "coffee.png", "grass.png"],
    ...["hubble_deep_field.jpg", "ihc.png", "motorcycle_left.png"],
  ],
  val: ["chelsea.png", "coins.png", "gravel.png", "moon.png", "retina.jpg", "rocket.jpg"],
};

/** Every so manieth of other photographs is for validation. */
const VAL_SHARE = 4;
/** At most so many other photographs are held in memory. */
const MOST_PHOTOS = 400;

/** The photographs of each part. */
async function photosOf(
  uri: string | undefined,
  say: (line: string) => void,
): Promise<Record<Split, Picture[]>> {
  const photos: Record<Split, Picture[]> = { train: [], val: [] };
  if (uri === undefined) {
    for (const split of SPLITS) {
      for (const path of await fetchPhotos(say, PHOTOS[split])) {
        photos[split].push(await decodePicture(await Deno.readFile(path)));
      }
    }
    return photos;
  }
  const source = await collect(await openData(uri, { classes: false, progress: say }), {
    count: MOST_PHOTOS,
  });
  try {
    for (let i = 0; i < Math.min(source.length, MOST_PHOTOS); i++) {
      const split = i % VAL_SHARE === VAL_SHARE - 1 ? "val" : "train";
      photos[split].push(await decodePicture((await source.get(i)).bytes));
    }
  } finally {
    await source.close();
  }
  if (photos.val.length === 0) {
    throw new UsageError(
      `${uri}: ${photos.train.length} photographs are too few to keep those of both parts apart`,
    );
  }
  return photos;
}

/** Reads drawings when they are first chosen. */
function drawingsOf({ folder, meanings }: EmojiFolder, categories: readonly string[]) {
  const known = new Map<string, Promise<Drawing>>();
  const read = async (path: string, meaning: Meaning): Promise<Drawing> => ({
    sprite: await readSprite(await Deno.readFile(path)),
    ...{ category: categories.indexOf(meaning.category), name: meaning.unified },
  });
  return (hands: readonly Hand[], wanted: (meaning: Meaning) => boolean): SplitParts["drawings"] =>
    categories.map((category) =>
      hands.flatMap((hand) =>
        meanings.filter((one) => one.category === category && wanted(one)).map((one) => () => {
          const path = join(folder, hand, `${one.unified}.png`);
          if (!known.has(path)) known.set(path, read(path, one));
          return known.get(path)!;
        })
      )
    );
}

export const benchTask = task({
  name: "bench draw-objects",
  summary:
    "Draws emoji on photographs, with boxes and masks in COCO's layout: a small set to learn detection from.",
  options: {
    out: { kind: text, help: "a folder that must not exist", value: "DIR" },
    train: { kind: whole(1), help: "pictures to learn from", default: 2000 },
    val: { kind: whole(1), help: "pictures to be judged by, on other photographs", default: 400 },
    size: { kind: whole(32, 2048), help: "longer side of the pictures in pixels", default: 224 },
    seed: { kind: whole(0, LARGEST_SEED), help: "determines what is drawn", default: 0 },
    unseen: {
      kind: choice("hand", "emoji"),
      help: "what val shows that train does not: the same emoji as another hand draws them, or other emoji",
      default: "hand",
    },
    pictures: {
      kind: text,
      help: `photographs: ${SOURCES_HELP}; every fourth is for val`,
      value: "URI",
      usually: "14 that scikit-image brings, through pip",
    },
  },
  notes: [
    "Classes are the nine groups of emoji, which come through npm. The same options always give the same bytes.",
    "Boxes and areas are those of what is seen of an emoji, as in COCO. A few pictures show none, a few a crowd.",
  ],
  examples: [
    ["bench draw-objects --out ./drawn", "2,000 and 400 pictures, read as coco:./drawn"],
  ],
}, async ({ out, pictures, train, val, size, seed, unseen }, { print, progress }) => {
  if (!out) throw new UsageError("name a folder: --out DIR");
  const destination = await openDestination(newFolder(out));
  try {
    const photos = await photosOf(pictures, progress.line);
    const emoji = await fetchEmoji({ progress: progress.line });
    const categories = [...new Set(emoji.meanings.map(({ category }) => category))].sort();
    const drawings = drawingsOf(emoji, categories), [other, own] = HANDS;
    const chosen = unseen === "hand"
      ? { train: drawings([own], () => true), val: drawings([other], () => true) }
      : {
        train: drawings(HANDS, ({ unified }) => !isHeldOut(unified)),
        val: drawings(HANDS, ({ unified }) => isHeldOut(unified)),
      };
    const part = (split: Split, count: number) => ({ count, photos: photos[split], drawings: chosen[split] });
    const splits: SetOptions["splits"] = { train: part("train", train), val: part("val", val) };
    const made = await makeSet(destination.folder, {
      ...{ splits, categories, size, seed },
      about: { description: "emoji drawn on photographs", size, seed, unseen },
      progress: (done, total) => progress.status(() => `drew ${done} of ${total}`, done === total),
    });
    await destination.publish();
    for (const split of SPLITS) {
      const { pictures, objects, crowds, empty } = made.splits[split];
      print(
        `${
          split.padEnd(6)
        }${pictures} pictures, ${objects} objects, ${crowds} crowds, ${empty} pictures without any`,
      );
    }
    print(
      `${out}: read it as coco:${out}; deno task data coco:${out} --boxes shows pictures with their boxes`,
    );
  } finally {
    await destination.close();
  }
});

if (import.meta.main) await start(benchTask);
