/** Which of a folder's pictures are of the split that is meant, by lists. */
import { plural } from "../../../text/amounts.ts";
import { chooseSplit, NoSplitError, splitName, type SplitQuestion } from "../splits.ts";
import { BOTH } from "./names.ts";
import { namesOf } from "./picture_lists.ts";
import { kindsOf, type Statement } from "./statements.ts";

/**
 * Takes the pictures of one split, as lists state them. Where no list is of training, what none names is for training, as in
 * sets that list their test pictures alone.
 *
 * @param pictures As many as the statement is of.
 * @param statement The lists.
 * @param question What is wanted.
 * @returns The pictures, in their order; null where the lists tell nothing apart.
 * @throws {NoSplitError} The wanted split is not there.
 * @throws {Error} Several could be meant.
 */
export function chooseByLists(
  pictures: readonly string[],
  statement: Statement,
  question: SplitQuestion,
): string[] | null {
  const { splits, splitOf, both, overlap } = statement, { wanted, progress } = question;
  const names = namesOf(statement), where = `${question.where}, by ${names}`;
  const learns = splits.includes("train"), showsBoth = both !== null && (wanted === BOTH || !learns);
  const split = (index: number): string | null => {
    const own = splitOf[index] < 0 ? null : splits[splitOf[index]];
    if (showsBoth && both[index] && (own === null || wanted === BOTH)) return BOTH;
    return own ?? (learns || both ? null : "train");
  };
  const items = pictures.map((name, index) => ({ item: name, name, split: split(index) }));
  const kinds = new Set(items.map((item) => item.split)), stated = [...kinds].filter((kind) => kind !== null);
  if (wanted === undefined && stated.length < 2) {
    const unnamed = items.filter((item) => item.split === null).length;
    if (stated.length === 1 && unnamed > 0) {
      progress(
        `${question.where}: ${names} lists ${plural(pictures.length - unnamed, "picture")} of the split ${
          stated[0]
        }; ` +
          `${plural(unnamed, "other picture")} are taken, too; #split=${
            stated[0]
          } behind the name takes the listed ones alone`,
      );
    }
    return null;
  }
  if (overlap > 0) {
    progress(`${where}: ${plural(overlap, "picture")} of several splits are none to learn from`);
  }
  return chooseSplit(items, { ...question, where, what: "picture" });
}

/** Whether a list tells no splits apart, so that it is one of pictures alone. */
export function isSubset(statement: Statement): boolean {
  return kindsOf(statement) < 2;
}

/**
 * The pictures that a list names that the user asked for, where it states no split.
 *
 * @throws {NoSplitError} A split was asked for.
 */
export function picturesOfList(
  pictures: readonly string[],
  statement: Statement,
  { where, wanted, progress }: SplitQuestion,
): string[] {
  const split = statement.splits[0] ?? (statement.both ? BOTH : "");
  if (wanted !== undefined && wanted !== "all" && splitName(wanted) !== split) {
    throw new NoSplitError(`${where}: the list ${namesOf(statement)} states no split "${wanted}"`);
  }
  const found = pictures.filter((_, i) => statement.named[i] === 1);
  progress(
    `${where}: takes the ${plural(found.length, "picture")} that ${
      namesOf(statement)
    } names, of ${pictures.length}`,
  );
  return found;
}
