import { Buffer } from "node:buffer";
import { join, sep } from "node:path";
import { figureNames, FIGURES_FOLDER, figureSteps, spread } from "../train/run/figure_files.ts";
import type { ReportFigures, ReportGallery } from "./types.ts";

/** Sets that a page shows at most. */
const MOST_SETS = 16;

/** Bytes of pictures in a page that stands alone, of all its runs. */
export const MOST_BYTES = 3 * 2 ** 20;

/** Neighbours and pictures more than which are none of ours. */
const MOST_PICTURES = 1000;

/** What there is to see of a run. */
export interface FiguresRead {
  figures: ReportFigures[];
  gallery: ReportGallery | null;
  picture: string;
}

/** How a picture of the run folder gets into the page: its address, or null where it is not there or too large. */
export type AddressOf = (name: string) => Promise<{ address: string; bytes: number } | null>;

/** Whether a name of a folder is a file in it: links that lead out of it do not count. */
export async function isInside(folder: string, name: string): Promise<boolean> {
  try {
    const [root, file] = [await Deno.realPath(folder), await Deno.realPath(join(folder, name))];
    return file.startsWith(root + sep) && (await Deno.stat(file)).isFile;
  } catch {
    return false;
  }
}

/** Addresses that hold the pictures themselves. */
export function inlined(folder: string): AddressOf {
  return async (name) => {
    if (!await isInside(folder, name)) return null;
    try {
      const bytes = await Deno.readFile(join(folder, name)), type = name.endsWith(".png") ? "png" : "jpeg";
      if (bytes.length > MOST_BYTES) return null;
      return {
        address: `data:image/${type};base64,${Buffer.from(bytes).toString("base64")}`,
        bytes: bytes.length,
      };
    } catch {
      return null;
    }
  };
}

/** Addresses at the server that serves the page, with the time of change, so that no old picture is shown. */
export function served(folder: string, prefix: string): AddressOf {
  return async (name) => {
    if (!await isInside(folder, name)) return null;
    const info = await Deno.stat(join(folder, name)).catch(() => null);
    return info && { address: `${prefix}${name}?${info.mtime?.getTime() ?? 0}`, bytes: 0 };
  };
}

async function readJson(folder: string, name: string): Promise<Record<string, unknown> | null> {
  try {
    const value = JSON.parse(await Deno.readTextFile(join(folder, FIGURES_FOLDER, name)));
    return typeof value === "object" && value !== null ? value : null;
  } catch {
    return null;
  }
}

const isNumber = (value: unknown): value is number => typeof value === "number" && Number.isFinite(value);
const isPair = (value: unknown): value is [number, number] =>
  Array.isArray(value) && value.length === 2 && value.every(isNumber);
const isList = <T>(value: unknown, fits: (item: unknown) => item is T): value is T[] =>
  Array.isArray(value) && value.length <= MOST_PICTURES && value.every(fits);

/** A set as the page needs it, or null where it is none of ours. */
async function readSet(
  folder: string,
  step: number,
  address: AddressOf,
): Promise<[ReportFigures, number] | null> {
  const names = figureNames(step), set = await readJson(folder, names.set);
  if (
    !set || !isList(set.map, isPair) || !isPair(set.explained) || !isNumber(set.mass) || !isNumber(set.heads)
  ) return null;
  type Asked = ReportFigures["neighbours"][number];
  const isAsked = (value: unknown): value is Asked => {
    const asked = value as Asked | null;
    return typeof asked === "object" && asked !== null && isNumber(asked.query) &&
      isList(asked.nearest, isPair);
  };
  if (!isList(set.neighbours, isAsked)) return null;
  const at = (name: string) => address(`${FIGURES_FOLDER}/${name}`);
  const reconstruction = await at(names.reconstruction), attention = await at(names.attention);
  const { map, explained, mass, heads } = set, neighbours = set.neighbours as Asked[];
  return [{
    step,
    reconstruction: reconstruction?.address ?? "",
    attention: attention?.address ?? "",
    map,
    explained,
    neighbours,
    mass,
    heads,
  }, (reconstruction?.bytes ?? 0) + (attention?.bytes ?? 0)];
}

async function readGallery(folder: string, address: AddressOf): Promise<ReportGallery | null> {
  const gallery = await readJson(folder, "gallery.json"),
    sheet = await address(`${FIGURES_FOLDER}/gallery.jpg`);
  const isPicture = (value: unknown): value is { key: unknown; label: unknown } =>
    typeof value === "object" && value !== null;
  if (!gallery || !sheet || !isNumber(gallery.side) || !isNumber(gallery.columns)) return null;
  const { pictures, labels, side, columns } = gallery;
  if (!isList(pictures, isPicture) || !(side > 0 && columns > 0)) return null;
  return {
    address: sheet.address,
    side,
    columns,
    keys: pictures.map(({ key }) => String(key).slice(0, 200)),
    classes: pictures.map(({ label }) => isNumber(label) ? label : -1),
    labels: Array.isArray(labels)
      ? labels.slice(0, MOST_PICTURES).map((label) => String(label).slice(0, 200))
      : [],
  };
}

/**
 * The figures of a run folder. Sets that cannot be read are left out; of more than fit into a page, some are shown, the
 * first and the last among them.
 *
 * @param folder The run folder.
 * @param address How pictures get into the page.
 * @param bytes How many bytes of them may.
 */
export async function readFigures(
  folder: string,
  address: AddressOf,
  bytes = MOST_BYTES,
): Promise<FiguresRead> {
  const { whole } = await figureSteps(folder), gallery = await readGallery(folder, address);
  for (let most = MOST_SETS;; most = Math.floor(most / 2)) {
    const sets = await Promise.all(spread(whole, most).map((step) => readSet(folder, step, address)));
    const good = sets.filter((set) => set !== null);
    if (good.reduce((sum, [, own]) => sum + own, 0) > bytes && most > 1) continue;
    const figures = good.map(([set]) => set);
    const picture = figures.length === 0 ? (await address("reconstruction.png"))?.address ?? "" : "";
    return { figures, gallery, picture };
  }
}
