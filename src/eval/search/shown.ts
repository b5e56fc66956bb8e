/** What a search has found, for people: as text, and as rows of a contact sheet. */
import { plural } from "../../text/amounts.ts";
import { inLine } from "../../text/layout.ts";
import { alignCells } from "../../text/table.ts";
import type { Duplicates } from "./duplicates.ts";
import type { PictureResult } from "./search.ts";
import type { PictureSet } from "./set.ts";
import type { SheetPicture, SheetRow } from "./sheet.ts";

/** Queries or groups on one contact sheet, and pictures of a group. */
const SHEET_ROWS = 50, GROUP_PICTURES = 33;
/** Groups and pictures of a group in the text. */
const TEXT_GROUPS = 20, TEXT_PICTURES = 4;

/** A cosine on a sheet; and in text, where duplicates are told apart by more digits. */
const three = (cosine: number) => cosine.toFixed(3), four = (cosine: number) => cosine.toFixed(4);

/** Lines of cells; so many first columns are figures, which stand to the right. */
const table = (lines: readonly (readonly string[])[], figures: number) =>
  alignCells(lines, (column) => column >= figures).join("\n");

/** Neighbours as a table for each query. */
export function formatResults(results: readonly PictureResult[]): string {
  return results.map(({ name, label, neighbours }) => {
    const classes = neighbours.some((one) => one.label !== null);
    const cells = (rank: string, cosine: string, one: string, key: string) =>
      classes ? [rank, cosine, one, key] : [rank, cosine, key];
    const lines = neighbours.map(({ rank, cosine, label, key }) =>
      cells(String(rank), four(cosine), label ?? "–", key)
    );
    const head = cells("rank", "cosine", "class", "picture");
    return `${inLine(name)}${label === null ? "" : ` (${inLine(label)})`}\n${table([head, ...lines], 2)}`;
  }).join("\n\n");
}

/** Rows of a contact sheet: each query with its neighbours. Only the first ones where there are many. */
export function resultRows(
  results: readonly PictureResult[],
  bytesOf: { query(query: number): Uint8Array | undefined; picture(row: number): Uint8Array | undefined },
): SheetRow[] {
  return results.slice(0, SHEET_ROWS).map(({ name, label, neighbours }, i): SheetRow => [
    { bytes: bytesOf.query(i), lines: ["query", label ?? baseName(name)], framed: true },
    ...neighbours.map(({ rank, row, label, key, cosine }): SheetPicture => ({
      bytes: bytesOf.picture(row),
      lines: [`${rank}  ${three(cosine)}`, label ?? baseName(key)],
    })),
  ]);
}

/** How many groups of duplicates there are, and the first of them. */
export function formatDuplicates({ keys }: Pick<PictureSet, "keys">, found: Duplicates): string {
  const { groups, pairs, pictures, threshold } = found;
  const members = groups.reduce((sum, group) => sum + group.length, 0);
  if (groups.length === 0) {
    return `no two of ${plural(pictures, "picture")} have a cosine of ${threshold} or more`;
  }
  const lines = groups.slice(0, TEXT_GROUPS).map((group, i) => {
    const [least, most] = [Math.min, Math.max].map((of) =>
      four(group.reduce((found, { cosine }) => of(found, cosine), group[0].cosine))
    );
    const names = group.slice(0, TEXT_PICTURES).map(({ row }) => keys[row]);
    const more = group.length > TEXT_PICTURES ? [`and ${group.length - TEXT_PICTURES} more`] : [];
    const range = least === most ? least : `${least} … ${most}`;
    return [String(i + 1), String(group.length), range, [...names, ...more].join(", ")];
  });
  return [
    `${plural(groups.length, "group")} with ${members} of ${plural(pictures, "picture")}, ${
      members - groups.length
    } besides the first of each; ${plural(pairs, "pair")} with a cosine of ${threshold} or more`,
    table([["group", "pictures", "cosine to the nearest", "names"], ...lines], 2),
    ...groups.length > TEXT_GROUPS
      ? [`and ${plural(groups.length - TEXT_GROUPS, "more group")}; --json lists all`]
      : [],
  ].join("\n");
}

/** Rows of a contact sheet: each group. Only the first ones, and the first pictures, where there are many. */
export function duplicateRows(
  { keys }: Pick<PictureSet, "keys">,
  { groups }: Duplicates,
  picture: (row: number) => Uint8Array | undefined,
): SheetRow[] {
  return shownGroups(groups).map((group, i) =>
    group.map(({ row, cosine }, at): SheetPicture => ({
      bytes: picture(row),
      lines: [at === 0 ? `${i + 1}: ${groups[i].length}` : three(cosine), baseName(keys[row])],
      framed: at === 0,
    }))
  );
}

/** What of the groups a contact sheet shows. */
export function shownGroups(groups: Duplicates["groups"]): Duplicates["groups"] {
  return groups.slice(0, SHEET_ROWS).map((group) => group.slice(0, GROUP_PICTURES));
}

const baseName = (key: string) => key.split("/").at(-1)!;
