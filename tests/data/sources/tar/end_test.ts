/** Where an archive ends: what is whole, what is cut short, and what may follow. */
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { gzipSync } from "node:zlib";
import { openTar } from "../../../../src/data/sources/tar/indexed.ts";
import { openTarStream } from "../../../../src/data/sources/tar/stream.ts";
import type { BadRecordError, PassedOver } from "../../../../src/data/types.ts";
import { fakeJpeg } from "../../helpers.ts";
import { withFolder } from "../../pictures.ts";
import { paxRecord, tarEntry, tarFile } from "../../tar_writer.ts";

interface Read {
  keys: string[];
  bad: { name: string; key: string; reason: string }[];
  passed: PassedOver[];
  doubts: string[];
}

/** What a stream of shards gives. */
async function streamed(files: Uint8Array[]): Promise<Read> {
  const keys: string[] = [], bad: BadRecordError[] = [], doubts: string[] = [];
  const told = {
    onBad: (error: BadRecordError) => bad.push(error),
    onDoubt: ({ kind }: { kind: string }) => doubts.push(kind),
  };
  let passed: PassedOver[] = [];
  await withFolder(async (folder) => {
    const paths = files.map((_, i) => `${folder}/${i}.tar`);
    for (const [i, path] of paths.entries()) await Deno.writeFile(path, files[i]);
    const stream = await openTarStream(paths);
    for (const path of paths) {
      for await (const { key } of stream.open(path, told)) keys.push(key);
    }
    passed = stream.passedOver!();
    await stream.close();
  });
  return { keys, bad: bad.map(({ name, key, reason }) => ({ name, key, reason })), passed, doubts };
}

/** What the index of a shard gives. */
async function indexed(files: Uint8Array[]): Promise<Omit<Read, "bad" | "doubts">> {
  let read: Omit<Read, "bad" | "doubts"> = { keys: [], passed: [] };
  await withFolder(async (folder) => {
    const paths = files.map((_, i) => `${folder}/${i}.tar`);
    for (const [i, path] of paths.entries()) await Deno.writeFile(path, files[i]);
    const source = await openTar(paths);
    const records = await Promise.all(Array.from({ length: source.length }, (_, i) => source.get(i)));
    read = { keys: records.map(({ key }) => key), passed: source.passedOver!() };
    await source.close();
  });
  return read;
}

const picture = (i: number) => ({ name: `${i}.jpg`, content: fakeJpeg(i, 700 + i) });
const joined = (...parts: Uint8Array[]) => new Uint8Array(Buffer.concat(parts));
const zeros = (count: number) => new Uint8Array(count);
const bare = tarFile([0, 1, 2].map(picture), false);
const all = ["0", "1", "2"];

Deno.test("tar: an archive is whole when its last member is, with or without zeros at its end", async () => {
  const padding = 512 - (700 + 2) % 512;
  const cases: Record<string, Uint8Array> = {
    "no zeros": bare,
    "a single block": joined(bare, zeros(512)),
    "half a block": joined(bare, zeros(200)),
    "two blocks": joined(bare, zeros(1024)),
    "ten kilobytes": joined(bare, zeros(10_240)),
    "no padding": bare.subarray(0, bare.length - padding),
    "half the padding": bare.subarray(0, bare.length - (padding >> 1)),
    "a global header last": joined(
      bare,
      tarEntry({ name: "g", type: "g", content: paxRecord("comment", "x") }),
    ),
  };
  for (const [name, bytes] of Object.entries(cases)) {
    assert.deepEqual(await indexed([bytes]), { keys: all, passed: [] }, name);
    const doubts = /block|kilobytes/.test(name) ? [] : ["unmarked"];
    for (const packed of [bytes, gzipSync(bytes)]) {
      assert.deepEqual(await streamed([packed]), { keys: all, bad: [], passed: [], doubts }, name);
    }
  }
});

Deno.test("tar: archives of version 7, which have no magic and tell folders by their names", async () => {
  const entries = [{ name: "old/" }, picture(0), picture(1), picture(2)].map((entry) => {
    const bytes = tarEntry(entry);
    bytes.fill(0, 156, 157).fill(0, 257, 512);
    bytes.set(new TextEncoder().encode("        "), 148);
    const sum = bytes.subarray(0, 512).reduce((a, b) => a + b, 0);
    bytes.set(new TextEncoder().encode(sum.toString(8).padStart(6, "0") + "\0 "), 148);
    return bytes;
  });
  const bytes = joined(...entries, zeros(1024));
  assert.deepEqual(await indexed([bytes]), { keys: all, passed: [] });
  assert.deepEqual((await streamed([bytes])).keys, all);
});

Deno.test("tar: a member cut short is damage, wherever it is cut", async () => {
  const long = tarEntry({ name: "././@LongLink", type: "L", content: "long.jpg\0" });
  const cases: [string, Uint8Array, RegExp][] = [
    [
      "in its content",
      bare.subarray(0, bare.length - 900),
      /ends after \d+ bytes, in the middle of 2\.jpg: cut short/,
    ],
    ["at its content", bare.subarray(0, bare.length - 1024), /in the middle of 2\.jpg: cut short/],
    ["in its header", bare.subarray(0, bare.length - 1224), /in the middle of a member's header: cut short/],
    ["behind its long name", joined(bare, long), /in the middle of a member's header: cut short/],
    ["behind its long name, by zeros", joined(bare, long, zeros(1024)), /in the middle of a member's header/],
  ];
  for (const [name, bytes, reason] of cases) {
    await assert.rejects(indexed([bytes]), { name: "DamagedError", message: reason }, name);
    const { keys, bad } = await streamed([bytes]);
    assert.deepEqual(keys, all.slice(0, keys.length), name);
    assert.deepEqual(bad.map(({ name, key }) => [name, key]), [[
      "LostRecordsError",
      "(the rest of the shard)",
    ]]);
    assert.match(bad[0].reason, reason, name);
  }
});

Deno.test("tar: archives one behind the other are read as one", async () => {
  const next = tarFile([3, 4].map(picture));
  for (
    const bytes of [joined(bare, zeros(10_240), next), joined(bare, zeros(512), next), joined(bare, next)]
  ) {
    assert.deepEqual(await indexed([bytes]), { keys: ["0", "1", "2", "3", "4"], passed: [] });
    const { keys, bad } = await streamed([gzipSync(bytes)]);
    assert.deepEqual([keys, bad], [["0", "1", "2", "3", "4"], []]);
  }
});

Deno.test("tar: what follows the end and is no tar is told, and so is a sea of zeros", async () => {
  const page = new TextEncoder().encode("<!DOCTYPE html><html>".repeat(40));
  const cases: [Uint8Array, RegExp][] = [
    [joined(bare, zeros(1024), page), /^is an HTML page, as servers send with an error from byte \d+ on$/],
    [joined(bare, zeros(512), fakeJpeg(5, 100)), /^is a JPEG picture from byte \d+ on$/],
    [joined(bare, zeros(1024), page.subarray(1, 600)), /^is bytes that are no tar from byte \d+ on$/],
    [joined(bare, zeros(9 * 2 ** 20)), /^is over 8388608 zeros from byte \d+ on$/],
  ];
  for (const [bytes, why] of cases) {
    const index = await indexed([bytes]), stream = await streamed([bytes]);
    assert.deepEqual([index.keys, stream.keys], [all, all]);
    assert.match(index.passed[0].why, why);
    assert.deepEqual([stream.passed[0].what, stream.passed[0].why], ["rest of a shard", index.passed[0].why]);
    // Whether records are missing, the other shards tell.
    assert.deepEqual([stream.bad, stream.doubts], [[], ["odd"]]);
  }
});

Deno.test("tar: a shard without an end mark is told of where the others have one", async () => {
  const [one, two] = [tarFile([5, 6].map(picture)), tarFile([7, 8].map(picture))];
  const cut = tarFile([9, 10].map(picture), false);
  for (const read of [indexed, streamed]) {
    const { passed } = await read([one, cut, two]);
    assert.deepEqual(passed.map(({ what, count, example }) => [what, count, example!.split("/").at(-1)]), [
      ["shard", 1, "1.tar"],
    ]);
    assert.match(passed[0].why, /ends without the zeros that the others end with; it may be cut/);
    assert.deepEqual((await read([cut, bare])).passed, []);
  }
});

Deno.test("tar: by index, a shard that ends oddly and gave fewer pictures than every other is refused", async () => {
  const many = tarFile(Array.from({ length: 40 }, (_, i) => picture(i)));
  const few = bare.slice(), page = new TextEncoder().encode("<html>".repeat(200));
  for (const bytes of [few, joined(few, zeros(1024), page)]) {
    await assert.rejects(
      indexed([many, bytes, many]),
      /^DamagedError: .*: about \d+ of 120 pictures are missing, more than 1 %: .*1\.tar: .* \(3 pictures came/,
    );
    await indexed([tarFile([picture(1)]), bytes]);
  }
});

Deno.test("tar: of a gzip stream around a whole archive, a lost checksum is told and a wrong one is a bad record", async () => {
  const packed = gzipSync(joined(bare, zeros(1024))), wrong = new Uint8Array(packed);
  wrong[packed.length - 5] ^= 1;
  const cut = await streamed([packed.subarray(0, -8)]);
  assert.deepEqual([cut.keys, cut.bad, cut.passed[0].what], [all, [], "end of a gzip stream"]);
  const rest = await streamed([joined(packed, new TextEncoder().encode("rest"))]);
  assert.deepEqual([rest.keys, rest.bad, rest.passed[0].what], [all, [], "rest of a shard"]);
  for (const bytes of [wrong, joined(gzipSync(bare), wrong)]) {
    const { keys, bad } = await streamed([bytes]);
    assert.deepEqual([keys.slice(-3), bad.length], [all, 1]);
    assert.deepEqual([bad[0].name, bad[0].key], ["BadRecordError", "(the whole shard)"]);
    assert.match(bad[0].reason, /gzip's checksum is wrong/);
  }
  // Without the archive's own end a cut gzip stream may lack members.
  const both = await streamed([gzipSync(bare).subarray(0, -8)]);
  assert.deepEqual([both.keys, both.bad.map(({ name }) => name)], [all, ["LostRecordsError"]]);
});

Deno.test("tar: files of other kinds under a tar's name are called by it", async () => {
  const text = (words: string) => new TextEncoder().encode(words.padEnd(600, " "));
  const cases: [Uint8Array, RegExp][] = [
    [text("<!DOCTYPE html><title>404"), /it is an HTML page, as servers send with an error/],
    [text("\n<html>"), /it is an HTML page/],
    [text("<?xml version='1.0'?><Error>"), /it is XML/],
    [text('{"message": "Not Found"}'), /it is JSON/],
    [text("version https://git-lfs.github.com/spec/v1"), /a pointer of Git LFS/],
    [text("BZh91AY"), /compressed by bzip2/],
    [fakeJpeg(3, 600), /it is a JPEG picture/],
    [text("hello").subarray(0, 300), /no tar archive: it is a text file/],
  ];
  for (const [bytes, reason] of cases) {
    await assert.rejects(indexed([bytes]), reason);
    assert.match((await streamed([bytes])).bad[0].reason, reason);
  }
});

Deno.test("tar: all damaged shards are named at once", async () => {
  const cut = bare.subarray(0, 900);
  await assert.rejects(
    indexed([cut, tarFile([picture(1)]), zeros(0), cut]),
    /^DamagedError: 3 of 4 tar shards are damaged: .*0\.tar: ends after.*2\.tar: empty: 0 bytes; .*3\.tar: ends.*leave it out$/,
  );
});

Deno.test("tar: a shard that has gone since it was opened is lost, and no other", async () => {
  await withFolder(async (folder) => {
    for (const i of [0, 1]) await Deno.writeFile(`${folder}/${i}.tar`, tarFile([picture(i)]));
    const stream = await openTarStream(`${folder}/{0..1}.tar`), bad: BadRecordError[] = [];
    await Deno.remove(`${folder}/0.tar`);
    for (const shard of stream.shards) {
      const records = await Array.fromAsync(stream.open(shard, { onBad: (error) => bad.push(error) }));
      assert.equal(records.length, shard.endsWith("1.tar") ? 1 : 0);
    }
    assert.deepEqual(bad.map(({ name, reason }) => [name, reason]), [[
      "LostRecordsError",
      "the file is gone",
    ]]);
  });
});
