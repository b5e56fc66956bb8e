/** What a file in COCO's layout says cannot be: which file, which entry, and what is wrong. */
export class CocoError extends Error {
  override name = "CocoError";
}
