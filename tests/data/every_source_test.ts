import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { gzipSync } from "node:zlib";
import { closeData, openData } from "../../src/data/opened.ts";
import { collect } from "../../src/data/collect.ts";
import { take } from "../../src/data/iter.ts";
import { pack } from "../../src/data/pack.ts";
import { openSource } from "../../src/data/open.ts";
import { streamBatches, type StreamOptions } from "../../src/data/stream.ts";
import { BadRecordError, type Batch } from "../../src/data/types.ts";
import { DEFAULT_VIEWS } from "../../src/views/sample.ts";
import { jpeg, png, withFolder, writeFiles } from "./pictures.ts";
import { fixture, fixturePath } from "./helpers.ts";
import { serveBytes, server } from "./http_servers.ts";
import { tarFile } from "./tar_writer.ts";

const SIZE = 16;
const OPTIONS: StreamOptions = {
  imageSize: SIZE,
  batchSize: 4,
  seed: 5,
  views: { ...DEFAULT_VIEWS, imageSize: SIZE },
  shuffleBuffer: 7,
  cacheBytes: 0,
};
const PICTURES = await Promise.all(
  Array.from({ length: 14 }, (_, i) => i % 3 ? jpeg(i, 150 + i, 140) : png(i, 30, 20)),
);

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
function tarOf(from: number, to: number, bad = -1): Uint8Array<ArrayBuffer> {
  const entries = [];
  for (let i = from; i < to; i++) {
    const content = new Uint8Array(PICTURES[i % PICTURES.length]);
    entries.push({ name: `${i}.jpg`, content: i === bad ? content.slice(0, 40) : content });
    entries.push({ name: `${i}.cls`, content: new TextEncoder().encode(`${i % 2}`) });
  }
  return tarFile(entries);
}

/** Every kind of source, with 13 or more pictures in each. */
async function withSources(work: (uris: Record<string, string>) => Promise<void>): Promise<void> {
  await withFolder(async (folder) => {
    const files = PICTURES.map((bytes, i) => [`photos/c${i % 2}/${i}.jpg`, bytes]);
    await writeFiles(folder, Object.fromEntries(files));
    const source = await openSource(`${folder}/photos`);
    await pack(source, `${folder}/shards`, { shardSize: 4000 });
    await source.close();
    await Deno.writeFile(`${folder}/images.mdb`, await fixture("images.mdb.gz"));
    for (const i of [0, 1, 2]) {
      await Deno.writeFile(`${folder}/d-${i}.tar`, tarOf(5 * i, 5 * i + 5));
      await Deno.writeFile(`${folder}/z-${i}.tar.gz`, gzipSync(tarOf(5 * i, 5 * i + 5)));
    }
    await using running = server((request) => {
      const number = Number(/(\d)\.tar$/.exec(request.url)![1]);
      return serveBytes(request, tarOf(6 * number, 6 * number + 6));
    });
    await work({
      folder: `${folder}/photos`,
      shards: `${folder}/shards`,
      lmdb1: `${folder}/images.mdb`,
      tar: `${folder}/d-{0..2}.tar`,
      gzip: `${folder}/z-{0..2}.tar.gz`,
      http: `${running.url}/{0..2}.tar`,
      parquet: fixturePath("zstd-index.parquet"),
      mix: `${folder}/photos*0.3,${folder}/d-{0..2}.tar*0.7`,
      mixed: `${folder}/photos*1,${folder}/z-{0..1}.tar.gz*2`,
    });
  });
}

Deno.test("the batches of every kind of source are the same for 1 and for 8 decode workers", async () => {
  await withSources(async (uris) => {
    for (const [kind, uri] of Object.entries(uris)) {
      const one = await first(uri, 20, { workers: 1, concurrency: 1, prefetch: 1 });
      const eight = await first(uri, 20, { workers: 8, concurrency: 16, prefetch: 3 });
      assert.deepEqual(eight.map(hash), one.map(hash), kind);
      assert.equal(new Set(one.map(hash)).size, 20, kind);
      assert.ok(one.at(-1)!.epoch >= 1, `${kind}: twenty batches reach the second epoch`);
    }
  });
});

Deno.test("every kind of source goes on from any batch's cursor", async () => {
  await withSources(async (uris) => {
    for (const [kind, uri] of Object.entries(uris)) {
      const whole = await first(uri, 6, { workers: 1 });
      for (const at of [0, 2, 3]) {
        const rest = await first(uri, 2, { workers: 1, from: whole[at].next, bad: whole[at].bad });
        assert.deepEqual(rest.map(hash), whole.slice(at + 1, at + 3).map(hash), `${kind} from batch ${at}`);
      }
    }
  });
});

Deno.test("--process i/n: disjoint parts, together the batches that one process would take", async () => {
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
    assert.ok(whole.at(-1)!.bad >= 1);
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
    assert.equal((await collect(data, { count: 2 })).length, 2);
    await assert.rejects(collect(data, { maxBytes: 100 }), /too large to be held in memory; pack it/);
    await source.close();
  });
});

Deno.test("openData reads class names from a file", async () => {
  await withFolder(async (folder) => {
    await Deno.writeFile(`${folder}/a.tar`, tarOf(0, 4));
    await Deno.writeTextFile(`${folder}/names.txt`, "cat\ndog\n");
    const data = await openData(`${folder}/a.tar`, { labels: `${folder}/names.txt` });
    assert.deepEqual((await collect(data)).labels, ["cat", "dog"]);
    await closeData(data);
    await assert.rejects(
      openData(`${folder}/a.tar`, { labels: `${folder}/none` }),
      /--labels .*cannot be read/,
    );
  });
});
