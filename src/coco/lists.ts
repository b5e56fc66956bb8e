/** The lists of pictures and of categories of an annotations file. */
import { type CocoId, compareIds, otherKind } from "../data/sources/coco_ids.ts";
import { requireId } from "./entries.ts";
import type { Notes } from "./notes.ts";
import type { PictureSize } from "./segmentation.ts";

/** Pictures by the order in which they came. */
export interface PictureList {
  /**
   * One more.
   *
   * @throws {CocoError} When it has no id.
   */
  add(fields: Record<string, unknown>): void;
  /** The id of the first; undefined where there is none. */
  first(): CocoId | undefined;
  /** Where a picture stands; undefined for one that is not listed. */
  place(id: CocoId): number | undefined;
  /** The size of the picture at a place, if it is given. */
  size(place: number): PictureSize | undefined;
  /** Ids, rising, heights and widths in that order, and the new place of each old one. */
  sorted(): { images: CocoId[]; sizes: Float64Array; rank: Int32Array };
}

/** An empty list of pictures. */
export function pictureList(found: Notes): PictureList {
  const places = new Map<CocoId, number>(), ids: CocoId[] = [], sizes: number[] = [];
  return {
    add(fields) {
      const id = requireId(fields, "id"), known = places.get(id), place = known ?? ids.length;
      if (known !== undefined) {
        found.add("1 picture is listed twice", "N pictures are listed twice", `id ${id}`);
      }
      places.set(id, place);
      ids[place] = id;
      [fields.height, fields.width].forEach((side, i) =>
        sizes[2 * place + i] = typeof side === "number" ? side : NaN
      );
    },
    first: () => ids[0],
    place: (id) => places.get(id),
    size(place) {
      const [height, width] = [sizes[2 * place], sizes[2 * place + 1]];
      return Number.isNaN(height) || Number.isNaN(width) ? undefined : { height, width };
    },
    sorted() {
      const order = Array.from(ids, (_, place) => place).sort((a, b) => compareIds(ids[a], ids[b]));
      const rank = new Int32Array(ids.length), inOrder = new Float64Array(sizes.length);
      order.forEach((place, i) => {
        rank[place] = i;
        inOrder.set([sizes[2 * place], sizes[2 * place + 1]], 2 * i);
      });
      return { images: order.map((place) => ids[place]), sizes: inOrder, rank };
    },
  };
}

/** Categories, which may be listed after the annotations that name them. */
export interface CategoryList {
  /**
   * One more is listed.
   *
   * @throws {CocoError} When it has no id.
   */
  add(fields: Record<string, unknown>): void;
  /** A number for an id that an annotation names. */
  kind(id: CocoId): number;
  /** By rising id, and the place there of each number; −1 where it is not listed, which is noted. */
  sorted(): { list: { id: CocoId; name: string }[]; numberOf(kind: number): number };
}

/** An empty list of categories. */
export function categoryList(found: Notes): CategoryList {
  const listed = new Map<CocoId, string>(), named = new Map<CocoId, number>();
  return {
    add(fields) {
      const id = requireId(fields, "id");
      if (listed.has(id)) {
        found.add("1 category is listed twice", "N categories are listed twice", `id ${id}`);
      }
      listed.set(id, String(fields.name ?? id));
    },
    kind(id) {
      const known = named.get(id);
      if (known !== undefined) return known;
      named.set(id, named.size);
      return named.size - 1;
    },
    sorted() {
      const ids = [...listed.keys()].sort(compareIds),
        numbers = new Map(ids.map((id, number) => [id, number]));
      const kinds = [...named.keys()];
      return {
        list: ids.map((id) => ({ id, name: listed.get(id)! })),
        numberOf(kind) {
          const number = numbers.get(kinds[kind]);
          if (number !== undefined) return number;
          const what = "of a category that is not listed and is passed over";
          found.add(
            `1 annotation is ${what}`,
            `N annotations are each ${what}`,
            `category_id ${kinds[kind]}${otherKind(kinds[kind], ids[0])}`,
          );
          return -1;
        },
      };
    },
  };
}
