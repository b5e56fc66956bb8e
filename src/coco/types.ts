/** What stands in files in COCO's layout, and how it is held. */
import type { CocoId } from "../data/sources/coco_ids.ts";
import type { MaskList } from "./mask_list.ts";

/** What is compared: boxes or masks. */
export type IouType = "bbox" | "segm";

/** An entry of `images`. */
export interface CocoImage {
  id: CocoId;
  /** Pixels. Only polygons need them. */
  height?: number;
  width?: number;
}

/** An entry of `categories`. */
export interface CocoCategory {
  id: CocoId;
  name?: string;
}

/** An entry of `annotations`. */
export interface CocoAnnotation {
  id?: CocoId;
  image_id: CocoId;
  category_id: CocoId;
  /** x, y, width, height in pixels. */
  bbox?: readonly number[];
  /** Pixels of the mask, by which objects are small, medium or large. */
  area?: number | null;
  iscrowd?: number | boolean;
  /** Polygons, or run lengths as `{size, counts}`. */
  segmentation?: unknown;
}

/** An entry of a file of results. */
export interface CocoResult {
  image_id: CocoId;
  category_id: CocoId;
  score: number;
  /** x, y, width, height in pixels. */
  bbox?: readonly number[];
  segmentation?: unknown;
}

/** Objects as columns, one row each. */
export interface Objects {
  /** The picture's place in `images`. */
  images: Int32Array;
  /** The category's place in `categories`; −1 where it is not listed. */
  categories: Int32Array;
  /** x, y, width, height in pixels, [n, 4] flat. Zeros where masks are compared. */
  boxes: Float64Array;
  /** Pixels. */
  areas: Float64Array;
  /** Only where masks are compared. */
  masks?: MaskList;
}

/** Annotated objects. */
export interface CocoTruth {
  /** The file, for messages. */
  name: string;
  iouType: IouType;
  /** The pictures' ids, rising. */
  images: readonly CocoId[];
  /** Height and width of each picture in pixels, [n, 2] flat; NaN where they are not given. */
  sizes: Float64Array;
  /** By rising id. */
  categories: readonly { id: CocoId; name: string }[];
  objects: Objects & {
    /** 1 for a crowd. */
    crowd: Uint8Array;
  };
  /** What was odd, a line each. */
  notes: readonly string[];
}

/** Detections in the pictures of a {@linkcode CocoTruth}. */
export interface CocoDetections {
  /** The file, for messages. */
  name: string;
  objects: Objects & { scores: Float64Array };
  /** What was odd, a line each. */
  notes: readonly string[];
}
