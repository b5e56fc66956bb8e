/** Names and members that are no record: counted by kind, by index as in a stream. */
import assert from "node:assert/strict";
import { openTar } from "../../../../src/data/sources/tar/indexed.ts";
import { openTarStream } from "../../../../src/data/sources/tar/stream.ts";
import type { ImageRecord, PassedOver } from "../../../../src/data/types.ts";
import { fakeJpeg } from "../../helpers.ts";
import { withFolder } from "../../pictures.ts";
import { type Entry, tarFile } from "../../tar_writer.ts";

/** Records and what was passed over, which must be the same by index and in a stream. */
async function read(
  entries: Entry[],
): Promise<{ records: ImageRecord[]; passed: Omit<PassedOver, "where">[] }> {
  let result: { records: ImageRecord[]; passed: Omit<PassedOver, "where">[] } | undefined;
  await withFolder(async (folder) => {
    const path = `${folder}/a.tar`;
    await Deno.writeFile(path, tarFile(entries));
    const stream = await openTarStream(path), records = await Array.fromAsync(stream.open(path));
    // Read again, nothing is counted twice.
    await Array.fromAsync(stream.open(path));
    const source = await openTar(path);
    assert.equal(source.length, records.length);
    for (const [i, { key, bytes }] of records.entries()) {
      const record = await source.get(i);
      assert.deepEqual([record.key, record.bytes], [key, bytes]);
    }
    assert.deepEqual(stream.passedOver!(), source.passedOver!());
    const passed = source.passedOver!();
    assert.ok(passed.every(({ what, where }) => where === path || what === "label"));
    result = { records, passed: passed.map(({ where: _, ...one }) => one) };
    await source.close();
    await stream.close();
  });
  return result!;
}

const kinds = (passed: Omit<PassedOver, "where">[]) =>
  passed.map(({ what, count, example }) => `${count} ${what}: ${example}`);
const file = (name: string, seed = 1): Entry => ({ name, content: fakeJpeg(seed, 300 + seed) });

Deno.test("tar: names with more dots share a sample, which has one picture; the others are counted", async () => {
  for (const [first, second] of [["v1.frame0.jpg", "v1.frame1.jpg"], ["12.30.00.jpg", "12.30.01.jpg"]]) {
    const { records, passed } = await read([
      file(first),
      file(second),
      file(second.replace("1.jpg", "2.jpg")),
    ]);
    assert.equal(records.length, 1);
    assert.deepEqual(kinds(passed), [`2 picture: ${second}`]);
    assert.match(passed[0].why, /ends at the first dot of a file's name, so rename/);
  }
  const several = await read(
    [1, 2].flatMap((i) => ["jpg", "left.png", "right.png"].map((e) => file(`${i}.${e}`))),
  );
  assert.deepEqual([several.records.length, kinds(several.passed)], [2, [
    "4 picture: 1.left.png",
  ]]);
});

Deno.test("tar: of several pictures in a sample the mask is none, whichever stands first", async () => {
  const { records } = await read([
    file("1.mask.png", 1),
    file("1.rgb.png", 2),
    file("2.depth.png", 1),
    file("2.image.png", 2),
    file("2.other.png", 3),
    file("3.seg.png", 1),
  ]);
  assert.deepEqual(records.map(({ bytes }) => bytes.length), [302, 302, 301]);
});

Deno.test("tar: labels that stand apart from their pictures are counted, and so are captions alone", async () => {
  const labels = [1, 2].map((i): Entry => ({ name: `${i}.cls`, content: `${i}` }));
  const { records, passed } = await read([file("1.jpg"), file("2.jpg"), ...labels, {
    name: "3.txt",
    content: "a",
  }]);
  assert.deepEqual(records.map(({ label }) => label), [undefined, undefined]);
  assert.deepEqual(kinds(passed), ["2 sample: 1.cls", "1 sample: 3.txt"]);
  assert.match(passed[0].why, /has no picture, only \.cls; .* stand side by side/);
});

Deno.test("tar: of a name that comes twice the last file counts, as when tar unpacks it", async () => {
  const { records, passed } = await read([
    file("a.jpg", 1),
    { name: "a.cls", content: "1" },
    file("a.jpg", 2),
    { name: "a.cls", content: "2" },
    file("b.jpg", 3),
    file("a.jpg", 4),
  ]);
  assert.deepEqual(records.map(({ key, label }) => [key, label]), [["a", 2], ["b", undefined], [
    "a",
    undefined,
  ]]);
  assert.deepEqual(records.map(({ bytes }) => bytes), [2, 3, 4].map((seed) => fakeJpeg(seed, 300 + seed)));
  assert.deepEqual(kinds(passed), ["1 picture: a.jpg"]);
  assert.match(passed[0].why, /has the name of one before it; the last one counts/);
});

Deno.test("tar: links, hidden files, names without an ending: passed over and counted; folders are not", async () => {
  const { records, passed } = await read([
    { name: "d/", type: "5" },
    { name: "d/old/" },
    file("./d/1.jpg"),
    file("d/._1.jpg"),
    { name: "d/.DS_Store", content: "x" },
    { name: "d/2.jpg", type: "1" },
    { name: "d/3.jpg", type: "2" },
    { name: "d/3.txt", type: "2" },
    { name: "d/4.png", type: "3" },
    { name: "d/5.png", type: "M" },
    file("d/README"),
    { name: "d/6.cls", content: "1".repeat(2 ** 20 + 1) },
    file("d/6.jpg"),
    file("/root/7.jpg"),
  ]);
  assert.deepEqual(records.map(({ key }) => key), ["d/1", "d/6", "/root/7"]);
  assert.deepEqual(kinds(passed), [
    "1 hidden file: d/._1.jpg",
    "2 link: d/2.jpg",
    "1 device: d/4.png",
    '1 member of type "M": d/5.png',
    "1 file without an ending: d/README",
    "1 label: d/6",
  ]);
});

Deno.test("tar: names that are no UTF-8 stay apart, and are shown with their bytes", async () => {
  const bytes = tarFile([file("caf?1.jpg", 1), file("caf?1.jpg", 2)]);
  await withFolder(async (folder) => {
    // Two names that differ in a byte which no UTF-8 has; their headers' checksums follow.
    for (const [at, byte] of [[0, 0xe9], [1024, 0xe8]]) {
      bytes[at + 3] = byte;
      bytes.set(new TextEncoder().encode("        "), at + 148);
      const sum = bytes.subarray(at, at + 512).reduce((a, b) => a + b, 0);
      bytes.set(new TextEncoder().encode(sum.toString(8).padStart(6, "0") + "\0 "), at + 148);
    }
    await Deno.writeFile(`${folder}/a.tar`, bytes);
    const source = await openTar(`${folder}/a.tar`);
    assert.deepEqual([await source.key(0), await source.key(1)], ["caf\\xE91", "caf\\xE81"]);
    assert.deepEqual((await source.get(1)).bytes, fakeJpeg(2, 302));
    await source.close();
  });
});

Deno.test("tar: an archive in an archive is told, with what to do", async () => {
  await withFolder(async (folder) => {
    await Deno.writeFile(
      `${folder}/a.tar`,
      tarFile([{ name: "n01440764.tar", content: tarFile([file("1.jpg")]) }]),
    );
    await assert.rejects(
      openTar(`${folder}/a.tar`),
      /no pictures .*: n01440764\.tar: sample is an archive in the archive: unpack the outer one, and name the folder/,
    );
  });
});
