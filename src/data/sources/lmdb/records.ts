/** The records of an LMDB of pictures that another program has written. */
import type { ByteReader } from "../../io/reader/types.ts";
import type { PassedOver } from "../../types.ts";
import { MOST_CLASSES } from "../class_names.ts";
import type { InnerSplits } from "../inner_splits.ts";
import { passedCounter } from "../passed_over.ts";
import { isSplitFolder } from "../split_names.ts";
import type { LmdbHeader } from "./format.ts";
import { classBelow, classOf, isNote, keyText } from "./keys.ts";
import { indexLeaves, type LeafIndex, type Wanted } from "./leaves.ts";
import { isDatabase, type Node, type SubDatabase } from "./page.ts";

/** A database's records, as they were found. */
export interface Records {
  index: LeafIndex;
  /** Which nodes count. */
  wanted: Wanted;
  /** Their classes. */
  labels: readonly string[];
  /** The class that a key names. */
  classOf(key: string): string | null;
  passed: PassedOver[];
}

/**
 * Looks at all keys of a database: which are pictures', and which classes they name.
 *
 * @param tree The database.
 * @param inner Keeps splits in the keys apart.
 * @param labels Class names, where they are given.
 * @throws {Error} There are no records, none of the split that is meant, or several splits of which one must be named.
 */
export async function indexRecords(
  reader: ByteReader,
  header: LmdbHeader,
  tree: SubDatabase,
  { inner, labels }: { inner?: InnerSplits; labels?: readonly string[] },
): Promise<Records> {
  const passed = passedCounter(), outer = classNames(), below = classNames();
  const whyNot = (node: Node) => {
    if (isDatabase(node)) return "names a database";
    if (isNote(node.key)) return "holds a note";
    return inner?.whyNot(keyText(node.key)) ?? null;
  };
  const counted: Wanted = (node) => {
    const why = whyNot(node);
    if (why !== null) passed.add("key", why, keyText(node.key));
    return why === null;
  };
  const index = await indexLeaves(reader, header, tree, counted, ({ key }) => {
    if (!outer.open()) return;
    const text = keyText(key);
    outer.add(classOf(text));
    if (inner && below.open()) below.add(classBelow(text));
  });
  if (index.length === 0) throw inner?.missing() ?? new Error("the LMDB holds no records");
  const outermost = outer.names();
  const behind = inner !== undefined && outermost.length > 0 && outermost.every(isSplitFolder);
  return {
    ...{ index, labels: labels ?? (behind ? below.names() : outermost), passed: passed.list() },
    wanted: (node) => !isDatabase(node) && !isNote(node.key) && (inner?.isMeant(keyText(node.key)) ?? true),
    classOf: behind ? classBelow : classOf,
  };
}

/** A set of classes, as long as every key has one and they are not too many. */
function classNames() {
  let found: Set<string> | null = new Set();
  return {
    open: () => found !== null,
    add(name: string | null) {
      if (name === null || found!.size > MOST_CLASSES) found = null;
      else found!.add(name);
    },
    names: () => [...found ?? []].sort(),
  };
}
