import assert from "node:assert/strict";
import fc from "npm:fast-check@4.10.2";
import { gzipSync } from "node:zlib";
import { expandBraces } from "../../../src/data/io/braces.ts";
import { openTar } from "../../../src/data/sources/tar/indexed.ts";
import { openTarStream, type TarOptions } from "../../../src/data/sources/tar/stream.ts";
import type { BadRecordError, ImageRecord, Source } from "../../../src/data/types.ts";
import { damage, fakeJpeg, fixture, survives } from "../helpers.ts";
import { rawServer, serveBytes, server } from "../http_servers.ts";
import { type Entry, paxRecord, tarEntry, tarFile } from "../tar_writer.ts";
import { withFolder } from "../pictures.ts";

/** Records of one archive, read in order and by index: the two must agree. */
async function read(
  bytes: Uint8Array,
  options: TarOptions = {},
): Promise<{ records: ImageRecord[]; bad: BadRecordError[] }> {
  const records: ImageRecord[] = [], bad: BadRecordError[] = [];
  await withFolder(async (folder) => {
    const path = `${folder}/a.tar`;
    await Deno.writeFile(path, bytes);
    const stream = await openTarStream(path, options);
    for await (const record of stream.open(path, { onBad: (error) => bad.push(error) })) records.push(record);
    await stream.close();
    if (bad.length > 0 || records.length === 0 || bytes[0] === 0x1f) return;
    const source = await openTar(path, options);
    assert.equal(source.length, records.length);
    for (let i = source.length - 1; i >= 0; i--) {
      const record = await source.get(i);
      // A stream knows classes by their names alone.
      const { className: _, ...plain } = records[i];
      assert.deepEqual({ ...record, label: 0 }, { ...plain, label: 0 });
      if (options.labels) assert.equal(record.label, records[i].label);
      assert.equal(await source.key(i), records[i].key);
    }
    await source.close();
    await source.close();
  });
  return { records, bad };
}

Deno.test("tar: braces", () => {
  assert.deepEqual(expandBraces("plain.tar"), ["plain.tar"]);
  assert.equal(expandBraces("d-{000000..000146}.tar").length, 147);
  assert.deepEqual(expandBraces("d-{000000..000146}.tar")[9], "d-000009.tar");
  assert.deepEqual(expandBraces("{a,b}-{2..0}"), ["a-2", "a-1", "a-0", "b-2", "b-1", "b-0"]);
  assert.deepEqual(expandBraces("{a,b{1..2}}.tar"), ["a.tar", "b1.tar", "b2.tar"]);
  assert.deepEqual(expandBraces("{x}{}.tar"), ["{x}{}.tar"]);
  assert.throws(() => expandBraces("d-{0..3.tar"), /brace at character 3 is not closed/);
  assert.throws(() => expandBraces("{0..9999999}"), /more than a million/);
  assert.throws(() => expandBraces("{0..9999}{0..9999}"), /more than a million/);
});

Deno.test("tar: what WebDataset wrote, packed and unpacked", async () => {
  const packed = await Deno.readFile(new URL("../../fixtures/sources/wds-001.tar.gz", import.meta.url));
  for (const bytes of [packed, await fixture("wds-001.tar.gz")]) {
    const { records, bad } = await read(bytes);
    assert.deepEqual(bad, []);
    assert.deepEqual(records.map(({ key, label }) => [key, label]), [
      ["00004", 1],
      ["00005", 2],
      ["00006", 0],
      ["00007", 1],
    ]);
    assert.ok(records.every(({ bytes }) => bytes[0] === 0xff && bytes[1] === 0xd8));
  }
});

Deno.test("tar: gzip of several members, as parallel packers write it", async () => {
  const plain = await fixture("wds-001.tar.gz"), half = plain.length >> 1;
  const bytes = new Uint8Array([...gzipSync(plain.subarray(0, half)), ...gzipSync(plain.subarray(half))]);
  const { records, bad } = await read(bytes);
  assert.deepEqual([records.length, bad], [4, []]);
});

Deno.test("tar: samples are consecutive files of one stem", async () => {
  const picture = (i: number) => fakeJpeg(i, 100 + i);
  const { records, bad } = await read(
    tarFile([
      { name: "./a/1.cls", content: "2\n" },
      { name: "./a/1.left.png", content: picture(9) },
      { name: "./a/1.JPG", content: picture(1) },
      { name: "./a/1.mask.npy", content: picture(8) },
      { name: "dir/", type: "5" },
      { name: "a/2.json", content: '{"caption": "x", "label": "dog"}' },
      { name: "a/2.webp", content: picture(2) },
      { name: "a/3.txt", content: "a caption" },
      { name: "a/3.gif", content: picture(3) },
      { name: "only.txt", content: "1" },
      { name: "a/.hidden.jpg", content: picture(5) },
      { name: "__x/noending", content: picture(6) },
      { name: "a/4.json", content: "{broken" },
      { name: "a/4.jpeg", content: picture(4) },
      { name: "link.jpg", type: "2", size: "77777777777\0" },
      { name: "a/5.cls", content: "unicorn" },
      { name: "a/5.png", content: picture(5) },
      { name: "a/6.cls", content: "-1" },
      { name: "a/6.right.png", content: picture(6) },
    ]),
    { labels: ["cat", "dog", "emu"] },
  );
  assert.deepEqual(bad, []);
  assert.deepEqual(records.map(({ key, label }) => [key, label]), [
    ["a/1", 2],
    ["a/2", 1],
    ["a/3", undefined],
    ["a/4", undefined],
    ["a/5", undefined],
    ["a/6", undefined],
  ]);
  records.forEach(({ bytes }, i) => assert.deepEqual(bytes, picture(i + 1)));
});

Deno.test("tar: labels in JSON as Python writes it, and what is no class is counted", async () => {
  const contents: [string, string | Uint8Array][] = [
    ["json", '{"label": 1, "score": NaN, "box": [Infinity, -Infinity]}'],
    ["json", "\ufeff" + '{"class": "cat"}'],
    ["json", "{'label': 3}"],
    ["json", '{"label": [1, 2], "id": 12345678901234567890}'],
    ["json", '{"label": NaN, "class_id": 0}'],
    ["json", '{"label": -1}'],
    ["json", '{"label": true}'],
    ["cls", "\ufeff2\r\n"],
    ["cls", "1.0"],
    ["cls", Uint8Array.of(0x63, 0xe9)],
    ["cls", "Cat"],
    ["json", new Uint8Array(2 ** 20 + 1).fill(32)],
  ];
  const bytes = tarFile(contents.flatMap(([ending, content], i) => [
    { name: `${i}.jpg`, content: fakeJpeg(i) },
    { name: `${i}.${ending}`, content },
  ]));
  const labels = ["dog", "cat", "emu"];
  const { records } = await read(bytes, { labels });
  const none = undefined;
  assert.deepEqual(records.map(({ label }) => label), [1, 1, none, none, 0, none, 1, 2, 1, none, none, none]);
  await withFolder(async (folder) => {
    await Deno.writeFile(`${folder}/a.tar`, bytes);
    const source = await openTar(`${folder}/a.tar`, { labels });
    const told = (source.passedOver?.() ?? []).map(({ what, why, count, example }) =>
      `${count} ${what} ${example}: ${why}`
    );
    assert.equal(told.length, 5);
    assert.match(told[0], /^1 label 2: is no class: its JSON is written as Python shows an object/);
    assert.match(told[1], /^1 label 3: is no class: "label" is a list/);
    assert.match(told[2], /^1 label 9: is no class: a text that is not UTF-8/);
    assert.match(told[3], /^1 label 10 \("Cat"\): is a name that .* lacks, where there is "cat"/);
    assert.match(told[4], /^1 label 11: is no class: a \.json of over 1048576 bytes/);
    await source.close();
    // Who does not ask for classes is not told of them.
    const plain = await openTar(`${folder}/a.tar`, { labels, classes: false });
    assert.deepEqual([plain.labels, plain.passedOver?.(), (await plain.get(0)).label], [[], [], undefined]);
    await plain.close();
  });
});

Deno.test("tar: labels under the endings and the names that other programs give them", async () => {
  const contents: [string, string][] = [
    ["class", "1"],
    ["label", "2\n"],
    ["cls.txt", "cat"],
    ["label.txt", "0"],
    ["jsn", '{"label": 1}'],
    ["json", '{"target": 2}'],
    ["json", '{"class_name": "cat"}'],
    ["json", '{"Label": "emu"}'],
    ["json", '{"category_name": "emu", "category_id": 0}'],
    ["txt", "a cat"],
  ];
  const bytes = tarFile(contents.flatMap(([ending, content], i) => [
    { name: `${i}.jpg`, content: fakeJpeg(i) },
    { name: `${i}.${ending}`, content },
  ]));
  const { records } = await read(bytes, { labels: ["dog", "cat", "emu"] });
  assert.deepEqual(records.map(({ label }) => label), [1, 2, 1, 0, 1, 2, 1, 2, 0, undefined]);
});

Deno.test("tar: a list of classes that does not fit is refused", async () => {
  await withFolder(async (folder) => {
    const path = `${folder}/a.tar`;
    const refused = async (content: string, labels: string[], words: RegExp) => {
      await Deno.writeFile(
        path,
        tarFile([{ name: "7.jpg", content: fakeJpeg(0) }, { name: "7.cls", content }]),
      );
      await assert.rejects(openTar(path, { labels }), words);
      const stream = await openTarStream(path, { labels });
      await assert.rejects(Array.fromAsync(stream.open(path)), words);
    };
    await refused("2", ["cat", "dog"], /7 is of class 2, but the list of classes has 2 names, 0 … 1/);
    await refused(
      "crane",
      ["crane", "finch", "crane"],
      /class "crane", a name .* more than once \(numbers 0, 2\)/,
    );
  });
});

Deno.test("tar: classes are collected by the index", async () => {
  await withFolder(async (folder) => {
    const labels = async (contents: string[]): Promise<[readonly string[], (number | undefined)[]]> => {
      const entries = contents.flatMap((content, i): Entry[] => [
        { name: `${i}.jpg`, content: fakeJpeg(i) },
        ...(content ? [{ name: `${i}.cls`, content }] : []),
      ]);
      await Deno.writeFile(`${folder}/a.tar`, tarFile(entries));
      const source = await openTar(`${folder}/a.tar`);
      const records = await Promise.all(contents.map((_, i) => source.get(i)));
      await source.close();
      return [source.labels, records.map((record) => record.label)];
    };
    assert.deepEqual(await labels(["emu", "cat", "", "emu"]), [["cat", "emu"], [1, 0, undefined, 1]]);
    assert.deepEqual(await labels(["3", "0", "", "1"]), [["0", "1", "2", "3"], [3, 0, undefined, 1]]);
    assert.deepEqual(await labels(["", ""]), [[], [undefined, undefined]]);
    assert.deepEqual(await labels(["-1", "1"]), [["0", "1"], [undefined, 1]]);
    // Composed and decomposed letters are one name.
    assert.deepEqual(await labels(["caf\u00e9", "cafe\u0301"]), [["caf\u00e9"], [0, 0]]);
  });
});

Deno.test("tar: long names by ustar prefix, GNU and pax; large numbers in base 256", async () => {
  const long = `${"folder/".repeat(30)}é`, content = fakeJpeg(1);
  const binary = tarEntry({ name: "e.jpg", content });
  binary.fill(0, 124, 136);
  binary[124] = 0x80;
  binary[135] = content.length;
  binary.set(new TextEncoder().encode("        "), 148);
  const sum = binary.subarray(0, 512).reduce((a, b) => a + b, 0);
  binary.set(new TextEncoder().encode(sum.toString(8).padStart(6, "0") + "\0 "), 148);
  const archive = tarFile([
    { name: "b.jpg", prefix: "p/q", content },
    { name: "././@LongLink", type: "L", content: `${long}c.jpg\0` },
    { name: "././@LongLink", type: "K", content: `${long}target\0` },
    { name: "pax_global_header", type: "g", content: paxRecord("comment", "hello") },
    { name: "cut.jpg", content },
    {
      name: "PaxHeaders/x",
      type: "x",
      content: paxRecord("path", `${long}d.jpg`) + paxRecord("mtime", "1.5"),
    },
    { name: "cut.jpg", content },
    { name: "pax_global_header", type: "g", content: paxRecord("comment", "hello") },
  ], false);
  const whole = new Uint8Array(archive.length + binary.length + 1024);
  whole.set(archive);
  whole.set(binary, archive.length);
  const { records, bad } = await read(whole);
  assert.deepEqual(bad, []);
  assert.deepEqual(records.map(({ key }) => key), ["p/q/b", `${long}c`, `${long}d`, "e"]);
  records.forEach((record) => assert.deepEqual(record.bytes, content));
});

Deno.test("tar: names that climb out of folders are only keys", async () => {
  const { records } = await read(tarFile([
    { name: "../../etc/1.jpg", content: fakeJpeg(1) },
    { name: "/root/2.jpg", content: fakeJpeg(2) },
  ]));
  assert.deepEqual(records.map(({ key }) => key), ["../../etc/1", "/root/2"]);
});

Deno.test("tar: hostile and damaged archives are bad records, and what stood before is kept", async () => {
  const good: Entry = { name: "good.jpg", content: fakeJpeg(0) };
  const next: Entry = { name: "next.jpg", content: fakeJpeg(1) };
  const cases: [Uint8Array, RegExp, number][] = [
    [tarFile([good, next, { name: "h.bin", size: "77777777777\0" }]), /cut short/, 2],
    [
      tarFile([good, next, { ...good, name: "x", checksum: "000001\0 " }]),
      /no tar header \(its checksum is 1/,
      2,
    ],
    [tarFile([good, next, { ...good, name: "x", size: "potatoes!!!\0" }]), /size "potatoes!!!"/, 2],
    [tarFile([good, next, { name: "L", type: "L", size: "00077777777\0" }]), /claims 16777215 bytes/, 2],
    [tarFile([good, next, { name: "x", type: "x", content: "99 path=a\n" }]), /damaged pax header/, 2],
    [tarFile([good, next, { name: "x", type: "x", content: paxRecord("size", "-5") }, good]), /size "-5"/, 2],
    [tarFile([good, next]).slice(0, 1100), /cut short/, 1],
    [new Uint8Array(0), /empty: 0 bytes/, 0],
    [new TextEncoder().encode("PK\x03\x04".repeat(300)), /no tar archive: it is a zip archive/, 0],
    [gzipSync(tarFile([good, next])).subarray(0, 60), /the gzip stream is cut short/, 0],
  ];
  for (const [bytes, words, atLeast] of cases) {
    const { records, bad } = await read(bytes);
    assert.equal(bad.length, 1, String(words));
    assert.match(bad[0].message, words);
    assert.ok(
      records.length >= atLeast - 1 && records.length <= atLeast,
      `${records.length} records, ${words}`,
    );
    await withFolder(async (folder) => {
      await Deno.writeFile(`${folder}/b.tar`, bytes);
      await assert.rejects(openTar(`${folder}/b.tar`), Error);
      const stream = await openTarStream(`${folder}/b.tar`);
      await assert.rejects(Array.fromAsync(stream.open(`${folder}/b.tar`)), { name: "LostRecordsError" });
    });
  }
});

Deno.test("tar: a picture over the limit is one bad record, by its header alone", async () => {
  const { records, bad } = await read(
    tarFile([
      { name: "a.jpg", content: fakeJpeg(1, 3000) },
      { name: "a.cls", content: "1" },
      { name: "b.jpg", content: fakeJpeg(2, 900) },
    ]),
    { maxMemberBytes: 1000 },
  );
  assert.deepEqual(records.map(({ key }) => key), ["b"]);
  assert.match(bad[0].message, /a\.tar: a: jpg of 3000 bytes, over the limit of 1000/);
});

Deno.test("tar: of a sample's pictures the better one counts, whichever is over the limit, by index as in a stream", async () => {
  const large = fakeJpeg(1, 3000), small = fakeJpeg(2, 900);
  const bytes = tarFile([
    { name: "a.left.png", content: large },
    { name: "a.jpg", content: small },
    { name: "b.jpg", content: small },
    { name: "b.left.png", content: large },
    { name: "c.left.png", content: small },
    { name: "c.jpg", content: large },
  ]);
  const { records, bad } = await read(bytes, { maxMemberBytes: 1000 });
  assert.deepEqual(records.map(({ key }) => key), ["a", "b"]);
  assert.deepEqual(bad.map(({ key }) => key), ["c"]);
  await withFolder(async (folder) => {
    await Deno.writeFile(`${folder}/t.tar`, bytes);
    const source = await openTar(`${folder}/t.tar`, { maxMemberBytes: 1000 });
    assert.deepEqual([(await source.get(0)).bytes, (await source.get(1)).bytes], [small, small]);
    await assert.rejects(source.get(2), { name: "BadRecordError", key: "c" });
    await source.close();
  });
});

Deno.test("tar: missing and unsuitable shards", async () => {
  await assert.rejects(openTarStream("/nowhere-{0..2}.tar"), /nowhere-0\.tar: no such file/);
  await assert.rejects(openTar("/nowhere.tar"), /nowhere\.tar: no such file/);
  await assert.rejects(openTar("http://127.0.0.1/a.tar"), /open remote ones as a stream/);
  const path = decodeURIComponent(new URL("../../fixtures/sources/wds-000.tar.gz", import.meta.url).pathname);
  await assert.rejects(openTar(path), /compressed \(gzip\)/);
  await withFolder(async (folder) => {
    await Deno.writeFile(`${folder}/t.tar`, tarFile([{ name: "a.txt", content: "a" }]));
    await assert.rejects(openTar(`${folder}/t.tar`), /no pictures/);
  });
});

Deno.test("tar: over http, packed and plain, through a broken connection", async () => {
  const packed = await Deno.readFile(new URL("../../fixtures/sources/wds-002.tar.gz", import.meta.url));
  const plain = await fixture("wds-002.tar.gz");
  for (const bytes of [packed, plain]) {
    await using running = server((request) => serveBytes(request, bytes));
    const stream = await openTarStream(running.url, { http: { retries: 0 } });
    const records = await Array.fromAsync(stream.open(running.url));
    assert.deepEqual(records.map(({ key }) => key), ["00008", "00009", "00010", "00011"]);
    await stream.close();
  }
  await using running = rawServer((request) => {
    const start = Number(/bytes=(\d+)-/.exec(request)?.[1] ?? 0);
    return [
      start === 0
        ? `HTTP/1.1 200 OK\r\nContent-Length: ${plain.length}\r\n\r\n`
        : `HTTP/1.1 206 P\r\nContent-Length: ${plain.length - start}\r\n` +
          `Content-Range: bytes ${start}-${plain.length - 1}/${plain.length}\r\n\r\n`,
      plain.subarray(start, start + 3000),
    ];
  });
  const stream = await openTarStream(running.url, { http: { retries: 9, backoff: 1 } });
  assert.equal((await Array.fromAsync(stream.open(running.url))).length, 4);
});

Deno.test("tar: a server that gives nothing fails the stream, it is no bad record", async () => {
  await using running = server(() => new Response("no", { status: 500 }));
  const stream = await openTarStream(running.url, { http: { retries: 1, backoff: 1 } });
  const bad: unknown[] = [];
  await assert.rejects(
    Array.fromAsync(stream.open(running.url, { onBad: (error) => bad.push(error) })),
    /given up at byte 0 after 2 tries/,
  );
  assert.deepEqual(bad, []);
});

Deno.test("tar: stopping early and closing the source close files and connections", async () => {
  const bytes = tarFile(
    Array.from({ length: 50 }, (_, i) => ({ name: `${i}.jpg`, content: fakeJpeg(i, 9000) })),
  );
  await withFolder(async (folder) => {
    for (const content of [bytes, gzipSync(bytes)]) {
      await Deno.writeFile(`${folder}/a.tar`, content);
      const stream = await openTarStream(`${folder}/a.tar`);
      for await (const record of stream.open(`${folder}/a.tar`)) {
        assert.equal(record.key, "0");
        break;
      }
    }
  });
  await using running = rawServer(() => [
    `HTTP/1.1 200 OK\r\nContent-Length: ${bytes.length}\r\n\r\n`,
    bytes.subarray(0, 20_000),
    "stall",
  ]);
  const stream = await openTarStream(running.url);
  const iterator = stream.open(running.url)[Symbol.asyncIterator]();
  assert.equal((await iterator.next()).value.key, "0");
  const waiting = (async () => {
    while (!(await iterator.next()).done);
  })();
  setTimeout(() => stream.close(), 20);
  await assert.rejects(waiting, /closed/);
});

Deno.test("tar: any damage gives records or errors, never a crash or a hang", async () => {
  const whole = await fixture("wds-000.tar.gz");
  const packed = await Deno.readFile(new URL("../../fixtures/sources/wds-000.tar.gz", import.meta.url));
  await withFolder(async (folder) => {
    const path = `${folder}/a.tar`;
    await fc.assert(
      fc.asyncProperty(
        fc.boolean(),
        fc.array(fc.record({ at: fc.double({ min: 0, max: 1, noNaN: true }), value: fc.nat({ max: 255 }) }), {
          maxLength: 8,
        }),
        fc.oneof({ weight: 3, arbitrary: fc.constant(1) }, fc.double({ min: 0, max: 1, noNaN: true })),
        async (gzip, writes, keep) => {
          await Deno.writeFile(path, damage(gzip ? packed : whole, { writes, keep }));
          const stream = await openTarStream(path);
          let count = 0;
          for await (const record of stream.open(path, { onBad: () => count++ })) {
            assert.ok(record.bytes.length < 20_000);
            assert.ok(++count < 100);
          }
          if (!gzip) await survives(() => openTar(path));
        },
      ),
      { numRuns: 300 },
    );
  });
});

Deno.test("tar: many shards, few open files", async () => {
  await withFolder(async (folder) => {
    for (let i = 0; i < 140; i++) {
      await Deno.writeFile(
        `${folder}/s-${String(i).padStart(3, "0")}.tar`,
        tarFile([{ name: `${i}.jpg`, content: fakeJpeg(i) }]),
      );
    }
    const source: Source = await openTar(`${folder}/s-{000..139}.tar`);
    const records = await Promise.all(Array.from({ length: 140 }, (_, i) => source.get(i)));
    records.forEach((record, i) => assert.deepEqual([record.key, record.bytes], [String(i), fakeJpeg(i)]));
    await source.get(0);
    await source.close();
  });
});
