/** Sources of very many small records, of every kind, for bench memory. All hold the same few hundred different JPEGs again and again. */
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import sharp from "npm:sharp@0.35.5";
import { writeShard } from "../src/data/sources/shards/write.ts";
import { SHARD_VERSION } from "../src/data/sources/shards/format.ts";
import { randomStream } from "../src/random.ts";
import { runPython } from "./peer.ts";

/** Records in a file that holds many. */
const IN_FILE = 30_000;

/** What is made, and where. */
interface Order {
  /** The folder. */
  root: string;
  /** Records. */
  count: number;
  /** Breaks off. */
  signal: AbortSignal;
}

/** How a source is made. */
type Make = (order: Order) => Promise<void>;

/** Lets others run, signals' listeners among them. */
async function pause(signal: AbortSignal): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve));
  signal.throwIfAborted();
}

/** Kinds of sources: where they stand below a root, what the user would write, and how they are made. HOST serves the root. */
export const SOURCES: Record<
  string,
  { path: string; uri: (root: string, files: number) => string; make?: Make; needs?: string[] }
> = {
  folder: { path: "folder", uri: (root) => join(root, "folder"), make: makeFolder },
  coco: {
    path: "coco.json",
    uri: (root) => `coco:${join(root, "folder")}#${join(root, "coco.json")}`,
    make: makeCoco,
    needs: ["folder"],
  },
  imagenet: {
    path: "val.txt",
    uri: (root) => `imagenet:${join(root, "folder")}#${join(root, "val.txt")}`,
    make: makeList,
    needs: ["folder"],
  },
  lmdb: { path: "shards", uri: (root) => join(root, "shards"), make: makeShards },
  lmdb1: { path: "lmdb1", uri: (root) => `lmdb:${join(root, "lmdb1")}`, make: makeLmdb1 },
  tar: { path: "tar", uri: (root, files) => join(root, `tar/data-{0..${files - 1}}.tar`), make: makeTar },
  "tar-http": { path: "tar", uri: (_, files) => `http://HOST/tar/data-{0..${files - 1}}.tar` },
  "tar-gz": {
    path: "tar-gz",
    uri: (root, files) => join(root, `tar-gz/data-{0..${files - 1}}.tar.gz`),
    make: makeTarGz,
  },
  parquet: { path: "parquet", uri: (root) => `parquet:${join(root, "parquet")}`, make: makeParquet },
  "parquet-http": {
    path: "parquet",
    uri: (_, files) => `http://HOST/parquet/part-{0..${files - 1}}.parquet`,
  },
  mix: {
    path: "shards",
    uri: (root) => `${join(root, "shards")}*0.5,parquet:${join(root, "parquet")}*0.5`,
    needs: ["parquet"],
  },
  "mix-http": {
    path: "shards",
    uri: (root, files) => `${join(root, "shards")}*0.5,http://HOST/tar/data-{0..${files - 1}}.tar*0.5`,
    needs: ["tar"],
  },
};

/** Files that so many records make. */
export const filesOf = (count: number): number => Math.ceil(count / IN_FILE);

/** Makes a source unless it is there, and what it needs of others. */
export async function makeSource(kind: string, order: Order): Promise<void> {
  const { path, needs = [] } = SOURCES[kind];
  const make = SOURCES[kind].make ??
    Object.values(SOURCES).find((other) => other.path === path && other.make)!.make!;
  for (const other of needs) await makeSource(other, order);
  if (await Deno.stat(join(order.root, path)).then(() => true, () => false)) return;
  await make(order);
}

let pictures: Promise<Uint8Array[]> | undefined;

/** Different small JPEGs. */
function smallPictures(): Promise<Uint8Array[]> {
  return pictures ??= Promise.all(Array.from({ length: 256 }, async (_, n) => {
    const random = randomStream(n, "test"), raw = { width: 24, height: 18, channels: 3 } as const;
    const data = Uint8Array.from({ length: 24 * 18 * 3 }, () => random.integer(0, 255));
    return new Uint8Array(await sharp(data, { raw }).jpeg({ quality: 60 }).toBuffer());
  }));
}

const nameOf = (n: number) => String(n).padStart(6, "0");

async function makeFolder({ root, count, signal }: Order): Promise<void> {
  const files = await smallPictures();
  await Deno.mkdir(join(root, "folder"), { recursive: true });
  for (let n = 0; n < count; n++) {
    Deno.writeFileSync(join(root, "folder", `${nameOf(n)}.jpg`), files[n % 256]);
    if (n % 1000 === 0) await pause(signal);
  }
}

async function makeCoco({ root, count }: Order): Promise<void> {
  const numbers = Array.from({ length: count }, (_, n) => n);
  await Deno.writeTextFile(
    join(root, "coco.json"),
    JSON.stringify({
      images: numbers.map((id) => ({ id, file_name: `${nameOf(id)}.jpg`, width: 24, height: 18 })),
      annotations: numbers.map((id) => ({
        id,
        image_id: id,
        category_id: id % 80,
        area: 9,
        bbox: [0, 0, 3, 3],
      })),
      categories: Array.from({ length: 80 }, (_, id) => ({ id, name: `thing ${id}` })),
    }),
  );
}

async function makeList({ root, count }: Order): Promise<void> {
  const lines = Array.from({ length: count }, (_, n) => `${nameOf(n)}.jpg ${n % 1000}\n`);
  await Deno.writeTextFile(join(root, "val.txt"), lines.join(""));
}

async function makeShards({ root, count, signal }: Order): Promise<void> {
  const files = await smallPictures();
  await Deno.mkdir(join(root, "shards"), { recursive: true });
  for (let shard = 0; shard < filesOf(count); shard++) {
    const writer = writeShard(
      join(root, "shards", `shard-${String(shard).padStart(5, "0")}.lmdb`),
      IN_FILE * 2048,
    );
    for (let n = shard * IN_FILE; n < Math.min(count, (shard + 1) * IN_FILE); n++) {
      writer.add({ key: nameOf(n), bytes: files[n % 256] });
      if (n % 10_000 === 0) await pause(signal);
    }
    await writer.finish({
      format: "semantic-ae shard",
      version: SHARD_VERSION,
      source: "bench",
      shard,
      last: shard === filesOf(count) - 1,
      labels: [],
    });
  }
}

/** By Python's lmdb: nothing else writes data version 1. */
async function makeLmdb1({ root, count, signal }: Order): Promise<void> {
  const files = await smallPictures(), folder = await Deno.makeTempDir({ dir: root });
  for (const [n, bytes] of files.entries()) await Deno.writeFile(join(folder, `${n}.jpg`), bytes);
  const program = `
import lmdb, sys
files = [open(f"{sys.argv[1]}/{n}.jpg", "rb").read() for n in range(256)]
with lmdb.open(sys.argv[2], map_size=1 << 32) as base, base.begin(write=True) as change:
    for n in range(int(sys.argv[3])):
        change.put(b"%06d" % n, files[n % 256])
`;
  await runPython(["-c", program, folder, join(root, "lmdb1"), String(count)], signal);
}

async function makeTar({ root, count, signal }: Order): Promise<void> {
  const files = await smallPictures();
  await Deno.mkdir(join(root, "tar"), { recursive: true });
  for (let shard = 0; shard < filesOf(count); shard++) {
    const parts: Uint8Array<ArrayBuffer>[] = [];
    for (let n = shard * IN_FILE; n < Math.min(count, (shard + 1) * IN_FILE); n++) {
      parts.push(
        tarMember(`${nameOf(n)}.jpg`, files[n % 256]),
        tarMember(`${nameOf(n)}.cls`, encode(`${n % 1000}`)),
      );
    }
    parts.push(new Uint8Array(1024));
    await Deno.writeFile(
      join(root, `tar/data-${shard}.tar`),
      new Uint8Array(await new Blob(parts).arrayBuffer()),
    );
    await pause(signal);
  }
}

async function makeTarGz(order: Order): Promise<void> {
  const { root, count, signal } = order;
  await makeSource("tar", order);
  await Deno.mkdir(join(root, "tar-gz"));
  for (let shard = 0; shard < filesOf(count); shard++) {
    const tar = await Deno.readFile(join(root, `tar/data-${shard}.tar`));
    await Deno.writeFile(join(root, `tar-gz/data-${shard}.tar.gz`), gzipSync(tar, { level: 1 }));
    await pause(signal);
  }
}

const encode = (text: string) => new TextEncoder().encode(text);

/** A file as a member of a tar file: header, content, filled up to whole blocks. */
export function tarMember(name: string, content: Uint8Array): Uint8Array<ArrayBuffer> {
  const member = new Uint8Array(512 + Math.ceil(content.length / 512) * 512);
  const put = (text: string, at: number) => member.set(encode(text), at);
  put(name, 0);
  put("0000644\0", 100);
  put(`${content.length.toString(8).padStart(11, "0")}\0`, 124);
  put("00000000000\0", 136);
  put("        0", 148);
  put("ustar\x0000", 257);
  put(`${member.reduce((sum, byte) => sum + byte, 0).toString(8).padStart(6, "0")}\0 `, 148);
  member.set(content, 512);
  return member;
}

async function makeParquet({ root, count, signal }: Order): Promise<void> {
  const { parquetWriteBuffer } = await import("npm:hyparquet-writer@0.17.0");
  const files = await smallPictures();
  await Deno.mkdir(join(root, "parquet"), { recursive: true });
  for (let file = 0; file < filesOf(count); file++) {
    const data = [];
    for (let n = file * IN_FILE; n < Math.min(count, (file + 1) * IN_FILE); n++) data.push(files[n % 256]);
    const columnData = [{ name: "image", data, type: "BYTE_ARRAY" as const }];
    const bytes = parquetWriteBuffer({ columnData, rowGroupSize: 1000 });
    await Deno.writeFile(join(root, `parquet/part-${file}.parquet`), new Uint8Array(bytes));
    await pause(signal);
  }
}
