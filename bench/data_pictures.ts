/** The pictures that bench data reads: made once, kept in the cache. */
import { join } from "node:path";
import sharp from "npm:sharp@0.35.5";
import { cacheFolder } from "../src/files/cache_folder.ts";
import { openFolder } from "../src/data/sources/folder.ts";
import { openSource } from "../src/data/open/open_data.ts";
import { writeShard } from "../src/data/sources/shards/write.ts";
import { pack } from "../src/data/pack.ts";
import { encodePpm } from "../src/data/picture/ppm.ts";
import { SHARD_VERSION } from "../src/data/sources/shards/format.ts";
import { tarMember } from "./memory_sources.ts";
import { fetchPhotos } from "./photos.ts";
import { randomStream } from "../src/random.ts";

/** Bump when the pictures change. */
const VERSION = 3;
const WIDTH = 500, HEIGHT = 375;
/** Columns that are cut out of a photograph at least; fewer would be made larger, and easy to decode. */
const LEAST = 420;

/** Paths of the same pictures in every form. */
export interface BenchData {
  folder: string;
  tar: string;
  shards: string;
  /** Decoded base pictures. */
  raw: string;
  count: number;
  /** Bytes of the JPEGs. */
  bytes: number;
}

/**
 * JPEGs of 500 × 375 pixels and quality 90, cut at random out of photographs; the same ones every time.
 *
 * @param count How many.
 * @param say Takes lines for people.
 */
export async function benchPictures(count: number, say: (line: string) => void): Promise<BenchData> {
  const root = cacheFolder(`bench-data-${VERSION}-${count}`);
  const paths = {
    folder: join(root, "folder"),
    tar: join(root, "pictures.tar"),
    shards: join(root, "shards"),
    raw: join(root, "raw-224"),
  };
  if (!await Deno.stat(root).then(() => true, () => false)) {
    const photos = await fetchPhotos(say);
    say(`making ${count} pictures in ${root}`);
    const work = `${root}.${crypto.randomUUID()}.part`;
    await makeFolder(join(work, "folder"), photos, count);
    await writeTar(join(work, "folder"), join(work, "pictures.tar"));
    const source = await openFolder(join(work, "folder"));
    await pack(source, join(work, "shards"));
    await pack(source, join(work, "raw-224"), { raw: 224 });
    await source.close();
    await Deno.rename(work, root);
  }
  let bytes = 0;
  for await (const { name } of Deno.readDir(paths.folder)) {
    bytes += (await Deno.stat(join(paths.folder, name))).size;
  }
  return { ...paths, count, bytes };
}

async function makeFolder(folder: string, photos: string[], count: number): Promise<void> {
  await Deno.mkdir(folder, { recursive: true });
  const random = randomStream(0, "test", VERSION);
  const sizes = await Promise.all(photos.map((path) => sharp(path).metadata()));
  for (let n = 0; n < count; n++) {
    const photo = random.integer(0, photos.length - 1);
    const { width: columns, height: rows } = sizes[photo];
    const most = Math.min(columns, Math.floor(rows * WIDTH / HEIGHT));
    const width = random.integer(Math.min(LEAST, most), most), height = Math.floor(width * HEIGHT / WIDTH);
    const left = random.integer(0, columns - width), top = random.integer(0, rows - height);
    await sharp(photos[photo]).removeAlpha().extract({ left, top, width, height })
      .resize(WIDTH, HEIGHT, { fit: "fill" }).flop(random.uniform() < 0.5).jpeg({ quality: 90 })
      .toFile(join(folder, `${String(n).padStart(5, "0")}.jpg`));
  }
}

/** Packs a folder's files into a tar file. */
async function writeTar(folder: string, path: string): Promise<void> {
  using file = await Deno.open(path, { write: true, createNew: true });
  const write = async (bytes: Uint8Array) => {
    for (let at = 0; at < bytes.length;) at += await file.write(bytes.subarray(at));
  };
  const names = [...Deno.readDirSync(folder)].map(({ name }) => name).sort();
  for (const name of names) {
    await write(tarMember(name, await Deno.readFile(join(folder, name))));
  }
  await write(new Uint8Array(1024));
}

/** A shard of very many very small records. */
export async function manyRecords(count: number, say: (line: string) => void): Promise<string> {
  const root = cacheFolder(`bench-many-${count}`), path = join(root, "shard-00000.lmdb");
  if (await Deno.stat(path).then(() => true, () => false)) return root;
  say(`making a shard of ${count} records in ${root}`);
  const work = `${root}.${crypto.randomUUID()}.part`;
  await Deno.mkdir(work, { recursive: true });
  const writer = writeShard(join(work, "shard-00000.lmdb"), count * 512);
  for (let n = 0; n < count; n++) {
    const bytes = encodePpm({
      width: 2,
      height: 2,
      data: Uint8Array.from({ length: 12 }, (_, i) => (n >> i) & 255),
    });
    writer.add({ key: String(n), bytes });
    if (n % 10_000 === 0) await new Promise((resolve) => setTimeout(resolve));
  }
  await writer.finish({
    format: "semantic-ae shard",
    version: SHARD_VERSION,
    source: "bench",
    shard: 0,
    last: true,
    labels: [],
  });
  await Deno.rename(work, root);
  await (await openSource(root)).close();
  return root;
}
