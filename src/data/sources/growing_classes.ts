import type { ImageRecord, PassedOver } from "../types.ts";
import { manyLabels, MOST_CLASSES, numberNames, numbersOf, sameName, tooManyClasses } from "./class_names.ts";

/** The classes of a source that does not know them beforehand, numbered as they come. */
export interface GrowingClasses {
  /**
   * The number of a record's class; undefined where it has none. Never changes afterwards.
   *
   * @throws {Error} The record's class is a name that the known ones hold twice.
   */
  number(record: ImageRecord): number | undefined;
  /** The names so far; later ones come behind them. */
  labels(): string[];
  /** Labels that are no class. */
  passedOver(): PassedOver[];
}

/**
 * Starts to number the classes of records: those with numbers keep them, names get the next number when they
 * are first met.
 *
 * @param known The names that the source knows beforehand.
 */
export function growingClasses(known: readonly string[]): GrowingClasses {
  const labels = [...known], numbers = numbersOf(labels);
  let named = labels.length > 0, counted = 0, records = 0, strays = 0, stray = "", lost = 0;
  const add = (name: string): number | undefined => {
    const found = numbers.get(sameName(name));
    if (found?.length === 1) return found[0];
    if (found) {
      throw new Error(`a picture is of class "${name}", a name that stands twice in the list of classes`);
    }
    if (tooManyClasses(labels.length + 1 - known.length, records)) return void lost++;
    numbers.set(sameName(name), [labels.length]);
    return labels.push(name) - 1;
  };
  return {
    number({ key, label, className }) {
      if (label === undefined && className === undefined) return undefined;
      records++;
      if (className === undefined && known.length > 0) return label! < known.length ? label : undefined;
      if (className === undefined && !named) {
        if (label! >= MOST_CLASSES) return void lost++;
        counted = Math.max(counted, label! + 1);
        return label;
      }
      if (counted > 0 && !named) {
        // Numbers were given out already, so a name cannot have one.
        stray ||= `${key} ("${className}")`;
        return void strays++;
      }
      named = true;
      return add(className ?? String(label));
    },
    labels: () => named ? [...labels] : numberNames(counted),
    passedOver() {
      const found: PassedOver[] = [];
      if (strays > 0) {
        const why = "is a name, where the classes before are numbers";
        found.push({ what: "label", why, count: strays, example: stray });
      }
      if (lost > 0) found.push(manyLabels(labels.length - known.length, lost));
      return found;
    },
  };
}
