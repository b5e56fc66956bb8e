/** What the lists beside a folder's pictures state together. */
import { baseOf, folderOf } from "../../io/paths.ts";
import type { Reading } from "../class_names.ts";
import { isSplitFolder } from "../split_names.ts";
import { splitOf } from "../splits.ts";
import type { Around } from "./find_files.ts";
import { BOTH, otherParts, splitOfList } from "./names.ts";
import type { Listed } from "./table.ts";

/** A list that has been read. */
export interface ReadList {
  name: string;
  listed: Listed;
}

/** Lists that belong together: `train.txt` and `test.txt` of one folder, or one table. */
export interface Statement {
  files: string[];
  /** Those that state classes, and their column. */
  classFiles: string[];
  classColumn: string;
  /** The titles of the columns of a table. */
  header: readonly string[];
  /** How many names there are, and how many pictures of the folder they mean. */
  names: number;
  found: number;
  /** 1 for each picture that is named. */
  named: Uint8Array;
  /** The splits, and the number of each picture's among them, −1 for none. */
  splits: string[];
  splitOf: Int8Array;
  /** The pictures of a list of training and validation together. */
  both: Uint8Array | null;
  /** Pictures that stand in lists of several splits. */
  overlap: number;
  /** The class of each picture, and how many have one; of those stated differently none. */
  classes: Reading[];
  labelled: number;
  differing: number;
  /** How many words and numbers a list's name has besides its split. */
  others: number;
}

/** How many splits lists tell apart. */
export function kindsOf({ splits, both }: Statement): number {
  return splits.length + (both ? 1 : 0);
}

/** Groups lists to statements. */
export function statementsOf(
  lists: readonly ReadList[],
  pictures: number,
  around: Around,
  own: string,
): Statement[] {
  const isElsewhere = elsewhere(around.folders, own);
  const inName = lists.filter(({ name, listed }) => !listed.splits && splitOfList(name) !== null);
  const others = lists.filter((list) => !inName.includes(list));
  const groups = [...Map.groupBy(inName, ({ name }) => folderOf(name)).values()].flatMap((folder) => {
    const alike = [...Map.groupBy(folder, ({ name }) => otherParts(name).join(" ").toLowerCase()).values()];
    const kinds = (group: readonly ReadList[]) => new Set(group.map(({ name }) => splitOfList(name))).size;
    // `places365_train_standard` beside `places365_val`: nothing is alike, but each split is there once.
    return alike.every((group) => kinds(group) < 2) && kinds(folder) === folder.length ? [folder] : alike;
  });
  // Each folder may have its own metadata.csv.
  const tables = Map.groupBy(others, ({ name }) => baseOf(name));
  return [...groups, ...tables.values()].map((group) => statementOf(group, pictures, isElsewhere))
    .filter(({ found }) => found > 0);
}

/**
 * Whether a split's pictures cannot be in the named folder, which is another split's: they have a folder of their own beside
 * it, or it is no training's, a part of which may be called otherwise.
 */
function elsewhere(folders: readonly string[], own: string): (split: string | null) => boolean {
  const mine = isSplitFolder(own) ? splitOf(own) : null;
  const others = new Set(folders.filter((name) => name !== own && isSplitFolder(name)).map(splitOf));
  return (split) =>
    mine !== null && split !== null && split !== mine &&
    (others.has(split) || mine === "test" || mine === "validation");
}

function statementOf(
  group: readonly ReadList[],
  pictures: number,
  isElsewhere: (split: string | null) => boolean,
): Statement {
  const splits: string[] = [], of = new Int8Array(pictures).fill(-1), named = new Uint8Array(pictures);
  const classes: Reading[] = Array(pictures).fill(null), odd = new Set<number>();
  const both = group.some(({ name, listed }) => !listed.splits && splitOfList(name) === BOTH)
    ? new Uint8Array(pictures)
    : null;
  let overlap = 0, labelled = 0;
  const numberOf = (split: string) => {
    const known = splits.indexOf(split);
    return known >= 0 ? known : splits.push(split) - 1;
  };
  const label = (picture: number, reading: Reading) => {
    if (reading === null || odd.has(picture)) return;
    const known = classes[picture];
    if (known === null) labelled++;
    else if (known !== reading) odd.add(picture);
    classes[picture] = reading;
  };
  for (const { name, listed } of group) {
    const whole = listed.splits ? null : splitOfList(name);
    listed.pictures.forEach((picture, i) => {
      const split = listed.splits?.[i] || whole;
      if (isElsewhere(split)) return;
      named[picture] = 1;
      label(picture, listed.classes?.[i] ?? null);
      if (split === BOTH && both) both[picture] = 1;
      else if (split) {
        const number = numberOf(split);
        // What is tested stays tested.
        if (of[picture] >= 0 && of[picture] !== number) overlap++;
        if (of[picture] < 0 || splits[of[picture]] === "train") of[picture] = number;
      }
    });
  }
  for (const picture of odd) classes[picture] = null;
  return {
    files: group.map(({ name }) => name),
    names: group.reduce((sum, { listed }) => sum + listed.names, 0),
    found: named.reduce((sum, one) => sum + one, 0),
    ...{ named, splits, splitOf: of, both, overlap, classes },
    labelled: labelled - odd.size,
    differing: odd.size,
    classFiles: group.flatMap(({ name, listed }) => listed.classes ? [name] : []),
    classColumn: group.find(({ listed }) => listed.classes)?.listed.classColumn ?? "",
    header: group[0].listed.header,
    others: Math.min(...group.map(({ name }) => otherParts(name).length)),
  };
}
