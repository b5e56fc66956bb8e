import { requireIndex, type TextList } from "../../io/compact_lists.ts";
import { byCodeUnits, join } from "../../io/paths.ts";
import type { ImageRecord, PassedOver, Source } from "../../types.ts";
import { isJpegName, readPicture } from "../picture_file.ts";
import { identityName } from "./names.ts";

/** Pictures whose names are known. */
export interface Listed {
  /** What the user named. */
  uri: string;
  /** The folder that the names are relative to. */
  folder: string;
  names: Pick<TextList, "length" | "get">;
  passedOver: readonly PassedOver[];
}

/** Listed pictures without classes. */
export function listedPictures({ uri, folder, names, passedOver }: Listed): Source {
  const keyOf = (index: number) => {
    requireIndex(uri, index, names.length);
    return names.get(index);
  };
  return {
    uri,
    length: names.length,
    labels: [],
    async get(index): Promise<ImageRecord> {
      const key = keyOf(index);
      return { key, bytes: await readPicture(uri, key, join(folder, key)) };
    },
    key: (index) => Promise.resolve().then(() => keyOf(index)),
    place(index) {
      const key = keyOf(index);
      return isJpegName(key) ? { key, at: { path: join(folder, key) } } : null;
    },
    passedOver: () => [...passedOver],
    close: () => Promise.resolve(),
  };
}

/** Listed pictures of persons. Their classes are the identities in their names; junk and distractors have none. */
export function listedPersons(listed: Listed): Source {
  const { names } = listed, plain = listedPictures(listed), found = new Set<string>();
  for (let i = 0; i < names.length; i++) {
    const name = identityName(names.get(i));
    if (name !== undefined) found.add(name);
  }
  const labels = [...found].sort(byCodeUnits), numbers = new Map(labels.map((name, i) => [name, i]));
  const labelOf = (key: string) => numbers.get(identityName(key) ?? "");
  return {
    ...plain,
    labels,
    async get(index) {
      const record = await plain.get(index), label = labelOf(record.key);
      return label === undefined ? record : { ...record, label };
    },
    place(index) {
      const place = plain.place!(index);
      return place && { ...place, label: labelOf(place.key!) };
    },
  };
}
