/** The pictures that bench data reads: made once, kept in the cache. */
import { join } from "node:path";
import sharp from "npm:sharp@0.35.5";
import { cacheFolder } from "../src/cache.ts";
import { openFolder } from "../src/data/folder.ts";
import { openSource } from "../src/data/open.ts";
import { writeShard } from "../src/data/lmdb_write.ts";
import { pack } from "../src/data/pack.ts";
import { encodePpm } from "../src/data/ppm.ts";
import { SHARD_VERSION } from "../src/data/shard.ts";
import { fetchEmoji } from "../src/demo/fetch.ts";
import { randomStream } from "../src/random.ts";

/** Bump when the pictures change. */
const VERSION = 2;
const WIDTH = 500, HEIGHT = 375;
/** Pixels that a drawing is made as large as; it has 64. */
const TILE = 160;

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
 * JPEGs of 500 × 375 pixels, cut at random out of boards of enlarged emoji; the same ones every time.
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
    const emoji = await fetchEmoji({ progress: say });
    say(`making ${count} pictures in ${root}`);
    const work = `${root}.${crypto.randomUUID()}.part`;
    await makeFolder(join(work, "folder"), emoji, count);
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

async function makeFolder(
  folder: string,
  { folder: drawings, meanings }: Awaited<ReturnType<typeof fetchEmoji>>,
  count: number,
): Promise<void> {
  await Deno.mkdir(folder, { recursive: true });
  const random = randomStream(0, "evaluation", VERSION);
  const across = 5, down = 4;
  for (let n = 0; n < count; n++) {
    const tiles = [];
    for (let i = 0; i < across * down; i++) {
      const hand = random.uniform() < 0.5 ? "google" : "twitter";
      const { unified } = meanings[random.integer(0, meanings.length - 1)];
      const input = await sharp(join(drawings, hand, `${unified}.png`)).resize(TILE, TILE, {
        kernel: "cubic",
      }).toBuffer();
      tiles.push({ input, left: (i % across) * TILE, top: Math.floor(i / across) * TILE });
    }
    const level = () => random.integer(40, 220);
    const background = { r: level(), g: level(), b: level() };
    const board = await sharp({
      create: { width: across * TILE, height: down * TILE, channels: 3, background },
    }).composite(tiles).png({ compressionLevel: 0 }).toBuffer();
    const left = random.integer(0, across * TILE - WIDTH), top = random.integer(0, down * TILE - HEIGHT);
    await sharp(board).extract({ left, top, width: WIDTH, height: HEIGHT }).jpeg({ quality: 90 })
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
    const content = await Deno.readFile(join(folder, name)), header = new Uint8Array(512);
    const put = (text: string, at: number) => header.set(new TextEncoder().encode(text), at);
    put(name, 0);
    put("0000644\0", 100);
    put(`${content.length.toString(8).padStart(11, "0")}\0`, 124);
    put("00000000000\0", 136);
    put("        0", 148);
    put("ustar\x0000", 257);
    put(`${header.reduce((sum, byte) => sum + byte, 0).toString(8).padStart(6, "0")}\0 `, 148);
    await write(header);
    await write(content);
    await write(new Uint8Array((512 - content.length % 512) % 512));
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
