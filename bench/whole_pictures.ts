/** The pictures that whole programs are measured with: ours and the peer's read the same ones. */
import { join } from "node:path";
import sharp from "npm:sharp@0.35.5";
import { map, range } from "../src/data/iter.ts";
import { collect } from "../src/data/open/collect.ts";
import { openData } from "../src/data/open/open_data.ts";
import { sniff } from "../src/data/picture/decode.ts";
import type { Source } from "../src/data/types.ts";
import { prepareDemo } from "../src/demo/mod.ts";
import { cacheFolder, makeCacheFolder } from "../src/files/cache_folder.ts";
import { openDraft } from "../src/files/draft.ts";
import { lockPlace } from "../src/files/lock.ts";
import { randomStream } from "../src/random.ts";

/** What both sides read. */
export interface SharedPictures {
  /** What our side is given as `--data`. */
  ours: string;
  /** A folder of pictures, or a Parquet file. */
  peer: string;
  /** What they are, for people. */
  about: string;
}

/** Which pictures. */
export interface PicturesWanted {
  /** What the user named: a source of ours; empty makes some up. */
  data: string;
  /** Whether it is the demo's pictures instead. */
  demo: boolean;
  /** Side of the model's pictures, in pixels. */
  size: number;
  /** A folder for copies. */
  scratch: string;
  /** Whether the peer can read Parquet. */
  parquet: boolean;
}

/** How many are made up. */
const MADE_UP = 1000;
/** Bump when they change. */
const VERSION = 1;

/**
 * Makes pictures up, once, and keeps them in the cache: JPEGs of soft patches of colour, a little larger than the
 * model's pictures.
 *
 * @param size Side of the model's pictures, in pixels.
 * @returns Their folder.
 */
async function madeUp(size: number, say: (line: string) => void): Promise<string> {
  const side = Math.round(1.25 * size), folder = cacheFolder(`bench-made-up-${VERSION}-${side}`);
  await makeCacheFolder(cacheFolder());
  await using _lock = await lockPlace(folder, { what: "the benchmark's pictures", waiting: say });
  if (await Deno.stat(folder).then(() => true, () => false)) return folder;
  say(`making ${MADE_UP} pictures of ${side} × ${side} in ${folder}`);
  const draft = await openDraft(folder);
  try {
    for (let n = 0; n < MADE_UP; n++) {
      const random = randomStream(n, "test", VERSION), cells = random.integer(3, 12);
      const data = Uint8Array.from({ length: cells * cells * 3 }, () => random.integer(0, 255));
      await sharp(data, { raw: { width: cells, height: cells, channels: 3 } })
        .resize(side, side, { fit: "fill", kernel: "cubic" }).jpeg({ quality: 90 })
        .toFile(join(draft.path, `${String(n).padStart(6, "0")}.jpg`));
    }
    await draft.publish();
  } finally {
    await draft.discard();
  }
  return folder;
}

/**
 * Writes a source's pictures as files, just as they are encoded.
 *
 * @param count The first so many.
 * @returns How many there are.
 * @throws {Error} When one is of a kind that has no ending here, or cannot be read.
 */
export async function unpack(source: Source, folder: string, count = Infinity): Promise<number> {
  await Deno.mkdir(folder, { recursive: true });
  const wanted = Math.min(count, source.length);
  const write = async (n: number) => {
    const { bytes, key } = await source.get(n), kind = sniff(bytes);
    if (kind === null) throw new Error(`${source.uri}: ${key} is no picture that both sides can read`);
    const name = `${String(n).padStart(6, "0")}.${kind === "jpeg" ? "jpg" : kind}`;
    await Deno.writeFile(join(folder, name), bytes);
  };
  for await (const _ of map(range(0, wanted), write, 16));
  return wanted;
}

/** Whether there is such a file: a folder of pictures has its records' keys as names. */
const isFile = (path: string) => Deno.stat(path).then((found) => found.isFile, () => false);

/** Opens what the user named, to be read by index. */
async function open(uri: string, say: (line: string) => void): Promise<Source> {
  return await collect(await openData(uri, { classes: false, progress: say }));
}

/**
 * Finds the pictures of a training run. A folder of pictures is read by both sides where it is, and so is a single
 * Parquet file; of everything else the peer gets a folder of files. Our side reads the demo's own shards.
 *
 * @param say Takes lines for people.
 * @throws {Error} When the source cannot be read.
 */
export async function sharedPictures(
  { data, demo, size, scratch, parquet }: PicturesWanted,
  say: (line: string) => void,
): Promise<SharedPictures> {
  if (data === "" && !demo) {
    const folder = await madeUp(size, say);
    return { ours: folder, peer: folder, about: `${MADE_UP} made-up pictures` };
  }
  const uri = demo ? (await prepareDemo(say)).train : data;
  const source = await open(uri, say);
  try {
    const about = `${source.length} pictures of ${demo ? "the demo" : data}`;
    // The programs have a working folder of their own.
    const path = await Deno.realPath(data).catch(() => null);
    if (path && (parquet && /\.parquet$/i.test(path) || await isFile(join(path, await source.key(0))))) {
      return { ours: path, peer: path, about };
    }
    const folder = join(scratch, "pictures");
    say(`writing ${source.length} pictures as files, for the peer`);
    await unpack(source, folder);
    return { ours: demo ? uri : folder, peer: folder, about };
  } finally {
    await source.close();
  }
}

/**
 * A folder with the first pictures of a source, for both sides.
 *
 * @param count How many.
 * @throws {Error} When the source cannot be read or has fewer.
 */
export async function firstPictures(
  wanted: Pick<PicturesWanted, "data" | "size" | "scratch"> & { count: number },
  say: (line: string) => void,
): Promise<SharedPictures> {
  const { data, size, scratch, count } = wanted;
  const source = await open(data === "" ? await madeUp(size, say) : data, say);
  try {
    const folder = join(scratch, `pictures-${size}`);
    const found = await unpack(source, folder, count);
    if (found < count) {
      throw new Error(`${source.uri} has only ${found} pictures; give fewer: --pictures ${found}`);
    }
    return { ours: folder, peer: folder, about: `${count} pictures of ${data || "those made up"}` };
  } finally {
    await source.close();
  }
}
