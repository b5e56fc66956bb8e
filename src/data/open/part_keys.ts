/** Names of pictures of several sources, which may have the same names in each. */
import { join } from "../io/paths.ts";
import { type Data, dataSources, openedOf } from "./data.ts";

/**
 * How pictures of a data set are named where each is to be told apart: the source's name stands before the key where it is made of
 * several (`a,b`, `#split=all`), as `predict` names them. Keys of one source stay as they are.
 *
 * @returns `areNamed`: whether the source's name is part of them; `of`: the name of a picture by the number of its source and its
 * key there.
 */
export function partKeys(data: Data): { areNamed: boolean; of(part: number, key: string): string } {
  const opened = openedOf(data);
  const parts = opened.access === "random" ? opened.source.parts ?? [] : dataSources(opened);
  const areNamed = parts.length > 1;
  return { areNamed, of: (part, key) => areNamed ? join(parts[part].uri, key) : key };
}
