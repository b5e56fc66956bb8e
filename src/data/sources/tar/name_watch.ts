/** Names of pictures in archives, as long as they are needed to tell masks among them. */
import { textList } from "../../io/compact_lists.ts";
import type { PassedOver } from "../../types.ts";
import { IS_MASK, masksAmong, mayBeMask } from "../masks.ts";
import { fileKind, passedCounter } from "../passed_over.ts";

/** Keeps the names of pictures. */
export interface NameWatch {
  /** One more. */
  add(name: string): void;
  /** The masks among them: their numbers, and how they are counted. Names are forgotten. */
  masks(): { numbers: ReadonlySet<number>; passedOver: PassedOver[] };
}

/** Begins to keep names. */
export function nameWatch(): NameWatch {
  let names = textList(), may = false;
  return {
    add(name) {
      may ||= mayBeMask(name);
      names.push(name);
    },
    masks() {
      const passed = passedCounter(), all: string[] = [];
      for (let at = 0; may && at < names.length; at++) all.push(names.get(at).replace(/^(\.\/)+/, ""));
      names = textList();
      const numbers = masksAmong(all);
      for (const at of numbers) passed.add(fileKind(all[at]), IS_MASK, all[at]);
      return { numbers, passedOver: passed.list() };
    },
  };
}
