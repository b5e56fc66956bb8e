/** The demo's pictures in memory, and what is known of each. */
import { openSource } from "../data/open/open_data.ts";
import { joinClasses } from "../data/sources/match_classes.ts";
import { allPictures } from "../eval/pictures.ts";
import { COPIES, distort, sampleDistortion } from "./distort.ts";
import type { DemoShards } from "./pack.ts";
import { type Hand, parseKey } from "./select.ts";

/** What is known of the demo's pictures, those of training first. */
export interface Emoji {
  /** What each picture shows, `1f469-200d-1f4bb`, and who drew it. */
  emoji: readonly string[];
  hands: readonly Hand[];
  /** The number of each picture's category. */
  categories: ArrayLike<number>;
  categoryCount: number;
  /** The first held-out picture. */
  firstHeldout: number;
}

/** The demo's pictures, those of training first. */
export interface DemoPictures extends Emoji {
  /** Side in pixels. */
  size: number;
  /** count × size × size × 3 bytes. */
  pictures: Uint8Array;
}

/**
 * Reads all pictures of the demo.
 *
 * @param size Side in pixels.
 * @throws {Error} When the shards are not the demo's, or a picture in them cannot be read.
 */
export async function readDemo({ train, heldout }: DemoShards, size: number): Promise<DemoPictures> {
  const sides = [];
  for (const uri of [train, heldout]) {
    const source = await openSource(uri);
    try {
      sides.push({
        uri,
        ...await allPictures(source, { prepare: { kind: "base", size } }),
        names: source.labels,
      });
    } finally {
      await source.close();
    }
  }
  const keys = sides.flatMap((side) => side.keys).map(parseKey);
  const joined = joinClasses(sides.map(({ uri, names }) => ({ uri, labels: names })));
  const pictures = new Uint8Array(sides[0].bytes.length + sides[1].bytes.length);
  pictures.set(sides[0].bytes);
  pictures.set(sides[1].bytes, sides[0].bytes.length);
  return {
    size,
    pictures,
    emoji: keys.map(({ unified }) => unified),
    hands: keys.map(({ hand }) => hand),
    categories: sides.flatMap(({ labels }, i) => labels.map((label) => joined.numbers[i][label])),
    categoryCount: joined.labels.length,
    firstHeldout: sides[0].keys.length,
  };
}

/** The bytes of the held-out pictures, a view of `pictures`. */
export function heldoutPictures({ size, pictures, firstHeldout }: DemoPictures): Uint8Array {
  return pictures.subarray(firstHeldout * size * size * 3);
}

/**
 * The changed pictures that the demo's table asks with (docs/demo.md): the first change of all held-out pictures in their
 * order, then the second of all, and so on.
 *
 * @returns {@linkcode COPIES} × held-out pictures × size × size × 3 bytes.
 */
export function changedPictures(demo: DemoPictures): Uint8Array {
  const { size, emoji, hands, firstHeldout } = demo, bytes = size * size * 3;
  const held = heldoutPictures(demo), count = held.length / bytes, out = new Uint8Array(COPIES * held.length);
  for (let query = 0; query < COPIES * count; query++) {
    const i = query % count, copy = (query - i) / count;
    const distortion = sampleDistortion(emoji[firstHeldout + i], hands[firstHeldout + i], copy);
    const picture = held.subarray(i * bytes, (i + 1) * bytes);
    distort(picture, size, distortion, out.subarray(query * bytes, (query + 1) * bytes));
  }
  return out;
}
