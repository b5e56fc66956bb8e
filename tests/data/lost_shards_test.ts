/** Shards that are lost, in whole or in part: promised pictures that do not come count, and are named. */
import assert from "node:assert/strict";
import { gzipSync } from "node:zlib";
import { accountant, type DataAccount } from "../../src/data/epoch/account.ts";
import { BadLimitError } from "../../src/data/epoch/bad_limit.ts";
import { beginAccount } from "../../src/data/epoch/begin_account.ts";
import { collect } from "../../src/data/open/collect.ts";
import { closeData } from "../../src/data/open/data.ts";
import { openData } from "../../src/data/open/open_data.ts";
import { pack } from "../../src/data/pack.ts";
import { reportData } from "../../src/data/report.ts";
import { type BadRecord, streamBatches, type StreamOptions } from "../../src/data/stream.ts";
import type { Cursor } from "../../src/data/types.ts";
import { smallStream } from "./helpers.ts";
import { serveBytes, server } from "./http_servers.ts";
import { png, withFolder } from "./pictures.ts";
import { tarFile } from "./tar_writer.ts";

const PICTURES = await Promise.all(Array.from({ length: 5 }, (_, tone) => png(tone, 9, 9)));
const OPTIONS = smallStream(8, { batchSize: 8, seed: 1, workers: 1, shuffleBuffer: 10, prefetch: 1 });
const MEMBER = 1024;

/** A shard of pictures. */
function shard(name: number, count: number): Uint8Array<ArrayBuffer> {
  return tarFile(
    Array.from({ length: count }, (_, i) => ({
      name: `${name}-${String(i).padStart(3, "0")}.png`,
      content: new Uint8Array(PICTURES[i % PICTURES.length]),
    })),
  );
}

/** Writes shards and gives their words; what is no bytes stands for so many whole pictures. */
async function withShards(
  contents: (Uint8Array | number)[],
  work: (uri: string, folder: string) => Promise<void>,
): Promise<void> {
  await withFolder(async (folder) => {
    for (const [i, content] of contents.entries()) {
      const bytes = typeof content === "number" ? gzipSync(shard(i, content)) : content;
      await Deno.writeFile(`${folder}/s-${i}.tar.gz`, bytes);
    }
    await work(`${folder}/s-{0..${contents.length - 1}}.tar.gz`, folder);
  });
}

interface Ran {
  error: Error | null;
  account: DataAccount;
  named: BadRecord[];
  batches: { bad: number; next: Cursor }[];
}

/** Reads up to `epochs` epochs of batches; `between` is called at each epoch's first batch. */
async function run(
  uri: string,
  options: Partial<StreamOptions> & { epochs?: number; between?: (epoch: number) => Promise<void> } = {},
): Promise<Ran> {
  const { epochs = 1, between, ...more } = options;
  const data = await openData(uri, { http: { retries: 0 } }), named: BadRecord[] = [];
  const keeper = accountant(more.account ?? beginAccount(data));
  const ran = { batches: [] as Ran["batches"], error: null as Error | null };
  let epoch = -1;
  try {
    for await (
      const batch of streamBatches(data, { ...OPTIONS, ...more, onBadRecord: (bad) => named.push(bad) })
    ) {
      keeper.add(batch);
      ran.batches.push({ bad: batch.bad, next: batch.next });
      if (batch.epoch >= epochs) break;
      if (batch.epoch > epoch) await between?.(epoch = batch.epoch);
    }
  } catch (error) {
    ran.error = error as Error;
    if (error instanceof BadLimitError) keeper.add(error.page);
  } finally {
    await closeData(data);
  }
  return { ...ran, account: keeper.account(), named };
}

const cutAt = (bytes: Uint8Array, share: number) => bytes.subarray(0, Math.floor(bytes.length * share));

Deno.test("three of four shards cut at 5 %: the run stops, and the shards are named", async () => {
  const cut = (i: number) => cutAt(gzipSync(shard(i, 40)), .05);
  await withShards([40, cut(1), cut(2), cut(3)], async (uri, folder) => {
    for (const epochPictures of [160, undefined]) {
      const { error, named } = await run(uri, { epochPictures });
      assert.match(
        error!.message,
        /s-\{0\.\.3\}\.tar\.gz: about \d+ of 160 pictures are lost in epoch 0, more than 1 %/,
      );
      assert.match(
        error!.message,
        /s-[123]\.tar\.gz: the gzip stream is cut short \(\d pictures came, about \d+ are lost\)/,
      );
      assert.equal(named[0].key, "(the rest of the shard)");
      assert.match(named[0].source, /s-[123]\.tar\.gz$/);
    }
    const failed = await run(uri, { onBad: "fail" });
    assert.deepEqual([failed.error!.name, failed.batches.length], ["LostRecordsError", 0]);
    // The other commands that read the whole set.
    const open = () => openData(uri);
    let data = await open();
    const report = await reportData(data, { sheet: 1 });
    assert.ok(report.account.lost > 100 && /about \d+ of 160 pictures are lost, more/.test(report.refusal!));
    assert.deepEqual(report.account.sources[0].shards.map(({ lost }) => lost > 30), [
      false,
      true,
      true,
      true,
    ]);
    await closeData(data);
    data = await open();
    await assert.rejects(pack(data, `${folder}/packed`), { name: "BadLimitError" });
    await assert.rejects(Deno.stat(`${folder}/packed`));
    await closeData(data);
    data = await open();
    const told: string[] = [];
    await assert.rejects(collect(data, { onBad: ({ source }) => told.push(source) }), {
      name: "BadLimitError",
    });
    assert.ok(told.length > 0);
    await closeData(data);
  });
});

Deno.test("whatever loses a shard, what it would have held counts", async () => {
  const gone = gzipSync(shard(1, 40)), page = new TextEncoder().encode("<!doctype html>".padEnd(2000));
  const between = shard(1, 40).subarray(0, 3 * MEMBER);
  const zeros = new Uint8Array(9 * 2 ** 20);
  zeros.set(between);
  const cases: [string, Uint8Array, RegExp][] = [
    ["zero bytes", new Uint8Array(0), /empty: 0 bytes/],
    ["a server's page", page, /no tar archive: it is an HTML page/],
    ["cut between two members", gzipSync(between), /ends without the zeros that the others end with/],
    ["cut between two members, unpacked", between, /ends without the zeros/],
    [
      "damaged",
      gone.map((byte, i) => i > 300 ? byte ^ 255 : byte),
      /the gzip stream is damaged|no tar header/,
    ],
    ["zeros from a place on", new Uint8Array(9 * 2 ** 20).fill(1, 0, 0), /zeros|no tar/],
    [
      "an archive and something else",
      tarFile([{ name: "a.png", content: new Uint8Array(PICTURES[0]) }]),
      /./,
    ],
  ];
  cases.pop();
  for (const [name, bytes, reason] of cases) {
    const content = name.startsWith("zeros")
      ? new Uint8Array([...between, ...new Uint8Array(9 * 2 ** 20)])
      : bytes;
    await withShards([40, content, 40], async (uri) => {
      const { error } = await run(uri, { epochs: 2 });
      assert.ok(error, name);
      assert.match(error.message, /about \d+ of 120 pictures are lost/, name);
      assert.match(error.message, reason, name);
    });
  }
});

Deno.test("a shard that has gone since the source was opened, or gives fewer pictures than before", async () => {
  for (const change of ["gone", "fewer"]) {
    await withShards([40, 40, 40], async (uri, folder) => {
      const between = async (epoch: number) => {
        if (epoch !== 1) return;
        if (change === "gone") await Deno.remove(`${folder}/s-2.tar.gz`);
        else await Deno.writeFile(`${folder}/s-2.tar.gz`, gzipSync(shard(2, 30)));
      };
      const { error, account } = await run(uri, { epochs: 6, between });
      const reason = change === "gone"
        ? /s-2\.tar\.gz: the file is gone \(0 pictures came, about 40/
        : /gave 30 pictures, and 40 before/;
      assert.match(error!.message, reason);
      assert.equal(account.epochs[0].lost, 0);
    });
  }
  // The counts of an earlier part of the run are known from its account.
  await withShards([40, 40], async (uri, folder) => {
    const { account, batches } = await run(uri, { epochs: 2 });
    await Deno.writeFile(`${folder}/s-0.tar.gz`, gzipSync(shard(0, 25)));
    const { error } = await run(uri, { epochs: 9, account, from: batches.at(-1)!.next });
    assert.match(error!.message, /s-0\.tar\.gz: gave 25 pictures, and 40 before/);
  });
});

Deno.test("little is lost: the run goes on, counts it each epoch, and so after a resume", async () => {
  // Three of 320 pictures are missing.
  const short = cutAt(shard(3, 40), (37 * MEMBER + 600) / (40 * MEMBER + 1024));
  await withShards([40, 40, 40, short, 40, 40, 40, 40], async (uri) => {
    const whole = await run(uri, { epochs: 3 });
    assert.equal(whole.error, null);
    assert.deepEqual(whole.account.epochs.slice(0, 3).map(({ lost, read, left }) => [lost, read + left]), [
      [3, 317],
      [3, 317],
      [3, 317],
    ]);
    const [source] = whole.account.sources;
    const shards = Object.fromEntries(source.shards.map(({ shard, ...one }) => [shard.slice(-8, -7), one]));
    assert.deepEqual([shards[3].lost, shards[3].epochs, shards[3].pictures], [9, [0, 1, 2], null]);
    assert.deepEqual([shards[0].lost, shards[0].pictures], [0, 40]);
    assert.equal(source.reasons[0].fate, "lost");
    for (const at of [2, 30, 39, 60]) {
      const { bad, next } = whole.batches[at];
      const rest = await run(uri, { epochs: 3, from: next, bad });
      assert.deepEqual(rest.batches, whole.batches.slice(at + 1), `from batch ${at}`);
    }
  });
});

Deno.test("all processes together lose what one does", async () => {
  const short = cutAt(shard(3, 40), (37 * MEMBER + 600) / (40 * MEMBER + 1024));
  await withShards([40, 40, 40, short, 40, 40, 40, 40], async (uri) => {
    const parts = await Promise.all(
      [0, 1].map((index) => run(uri, { batchSize: 4, process: { index, count: 2 } })),
    );
    assert.deepEqual(parts.map(({ error }) => error), [null, null]);
    assert.deepEqual(parts.map(({ account }) => account.epochs[0].lost), [2, 1]);
  });
  await withShards([40, 40, new Uint8Array(0)], async (uri) => {
    for (const index of [0, 1]) {
      const { error } = await run(uri, { batchSize: 4, process: { index, count: 2 }, epochs: 2 });
      assert.match(error!.message, /about 40 of 120 pictures are lost/);
    }
  });
});

Deno.test("where no shard comes whole, nobody can say what is lost, and the run stops", async () => {
  const cut = (i: number) => cutAt(gzipSync(shard(i, 40)), .9);
  await withShards([cut(0), cut(1)], async (uri) => {
    assert.match((await run(uri)).error!.message, /no shard could be read whole, so nobody can say/);
    assert.match((await run(uri, { epochPictures: 80 })).error!.message, /about \d+ of 80 pictures are lost/);
    const data = await openData(uri);
    await assert.rejects(collect(data, { onBad: () => {} }), /no shard could be read whole/);
    await closeData(data);
  });
});

Deno.test("a mixture stops where one of its sources is dead, however small it is", async () => {
  await withShards([40, 40], async (uri, folder) => {
    await Deno.mkdir(`${folder}/photos`);
    for (let i = 0; i < 4; i++) await Deno.writeFile(`${folder}/photos/${i}.png`, PICTURES[i]);
    await Deno.writeFile(`${folder}/dead.tar.gz`, cutAt(gzipSync(shard(9, 40)), .02));
    const dead = await run(`${uri}*20,${folder}/dead.tar.gz*1`, { epochs: 3 });
    assert.match(
      dead.error!.message,
      /dead\.tar\.gz: no (shard could be read whole|records that can be read)/,
    );
    const data = `${folder}/photos*1,${uri}*20`;
    assert.equal((await run(data, { epochs: 1 })).error, null);
    const gone = await run(data, {
      epochs: 9,
      between: async (epoch) => {
        if (epoch === 1) { for (let i = 0; i < 4; i++) await Deno.remove(`${folder}/photos/${i}.png`); }
      },
    });
    assert.match(gone.error!.message, /photos: [23] of|photos: no records that can be read/);
    const [photos, shards] = gone.account.sources;
    assert.ok(photos.read > 0 && photos.bad > 0 && shards.read > 0 && shards.bad === 0);
  });
});

Deno.test("a shard that a server no longer has is lost; a server that answers with errors ends the run", async () => {
  const whole = Array.from({ length: 4 }, (_, i) => shard(i, 20));
  let status = 404;
  await using running = server((request) => {
    const number = Number(/(\d)\.tar/.exec(request.url)![1]);
    return whole[number] ? serveBytes(request, whole[number]) : new Response("no", { status });
  });
  const uri = `${running.url}/{0..4}.tar?sig=secret`;
  const lost = await run(uri, { epochs: 2 });
  assert.match(
    lost.error!.message,
    /4\.tar\S+: the server answers 404: no such file \(0 pictures came, about 20/,
  );
  assert.ok(!lost.error!.message.includes("secret"));
  status = 500;
  const { error, named } = await run(uri, { epochs: 2 });
  assert.deepEqual([error!.name, named], ["Error", []]);
  assert.match(error!.message, /4\.tar.*: given up at byte 0/);
});
