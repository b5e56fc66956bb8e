/** Sparse files in GNU's own form and in its three pax forms. */
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { openTar } from "../../../../src/data/sources/tar/indexed.ts";
import { openTarStream } from "../../../../src/data/sources/tar/stream.ts";
import { fakeJpeg } from "../../helpers.ts";
import { withFolder } from "../../pictures.ts";
import { paxRecord, tarEntry, tarFile } from "../../tar_writer.ts";

const HOLES = [[0, 400], [2000, 100], [4096, 30], [6000, 500], [8000, 1], [9000, 77]] as const;
const SIZE = 9100;

/** A picture with holes, and what is stored of it. */
function sparse(): { whole: Uint8Array; stored: Uint8Array } {
  const whole = new Uint8Array(SIZE);
  const parts = HOLES.map(([offset, length], i) => {
    const part = Uint8Array.from({ length }, (_, at) => 1 + (i * 31 + at * 7) % 255);
    whole.set(part, offset);
    return whole.slice(offset, offset + length);
  });
  return { whole, stored: new Uint8Array(Buffer.concat(parts)) };
}

const { whole, stored } = sparse();
const octal = (value: number) => value.toString(8).padStart(11, "0") + "\0";

/** A member of type S: four parts in the header, the others in a block behind it. */
function gnu(parts: readonly (readonly [number, number])[] = HOLES): Uint8Array<ArrayBuffer> {
  const member = tarEntry({ name: "a.jpg", type: "S", content: stored });
  const put = (block: Uint8Array, at: number, text: string) => block.set(new TextEncoder().encode(text), at);
  const extension = new Uint8Array(512);
  parts.forEach(([offset, length], i) => {
    const [block, at] = i < 4 ? [member, 386 + 24 * i] : [extension, 24 * (i - 4)];
    put(block, at, octal(offset) + octal(length));
  });
  put(member, 257, "ustar  \0");
  member[482] = 1;
  put(member, 483, octal(SIZE));
  put(member, 148, "        ");
  const sum = member.subarray(0, 512).reduce((a, b) => a + b, 0);
  put(member, 148, sum.toString(8).padStart(6, "0") + "\0 ");
  return new Uint8Array(Buffer.concat([member.subarray(0, 512), extension, member.subarray(512)]));
}

function pax(records: string, content: Uint8Array): Uint8Array<ArrayBuffer> {
  return tarFile([
    { name: "PaxHeaders/a", type: "x", content: records },
    { name: "GNUSparseFile.0/a.jpg", content },
  ], false);
}

const flat = HOLES.flat();
const list = new TextEncoder().encode([HOLES.length, ...flat].join("\n") + "\n");
const listed = new Uint8Array(512 + stored.length);
listed.set(list);
listed.set(stored, 512);

const record = (key: string, value: unknown) => paxRecord(`GNU.sparse.${key}`, String(value));
const FORMS: Record<string, Uint8Array> = {
  gnu: gnu(),
  "pax 0.0": pax(
    record("size", SIZE) + record("numblocks", HOLES.length) + paxRecord("path", "a.jpg") +
      HOLES.map(([offset, length]) => record("offset", offset) + record("numbytes", length)).join(""),
    stored,
  ),
  "pax 0.1": pax(record("size", SIZE) + record("name", "a.jpg") + record("map", flat.join(",")), stored),
  "pax 1.0": pax(
    record("major", 1) + record("minor", 0) + record("name", "a.jpg") + record("realsize", SIZE),
    listed,
  ),
};

async function write(folder: string, bytes: Uint8Array): Promise<string> {
  const next = tarFile([{ name: "b.jpg", content: fakeJpeg(9) }]), path = `${folder}/a.tar`;
  await Deno.writeFile(path, new Uint8Array(Buffer.concat([bytes, next])));
  return path;
}

Deno.test("tar: sparse files of every form are read whole, by index and in a stream", async () => {
  await withFolder(async (folder) => {
    for (const [form, bytes] of Object.entries(FORMS)) {
      const path = await write(folder, bytes);
      const stream = await openTarStream(path), records = await Array.fromAsync(stream.open(path));
      assert.deepEqual(records.map(({ key }) => key), ["a", "b"], form);
      assert.deepEqual(records[0].bytes, whole, form);
      const source = await openTar(path);
      assert.deepEqual((await source.get(0)).bytes, whole, form);
      assert.equal(await source.key(0), "a");
      assert.deepEqual((await source.get(1)).bytes, fakeJpeg(9), form);
      await source.close();
      // The limit is for the whole file, not for what is stored of it.
      const limited = await openTar(path, { maxMemberBytes: SIZE - 1 });
      await assert.rejects(limited.get(0), /jpg of 9100 bytes, over the limit/, form);
      await limited.close();
    }
  });
});

Deno.test("tar: a damaged map of a sparse file is damage", async () => {
  const wrong: Record<string, Uint8Array> = {
    "parts that overlap": gnu([[0, 400], [100, 708]]),
    "a part beyond the end": pax(record("size", SIZE) + record("map", `0,400,${SIZE},708`), stored),
    "more than is stored": pax(record("size", SIZE) + record("map", "0,4000"), stored),
    "no number": pax(record("size", SIZE) + record("map", "0,many"), stored),
    "half a pair": pax(record("size", SIZE) + record("map", "0,400,500"), stored),
    "no size": pax(record("map", "0,400"), stored),
    "no list": pax(
      record("major", 1) + record("realsize", SIZE) + paxRecord("path", "a.jpg"),
      fakeJpeg(1, 300),
    ),
  };
  await withFolder(async (folder) => {
    for (const [name, bytes] of Object.entries(wrong)) {
      const path = await write(folder, bytes), stream = await openTarStream(path);
      await assert.rejects(Array.fromAsync(stream.open(path)), /damaged map of a sparse file/, name);
    }
  });
});
