import { decodeText, parseForeignJson } from "../../io/foreign_text.ts";
import { type Reading, readStated } from "../class_names.ts";
import { LABEL_NAMES, pictureRank, SPLIT_COLUMNS, splitAmong } from "../field_names.ts";
import { PICTURE_ENDINGS } from "../picture_file.ts";

/** Endings of labels, the most telling first, and how they are read. */
const LABEL_KINDS = new Map<string, "class" | "json" | "text">([
  ["cls", "class"],
  ["class", "class"],
  ["label", "class"],
  ["cls.txt", "class"],
  ["class.txt", "class"],
  ["label.txt", "class"],
  ["json", "json"],
  ["jsn", "json"],
  ["txt", "text"],
]);

/** A name of a split's field, as it stands in JSON. */
const SPLIT_FIELD = new RegExp(`"(${SPLIT_COLUMNS.join("|")})"`, "i");

/** Endings of labels, the most telling first. */
export const LABELS: readonly string[] = [...LABEL_KINDS.keys()];

/**
 * Splits a member's name as WebDataset does: the ending begins at the first dot of the last part.
 *
 * @param name Such as `train/0001.seg.png`.
 * @returns Stem `train/0001` and ending `seg.png` in small letters; null for hidden files and names without an ending.
 */
export function splitName(name: string): { stem: string; ending: string } | null {
  const base = name.lastIndexOf("/") + 1, dot = name.indexOf(".", base);
  if (dot <= base) return null;
  return { stem: name.slice(0, dot).replace(/^(\.\/)+/, ""), ending: name.slice(dot + 1).toLowerCase() };
}

/** Whether an ending is a picture's; `left.png` counts too. */
export function isPicture(ending: string): boolean {
  return PICTURE_ENDINGS.includes(ending.slice(ending.lastIndexOf(".") + 1));
}

/**
 * Where an ending stands among those of one sample's pictures: plain ones first, in their usual order; then `left.png` and
 * the like, of which `image.png` goes before others, and `mask.png` behind them.
 *
 * @returns Smaller is taken first.
 */
export function endingRank(ending: string): number {
  const plain = PICTURE_ENDINGS.indexOf(ending);
  return plain >= 0 ? plain : PICTURE_ENDINGS.length + pictureRank(ending.slice(0, ending.lastIndexOf(".")));
}

/** Whether a label's file. */
export function isLabel(ending: string): boolean {
  return LABELS.includes(ending);
}

/** A label's file larger than this is not read. */
export const MOST_LABEL: number = 1 << 20;

/** What a sample's label files say of its class, so far. */
export interface SampleLabel {
  rank: number;
  reading: Reading;
}

/**
 * Takes one more label file of a sample into account: `cls` goes before `json` and that before `txt`, and of one name the
 * last file counts; but one that states no class goes behind all that do.
 *
 * @param known What the others say.
 * @param ending One of {@linkcode LABELS}.
 * @param file Its size, and its bytes when they are wanted.
 */
export async function takeLabel(
  known: SampleLabel | undefined,
  ending: string,
  file: { size: number; read(): Promise<Uint8Array> },
): Promise<SampleLabel | undefined> {
  const rank = LABELS.indexOf(ending), clear = known && typeof known.reading !== "object";
  if (clear && known.rank < rank) return known;
  const reading = file.size > MOST_LABEL
    ? { unclear: `a .${ending} of over ${MOST_LABEL} bytes` }
    : readLabel(ending, await file.read());
  if (reading === null) return known;
  return known && typeof reading === "object" && (clear || known.rank < rank) ? known : { rank, reading };
}

/**
 * Reads a label's file: a number or a name in `cls` and the like; `label`, `cls`, `class` … of a JSON object
 * ({@linkcode LABEL_NAMES}), or JSON that is a number or a text itself; a number in `txt`, which holds a caption
 * otherwise. JSON may be as Python writes it ({@linkcode parseForeignJson}).
 *
 * @param ending One of {@linkcode LABELS}.
 * @param bytes The file.
 */
export function readLabel(ending: string, bytes: Uint8Array): Reading {
  const kind = LABEL_KINDS.get(ending);
  if (kind === "json") return readJson(bytes);
  const text = decodeText(bytes).trim();
  if (/^-?\d{1,9}(\.0*)?$/.test(text)) return readStated(Number(text));
  return kind === "class" ? readStated(text) : null;
}

/** Whether an ending is that of JSON beside a picture. */
export function isJson(ending: string): boolean {
  return LABEL_KINDS.get(ending) === "json";
}

/** The split that JSON beside a picture states under the name `split` or the like; null where it states none. */
export function splitInJson(bytes: Uint8Array): string | null {
  // Most has none, and need not be taken apart.
  if (!SPLIT_FIELD.test(decodeText(bytes))) return null;
  let value: unknown;
  try {
    value = parseForeignJson(bytes);
  } catch {
    return null;
  }
  return typeof value === "object" && value !== null ? splitAmong(Object.entries(value)) : null;
}

function readJson(bytes: Uint8Array): Reading {
  let value: unknown;
  try {
    value = parseForeignJson(bytes);
  } catch (error) {
    return { unclear: `its JSON is ${error instanceof Error ? error.message : error}` };
  }
  if (typeof value !== "object" || value === null) return readStated(value);
  const fields = new Map<string, unknown>(
    Object.entries(value).map(([name, field]) => [name.toLowerCase(), field]),
  );
  let unclear: Reading = null;
  for (const key of LABEL_NAMES) {
    const reading = readStated(fields.get(key));
    if (reading === null) continue;
    if (typeof reading !== "object") return reading;
    unclear ??= { unclear: `"${key}" is ${reading.unclear}` };
  }
  return unclear;
}
