/** The boxes of an annotations file in COCO's layout, picture by picture. */
import { numberList } from "../io/compact_lists.ts";
import type { PictureObjects } from "../types.ts";
import type { CocoId } from "./coco_ids.ts";
import type { PassedCounter } from "./passed_over.ts";

/** Collects boxes; about 50 bytes are kept of each. */
export interface CocoObjects {
  /**
   * The next picture of the file's list.
   *
   * @throws {Error} When its width or height is not given.
   */
  picture(width: unknown, height: unknown, name: string): void;
  /** Width and height of a picture, by its number. */
  size(picture: number): { width: number; height: number };
  /** An annotation. What has no box of four finite numbers is passed over and counted. */
  add(image: CocoId, category: CocoId, entry: Record<string, unknown>): void;
  /**
   * Puts the boxes in order, cut at their pictures' edges; those that have no area left are passed over and counted, as are those of
   * categories that are not listed.
   *
   * @param pictures The number of each picture.
   * @param classes The number of each category.
   * @returns The objects of a picture by its number.
   */
  finish(
    pictures: ReadonlyMap<CocoId, number>,
    classes: ReadonlyMap<CocoId, number>,
  ): (index: number) => PictureObjects;
}

/** Numbers for ids, in the order in which these come. */
function numbering(): { of(id: CocoId): number; ids(): CocoId[] } {
  const numbers = new Map<CocoId, number>();
  return {
    of(id) {
      const known = numbers.get(id);
      if (known === undefined) numbers.set(id, numbers.size);
      return known ?? numbers.size - 1;
    },
    ids: () => [...numbers.keys()],
  };
}

/**
 * An empty collection.
 *
 * @param file The annotations file, for messages.
 * @param passed Counts what is passed over.
 */
export function cocoObjects(file: string, passed: PassedCounter): CocoObjects {
  const sizes = numberList(Float64Array), boxes = numberList(Float64Array);
  const images = numberList(Int32Array), kinds = numberList(Int32Array), crowd = numberList(Uint8Array);
  const size = (picture: number) => ({ width: sizes.get(2 * picture), height: sizes.get(2 * picture + 1) });
  // Pictures and categories may be listed behind the annotations that name them.
  const named = numbering(), kindsNamed = numbering();
  return {
    picture(width, height, name) {
      if (!(Number.isFinite(width) && Number.isFinite(height) && Number(width) > 0 && Number(height) > 0)) {
        throw new Error(
          `${file}: ${name} has no width and height, without which boxes cannot be placed; write them into the file, or ` +
            "leave the boxes out (pack --no-boxes)",
        );
      }
      sizes.push(Number(width));
      sizes.push(Number(height));
    },
    size,
    add(image, category, { id, bbox, iscrowd }) {
      const box = Array.isArray(bbox) && bbox.length === 4 && bbox.every((x) => Number.isFinite(x));
      if (!box) return passed.add("box", "is not four finite numbers", `annotation ${id}`);
      for (const side of bbox) boxes.push(side);
      images.push(named.of(image));
      kinds.push(kindsNamed.of(category));
      crowd.push(iscrowd ? 1 : 0);
    },
    finish(pictures, classes) {
      const pictureOf = named.ids().map((id) => pictures.get(id) ?? -1);
      const classOf = kindsNamed.ids().map((id) => classes.get(id) ?? -1), names = kindsNamed.ids();
      const count = images.length, kept: number[] = [], edges = boxes.values();
      for (let i = 0; i < count; i++) {
        const picture = pictureOf[images.get(i)], category = kinds.get(i), kind = classOf[category];
        images.values()[i] = picture;
        kinds.values()[i] = kind;
        // Pictures that are not listed are counted where pictures get their classes.
        if (picture < 0) continue;
        if (kind < 0) {
          passed.add("box", "is of a category that the file does not list", `category_id ${names[category]}`);
          continue;
        }
        const [width, height] = [sizes.get(2 * picture), sizes.get(2 * picture + 1)];
        const [x, y, w, h] = edges.subarray(4 * i, 4 * i + 4);
        const left = Math.max(0, x), top = Math.max(0, y);
        const right = Math.min(width, x + w), bottom = Math.min(height, y + h);
        if (!(right > left && bottom > top)) {
          passed.add("box", "has no area within its picture", `[${[x, y, w, h].join(", ")}]`);
          continue;
        }
        edges.set([left, top, right, bottom], 4 * i);
        kept.push(i);
      }
      const rows = byPicture(kept, images.values(), sizes.length / 2);
      return (index) => {
        const own = rows(index);
        return {
          ...size(index),
          boxes: Float64Array.from([...own].flatMap((row) => [...edges.subarray(4 * row, 4 * row + 4)])),
          classes: Int32Array.from(own, (row) => kinds.get(row)),
          crowd: Uint8Array.from(own, (row) => crowd.get(row)),
        };
      };
    },
  };
}

/** Rows of each picture, in the file's order. */
function byPicture(
  kept: readonly number[],
  images: Int32Array,
  pictures: number,
): (index: number) => Uint32Array {
  const starts = new Uint32Array(pictures + 1);
  for (const row of kept) starts[images[row] + 1]++;
  for (let i = 0; i < pictures; i++) starts[i + 1] += starts[i];
  const next = starts.slice(), rows = new Uint32Array(kept.length);
  for (const row of kept) rows[next[images[row]]++] = row;
  return (index) => rows.subarray(starts[index], starts[index + 1]);
}
