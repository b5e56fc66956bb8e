/** Pictures that a Parquet file names and does not hold. */
import { decodeText } from "../../io/foreign_text.ts";
import type { Column } from "./columns.ts";
import type { RowGroup } from "./metadata.ts";
import { pictureStore, type StoreOptions } from "./store.ts";

/** The paths beside rows' pictures. */
export interface PicturePaths {
  /** Where the file says that a row's picture is; null where it says nothing. */
  of(group: number, row: number): Promise<string | null>;
  clear(): void;
}

/**
 * Reads paths, of rows that have no bytes: with a path there is a picture, though not here; without one there is none.
 *
 * @param groups Row groups of all files.
 * @param options Access and sizes; the column of paths is null where a file has none.
 */
export function picturePaths<G extends RowGroup>(
  groups: readonly G[],
  options: Omit<StoreOptions<G>, "columnOf" | "sequential"> & { columnOf(group: G): Column | null },
): PicturePaths {
  const store = pictureStore(groups.map((group) => ({ ...group, picture: group.path ?? group.picture })), {
    ...options,
    columnOf: (group) => options.columnOf(group)!,
    sequential: () => false,
  });
  return {
    async of(group, row) {
      if (!groups[group].path) return null;
      const value = await store.value(group, row);
      return value instanceof Uint8Array && value.length > 0 ? decodeText(value) : null;
    },
    clear: () => store.clear(),
  };
}
