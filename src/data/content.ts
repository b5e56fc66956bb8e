import { byCodeUnits } from "./io/paths.ts";
import { type PictureFormat, sniff } from "./picture/decode.ts";
import type { ImageRecord, PictureObjects } from "./types.ts";

/** Classes by their numbers, then those that are known by name only. */
function compareLabels(a: number | string, b: number | string): number {
  if (typeof a === "number" && typeof b === "number") return a - b;
  if (typeof a === "string" && typeof b === "string") return byCodeUnits(a, b);
  return typeof a === "number" ? -1 : 1;
}

/** Counts what good records hold: bytes, formats, classes and annotated objects. */
export function contentCounter() {
  const formats: Partial<Record<PictureFormat, number>> = {}, labels = new Map<number | string, number>();
  const objects = { count: 0, crowds: 0, pictures: 0 };
  let bytes = 0, unlabelled = 0;
  const addObjects = ({ classes, crowd }: PictureObjects) => {
    objects.count += classes.length;
    objects.crowds += crowd.reduce((sum, is) => sum + is, 0);
    objects.pictures += Number(classes.length > 0);
  };
  return {
    add(record: ImageRecord, shown?: PictureObjects): void {
      const format = sniff(record.bytes)!, label = record.label ?? record.className;
      bytes += record.bytes.length;
      formats[format] = (formats[format] ?? 0) + 1;
      if (label === undefined) unlabelled++;
      else labels.set(label, (labels.get(label) ?? 0) + 1);
      if (shown) addObjects(shown);
    },
    /**
     * What was counted.
     *
     * @param names Class names by their numbers. Those of a stream are known at its end only.
     */
    counted: (names: readonly string[]) => ({
      bytes,
      formats,
      labels: [...labels].sort(([a], [b]) => compareLabels(a, b)).map(([label, count]) => ({
        name: typeof label === "number" ? names[label] ?? String(label) : label,
        count,
      })),
      unlabelled,
      objects,
    }),
  };
}
