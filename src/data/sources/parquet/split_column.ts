/** Which column of a Parquet file says of which split a row is. */
import type { SchemaTree } from "npm:hyparquet@1.31.5";
import { SPLIT_COLUMNS } from "../field_names.ts";

/** The column of texts that is called as one of splits; null where there is none. */
export function findSplit(root: SchemaTree): SchemaTree | null {
  const texts = root.children.filter(({ element, children }) =>
    children.length === 0 && element.type === "BYTE_ARRAY" && element.repetition_type !== "REPEATED"
  );
  const found = SPLIT_COLUMNS.flatMap((name) =>
    texts.filter((one) => one.element.name.toLowerCase() === name)
  );
  return found[0] ?? null;
}
