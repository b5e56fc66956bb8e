import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { gzipSync } from "node:zlib";
import { closeData, type Data, dataLabels, dataLength } from "../../src/data/open/data.ts";
import { openData, openSource } from "../../src/data/open/open_data.ts";
import { collect } from "../../src/data/open/collect.ts";
import { accountant } from "../../src/data/epoch/account.ts";
import { beginAccount } from "../../src/data/epoch/begin_account.ts";
import { take } from "../../src/data/iter.ts";
import { pack } from "../../src/data/pack.ts";
import { reportData } from "../../src/data/report.ts";
import { streamBatches, type StreamOptions } from "../../src/data/stream.ts";
import { BadRecordError, type Batch, type Source } from "../../src/data/types.ts";
import { jpeg, png, withFolder, writeFiles } from "./pictures.ts";
import { fixture, fixturePath, smallStream } from "./helpers.ts";
import { serveBytes, server } from "./http_servers.ts";
import { tarFile } from "./tar_writer.ts";

const SIZE = 16;
const OPTIONS = smallStream(SIZE, { batchSize: 4, seed: 5, shuffleBuffer: 7 });
const PICTURES = await Promise.all(
  Array.from({ length: 14 }, (_, i) => i % 3 ? jpeg(i, 150 + i, 140) : png(i, 30, 20)),
);

/** Pictures that are decoded without a thread, whose start takes longer than all of the rest, unless it also reads them. */
const LIGHT = await Promise.all(PICTURES.map((_, i) => png(i, 30, 20)));

function hash({ epoch, indices, keys, base, views, next, bad }: Batch): string {
  return createHash("sha256").update(JSON.stringify({ epoch, indices, keys, next, bad })).update(base)
    .update(new Uint8Array(views.buffer)).digest("hex");
}

async function first(uri: string, count: number, options: Partial<StreamOptions> = {}): Promise<Batch[]> {
  const data = await openData(uri, { http: { retries: 0 } });
  try {
    return await Array.fromAsync(take(streamBatches(data, { ...OPTIONS, ...options }), count));
  } finally {
    await closeData(data);
  }
}

/** Pictures `from` … `to` as a tar file; `bad` of them is damaged. */
function tarOf(from: number, to: number, bad = -1, pictures = PICTURES): Uint8Array<ArrayBuffer> {
  const entries = [];
  for (let i = from; i < to; i++) {
    const content = new Uint8Array(pictures[i % pictures.length]);
    entries.push({ name: `${i}.jpg`, content: i === bad ? content.slice(0, 40) : content });
    entries.push({ name: `${i}.cls`, content: new TextEncoder().encode(`${i % 2}`) });
  }
  return tarFile(entries);
}

/** Every kind of source, with 14 or more pictures in most. */
async function withSources(
  work: (uris: Record<string, string>, folder: string) => Promise<void>,
  pictures = LIGHT,
): Promise<void> {
  await withFolder(async (folder) => {
    const files = pictures.map((bytes, i) => [`photos/c${i % 2}/${i}.jpg`, bytes]);
    await writeFiles(folder, Object.fromEntries(files));
    const flat = (at: string) =>
      Object.fromEntries(pictures.map((bytes, i) => [`${at}/${String(i).padStart(2, "0")}.jpg`, bytes]));
    await writeFiles(folder, { ...flat("val"), ...flat("coco/val2017") });
    const synsets = pictures.map((_, i) => `n0${i % 2}`);
    await Deno.writeTextFile(`${folder}/imagenet_2012_validation_synset_labels.txt`, synsets.join("\n"));
    await Deno.mkdir(`${folder}/coco/annotations`);
    const images = pictures.map((_, id) => ({ id, file_name: `${String(id).padStart(2, "0")}.jpg` }));
    const annotations = images.map(({ id }) => ({ image_id: id, category_id: 1 + id % 2, area: 1 }));
    await Deno.writeTextFile(
      `${folder}/coco/annotations/instances_val2017.json`,
      JSON.stringify({ images, annotations, categories: [{ id: 1, name: "cat" }, { id: 2, name: "dog" }] }),
    );
    const source = await openSource(`${folder}/photos`);
    await pack(source, `${folder}/shards`, { shardSize: 4000 });
    await source.close();
    await Deno.writeFile(`${folder}/images.mdb`, await fixture("images.mdb.gz"));
    await Deno.writeFile(`${folder}/named.mdb`, await fixture("named.mdb.gz"));
    const table = await fixture("zstd-index.parquet");
    for (const i of [0, 1, 2]) {
      await Deno.writeFile(`${folder}/d-${i}.tar`, tarOf(5 * i, 5 * i + 5, -1, pictures));
      await Deno.writeFile(`${folder}/z-${i}.tar.gz`, gzipSync(tarOf(5 * i, 5 * i + 5, -1, pictures)));
    }
    await using running = server((request) => {
      if (request.url.endsWith(".parquet")) return serveBytes(request, table);
      const number = Number(/(\d)\.tar$/.exec(request.url)![1]);
      return serveBytes(request, tarOf(6 * number, 6 * number + 6, -1, pictures));
    });
    await work({
      folder: `${folder}/photos`,
      shards: `${folder}/shards`,
      lmdb: `${folder}/images.mdb`,
      "named lmdb": `lmdb:${folder}/named.mdb#train`,
      coco: `coco:${folder}/coco/val2017`,
      imagenet: `imagenet:${folder}/val`,
      tar: `${folder}/d-{0..2}.tar`,
      gzip: `${folder}/z-{0..2}.tar.gz`,
      http: `${running.url}/{0..2}.tar`,
      parquet: fixturePath("zstd-index.parquet"),
      "http parquet": `${running.url}/t.parquet`,
      mix: `${folder}/photos*0.3,${folder}/d-{0..2}.tar*0.7`,
      mixed: `${folder}/photos*1,${folder}/z-{0..1}.tar.gz*2`,
    }, folder);
  });
}

Deno.test("the batches of every kind of source are the same for 1 and 3 decode workers, 1 and 5 batches ahead", async () => {
  await withSources(async (uris) => {
    for (const [kind, uri] of Object.entries(uris)) {
      // More threads cost their start: they are tried where threads read by themselves, on a stream, and on both together.
      const workers = ["folder", "shards", "gzip", "mix"].includes(kind) ? 3 : 1;
      const one = await first(uri, 20, { workers: 1, concurrency: 1, prefetch: 1 });
      const more = await first(uri, 20, { workers, concurrency: 16, prefetch: 5 });
      assert.deepEqual(more.map(hash), one.map(hash), kind);
      assert.equal(new Set(one.map(hash)).size, 20, kind);
      assert.ok(one.at(-1)!.epoch >= 1, `${kind}: twenty batches reach the second epoch`);
    }
  }, PICTURES);
});

Deno.test("every kind of source goes on from any batch's cursor", async () => {
  await withSources(async (uris) => {
    for (const [kind, uri] of Object.entries(uris)) {
      const whole = await first(uri, 6, { workers: 1 });
      // In most kinds the third batch ends an epoch, and the fourth is within one.
      for (const at of [2, 3]) {
        const rest = await first(uri, 2, { workers: 1, from: whole[at].next, bad: whole[at].bad });
        assert.deepEqual(rest.map(hash), whole.slice(at + 1, at + 3).map(hash), `${kind} from batch ${at}`);
      }
    }
  });
});

/** A data set whose reads are counted: by index, or null where it is a stream. */
async function counted(
  uri: string,
): Promise<{ data: Data; reads: () => number | null; close(): Promise<void> }> {
  const data = await openData(uri, { http: { retries: 0 } });
  let reads = 0;
  const close = () => closeData(data);
  if (data.access !== "random") return { data, reads: () => null, close };
  const { uri: name, length, labels, key, get } = data.source;
  const source: Source = { uri: name, length, labels, key, close, get: (index) => (reads++, get(index)) };
  return { data: source, reads: () => reads, close };
}

Deno.test("resuming in the middle of an epoch reads nothing of what was consumed, by index", async () => {
  await withSources(async (uris) => {
    for (const [kind, uri] of Object.entries(uris)) {
      const { data, reads, close } = await counted(uri);
      const options = {
        ...OPTIONS,
        batchSize: 2,
        concurrency: 1,
        prefetch: 1,
        from: { epoch: 0, position: 4 },
      };
      const got = await Array.fromAsync(take(streamBatches(data, options), 1));
      assert.equal(got[0].epoch, 0, kind);
      // The batch, and what was read ahead while it was waited for.
      if (reads() !== null) assert.ok(reads()! <= 2 + 4, `${kind}: ${reads()} reads`);
      await close();
    }
  });
});

Deno.test("resuming a stream passes over what was consumed without decoding it", async () => {
  await withFolder(async (folder) => {
    const files = (junk: ReadonlySet<number>) =>
      gzipSync(tarFile(
        Array.from({ length: 60 }, (_, i) => {
          const bytes = PICTURES[i % PICTURES.length];
          return {
            name: `${i}.jpg`,
            content: junk.has(i) ? new Uint8Array(bytes.length) : new Uint8Array(bytes),
          };
        }),
      ));
    const uri = `${folder}/a.tar.gz`, bad: string[] = [], ahead = { workers: 1, concurrency: 4, prefetch: 1 };
    await Deno.writeFile(uri, files(new Set()));
    const whole = await first(uri, 6, ahead);
    const consumed = new Set(whole.slice(0, 5).flatMap(({ keys }) => keys.map(Number)));
    assert.equal(consumed.size, 20);
    // Decoded, these would be bad.
    await Deno.writeFile(uri, files(consumed));
    const onBadRecord = ({ key }: { key: string }) => bad.push(key);
    const rest = await first(uri, 1, { ...ahead, from: whole[4].next, onBadRecord });
    assert.deepEqual([rest.map(hash), bad], [[hash(whole[5])], []]);
    // The same from the beginning does find them.
    await assert.rejects(first(uri, 1, { onBad: "fail" }), BadRecordError);
  });
});

Deno.test("what a batch says came of the records adds up to each epoch's records, of every kind", async () => {
  await withSources(async (uris) => {
    for (const [kind, uri] of Object.entries(uris)) {
      const data = await openData(uri, { http: { retries: 0 } }), books = accountant(beginAccount(data));
      const whole: number[] = [];
      for await (const batch of streamBatches(data, { ...OPTIONS, workers: 1 })) {
        books.add(batch);
        whole[batch.epoch] = (whole[batch.epoch] ?? 0) + batch.keys.length;
        if (batch.epoch === 2) break;
      }
      const { epochs, sources } = books.account(), length = dataLength(data);
      await closeData(data);
      for (const { epoch, read, bad, withoutPicture, lost, left } of epochs.slice(0, 2)) {
        assert.deepEqual([read, bad, withoutPicture, lost], [whole[epoch], 0, 0, 0], kind);
        if (length !== null) assert.equal(read + left, length, kind);
        else assert.ok(left < OPTIONS.batchSize, kind);
      }
      assert.equal(sources.reduce((sum, { read }) => sum + read, 0), books.account().read, kind);
      assert.equal(sources.length, /^mix/.test(kind) ? 2 : 1, kind);
      for (const { shards, read } of sources) {
        if (shards.length > 0) assert.equal(shards.reduce((sum, shard) => sum + shard.read, 0), read, kind);
      }
    }
  });
});

Deno.test("--process i/n: disjoint, equally long, together the whole but for length mod n, of every kind", async () => {
  await withSources(async (uris) => {
    for (const [kind, uri] of Object.entries(uris)) {
      // Each start of a stream costs a worker's: other numbers of processes are tried on one kind by index and one stream.
      for (const count of kind === "folder" || kind === "gzip" ? [1, 2, 3, 5] : [3]) {
        const parts: number[][] = [];
        for (let index = 0; index < count; index++) {
          const data = await openData(uri, { http: { retries: 0 } });
          const options = { ...OPTIONS, batchSize: 1, prefetch: 1, workers: 1, process: { index, count } };
          const mine: number[] = [];
          for await (const batch of streamBatches(data, options)) {
            if (batch.epoch > 0) break;
            mine.push(batch.indices[0]);
          }
          await closeData(data);
          parts.push(mine);
        }
        const lengths = new Set(parts.map((part) => part.length));
        assert.equal(lengths.size, 1, `${kind}: parts of ${[...lengths]} records`);
        const together = new Set(parts.flat()), sum = parts.flat().length;
        assert.equal(together.size, sum, `${kind}: a record came to two of ${count} processes`);
        const data = await openData(uri, { http: { retries: 0 } }), length = dataLength(data);
        await closeData(data);
        if (length !== null) assert.equal(sum, length - length % count, kind);
        else assert.equal(Math.max(...together), sum - 1, kind);
      }
    }
  });
});

Deno.test("a consumer that stops early leaves no file open, of any kind of source", {
  // Files opened through node:fs are not among those that Deno's sanitizer counts.
  ignore: Deno.build.os !== "linux",
}, async () => {
  const openBelow = async (folder: string) => {
    const { stdout } = await new Deno.Command("ls", { args: ["-l", `/proc/${Deno.pid}/fd`] }).output();
    const lines = new TextDecoder().decode(stdout).split("\n");
    assert.ok(lines.length > 3);
    return lines.filter((line) => line.includes(folder) || line.includes("fixtures"));
  };
  let seen = 0;
  await withSources(async (uris, folder) => {
    for (const [kind, uri] of Object.entries(uris)) {
      const data = await openData(uri, { http: { retries: 0 } });
      for await (const _ of streamBatches(data, { ...OPTIONS, workers: 1, prefetch: 3 })) break;
      seen += (await openBelow(folder)).length;
      await closeData(data);
      assert.deepEqual(await openBelow(folder), [], kind);
    }
    assert.ok(seen > 3, "files that are open are seen");
  }, PICTURES);
});

Deno.test("--process i/n: the batches of all are those that one process would take", async () => {
  await withSources(async ({ folder, gzip, mixed }) => {
    for (const uri of [folder, gzip, mixed]) {
      const whole = await first(uri, 3, { batchSize: 4, workers: 1 });
      const parts = await Promise.all(
        [0, 1].map((index) =>
          first(uri, 3, { batchSize: 2, workers: 1, process: index === 0 ? "0/2" : { index, count: 2 } })
        ),
      );
      whole.forEach((batch, i) => {
        const together = [0, 1].flatMap((j) => [parts[0][i].indices[j], parts[1][i].indices[j]]);
        assert.deepEqual(together, batch.indices, uri);
      });
    }
    await assert.rejects(
      first(folder, 1, { batchSize: 8, process: { index: 0, count: 2 } }),
      /of 14 pictures, of which a process has 7; take .* at most 7/,
    );
  });
});

Deno.test("bad records of a stream are counted at their place, and so again after a resume", async () => {
  await withFolder(async (folder) => {
    // One picture that cannot be decoded among 110.
    for (const i of [0, 1]) {
      await Deno.writeFile(`${folder}/b-${i}.tar.gz`, gzipSync(tarOf(55 * i, 55 * i + 55, 70)));
    }
    const uri = `${folder}/b-{0..1}.tar.gz`, named: string[] = [];
    const options = { batchSize: 10, workers: 2, onBadRecord: (bad: { key: string }) => named.push(bad.key) };
    const whole = await first(uri, 12, { ...options, prefetch: 1 });
    assert.ok(whole.at(-1)!.bad >= 1 && named.length >= whole.at(-1)!.bad);
    assert.ok(named.every((key) => key.endsWith("70.jpg") || key.endsWith("70")), named.join());
    for (const at of [2, 5, 8]) {
      const rest = await first(uri, 3, { ...options, from: whole[at].next, bad: whole[at].bad });
      assert.deepEqual(rest.map(hash), whole.slice(at + 1, at + 4).map(hash), `from batch ${at}`);
    }
    await assert.rejects(first(uri, 12, { ...options, onBad: "fail" }), BadRecordError);
  });
});

Deno.test("collect: a stream's records by index, in order, within a limit", async () => {
  await withFolder(async (folder) => {
    await Deno.writeFile(`${folder}/a.tar.gz`, gzipSync(tarOf(0, 5)));
    const data = await openData(`${folder}/a.tar.gz`);
    const source = await collect(data);
    assert.equal(source.length, 5);
    assert.deepEqual((await source.get(3)).bytes, PICTURES[3]);
    assert.deepEqual([source.labels, (await source.get(3)).label], [["0", "1"], 1]);
    assert.equal((await collect(data, { count: 2 })).length, 2);
    await assert.rejects(collect(data, { maxBytes: 100 }), /too large to be held in memory; pack it/);
    await source.close();
  });
});

Deno.test("one pass over a mixture with a stream: each picture once, its sources one after another", async () => {
  await withFolder(async (folder) => {
    await Deno.writeFile(`${folder}/a.tar.gz`, gzipSync(tarOf(0, 3, -1, LIGHT)));
    const files = Array.from(
      { length: 30 },
      (_, i) => [`${String(i).padStart(2, "0")}.png`, LIGHT[0]] as const,
    );
    // One that is bad, which a set may have.
    await writeFiles(`${folder}/b`, { ...Object.fromEntries(files), "30.png": new Uint8Array(0) });
    const b = files.map(([name]) => name);
    for (const shares of [["", ""], ["*1", "*9"]]) {
      const data = await openData(`${folder}/a.tar.gz${shares[0]},${folder}/b${shares[1]}`);
      assert.equal(data.access, "mixed");
      const report = await reportData(data, { imageSize: SIZE, sheet: 1 });
      assert.deepEqual([report.seen, report.bad, report.refusal], [34, 1, null]);
      assert.deepEqual(report.account.sources.map(({ read, bad }) => [read, bad]), [[3, 0], [30, 1]]);
      const packed = await pack(data, `${folder}/packed${shares[0].length}`);
      assert.deepEqual([packed.records, packed.bad.map(({ key }) => key)], [33, ["30.png"]]);
      const source = await collect(data), keys: string[] = [];
      for (let i = 0; i < source.length; i++) keys.push(await source.key(i));
      assert.deepEqual(keys, ["0", "1", "2", ...b, "30.png"]);
      await source.close();
    }
  });
});

Deno.test("collect: a stream's classes by their names, of one archive and of a mixture", async () => {
  await withFolder(async (folder) => {
    const archive = (names: string[]) =>
      gzipSync(tarFile(names.flatMap((name, i) => [
        { name: `${i}.jpg`, content: PICTURES[i] },
        { name: `${i}.cls`, content: name },
      ])));
    await Deno.writeFile(`${folder}/a.tar.gz`, archive(["emu", "cat"]));
    await Deno.writeFile(`${folder}/b.tar.gz`, archive(["dog", "emu"]));
    for (const uri of [`${folder}/a.tar.gz`, `${folder}/a.tar.gz,${folder}/b.tar.gz`]) {
      const source = await collect(await openData(uri));
      const names = new Map<string, string[]>();
      for (let i = 0; i < source.length; i++) {
        const { source: from = "", label } = await source.get(i), file = from.split("/").at(-1)!;
        names.set(file, [...new Set([...names.get(file) ?? [], source.labels[label!]])].sort());
      }
      assert.deepEqual(
        [...names].sort(),
        [["a.tar.gz", ["cat", "emu"]], ["b.tar.gz", ["dog", "emu"]]]
          .slice(0, uri.includes(",") ? 2 : 1),
      );
      assert.equal(source.labels.length, uri.includes(",") ? 3 : 2);
      await source.close();
    }
  });
});

Deno.test("a mixture whose classes cannot be told apart is refused, unless nobody asks for classes", async () => {
  await withFolder(async (folder) => {
    await Deno.writeFile(`${folder}/a.tar`, tarOf(0, 4));
    await Deno.writeTextFile(`${folder}/names.txt`, "crane\ncrane\n");
    await writeFiles(`${folder}/b`, { "crane/0.jpg": PICTURES[0] });
    const uri = `${folder}/a.tar,${folder}/b`, labels = `${folder}/names.txt`;
    await assert.rejects(openData(uri, { labels }), /"crane" stands more than once/);
    const data = await openData(uri, { labels, classes: false });
    assert.deepEqual(dataLabels(data), []);
    await closeData(data);
  });
});

Deno.test("openData reads class names from a file", async () => {
  await withFolder(async (folder) => {
    await Deno.writeFile(`${folder}/a.tar`, tarOf(0, 4));
    await Deno.writeTextFile(`${folder}/names.txt`, "cat\ndog\n");
    const data = await openData(`${folder}/a.tar`, { labels: `${folder}/names.txt` });
    assert.deepEqual((await collect(data)).labels, ["cat", "dog"]);
    await closeData(data);
    await writeFiles(`${folder}/b`, { "emu/0.jpg": PICTURES[0] });
    const said: string[] = [];
    const named = await openData(`${folder}/b`, { labels: ["cat"], progress: (line) => said.push(line) });
    assert.deepEqual(dataLabels(named), ["emu"]);
    assert.match(said.join("\n"), /b: names its classes itself, so the given names are not used/);
    await closeData(named);
    await assert.rejects(
      openData(`${folder}/a.tar`, { labels: `${folder}/none` }),
      /--labels .*cannot be read/,
    );
  });
});
