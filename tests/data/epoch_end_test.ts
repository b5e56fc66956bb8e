/** What becomes of the records behind an epoch's last batch: each is in the account, whoever resumes, and none keeps memory. */
import assert from "node:assert/strict";
import { accountant, type DataAccount } from "../../src/data/epoch/account.ts";
import { beginAccount } from "../../src/data/epoch/begin_account.ts";
import type { Data } from "../../src/data/open/data.ts";
import { encodePpm } from "../../src/data/picture/ppm.ts";
import { streamBatches, type StreamOptions } from "../../src/data/stream.ts";
import { BadRecordError, type Batch, NoPictureError, type Source } from "../../src/data/types.ts";
import { smallStream } from "./helpers.ts";
import { streamOf } from "./sections.ts";

const PICTURE = encodePpm({ width: 9, height: 9, data: new Uint8Array(3 * 81) });

/** A source in memory, some of whose records are bad or without a picture. */
function memory(length: number, bad: readonly number[], empty: readonly number[] = []): Source {
  return {
    uri: "memory",
    length,
    labels: [],
    async get(index) {
      await Promise.resolve();
      const key = `${index}`;
      if (bad.includes(index)) throw new BadRecordError("memory", key, "damaged");
      if (empty.includes(index)) throw new NoPictureError("memory", key, "no picture (null)");
      return { key, bytes: PICTURE };
    },
    key: (index) => Promise.resolve(`${index}`),
    close: () => Promise.resolve(),
  };
}

/** The batches of the first epochs, and the account after each. */
async function counted(data: Data, epochs: number, options: StreamOptions) {
  const books = accountant(options.account ?? beginAccount(data));
  const batches: Batch[] = [], accounts: DataAccount[] = [];
  for await (const batch of streamBatches(data, options)) {
    books.add(batch);
    batches.push(batch);
    accounts.push(books.account());
    if (batch.epoch >= epochs) break;
  }
  return { batches, accounts };
}

Deno.test("each record of an epoch is in its account, and as often after a resume", async () => {
  const sets: [length: number, batchSize: number, bad: number[], empty: number[]][] = [
    [10, 5, [3], []],
    // In some epochs the bad one stands behind the last batch.
    [10, 5, [3], [5]],
    [11, 4, [0], [5, 6]],
    [12, 5, [], [1, 4, 9]],
    [9, 3, [8], []],
  ];
  for (const [length, batchSize, bad, empty] of sets) {
    for (const concurrency of [1, 7]) {
      for (const streamed of [false, true]) {
        const source = memory(length, bad, empty), data = streamed ? streamOf(source) : source;
        const options = smallStream(8, { batchSize, seed: 4, concurrency, shuffleBuffer: 6 });
        const { batches, accounts } = await counted(data, 8, options), what = `${length} ${streamed}`;
        for (const { epoch, read, bad, withoutPicture, lost, left } of accounts.at(-1)!.epochs.slice(0, 8)) {
          assert.equal(read + bad + withoutPicture + lost + left, length, `${what}: epoch ${epoch}`);
        }
        for (let at = 0; at < batches.length - 1; at++) {
          const { next: from, bad } = batches[at];
          const rest = await counted(data, 8, { ...options, from, bad, account: accounts[at] });
          assert.deepEqual(rest.accounts.at(-1), accounts.at(-1), `${what}: from batch ${at}`);
        }
      }
    }
  }
});

/** How many pieces of shared memory are made meanwhile. */
async function piecesMade(work: () => Promise<void>): Promise<number> {
  const plain = globalThis.SharedArrayBuffer;
  let made = 0;
  globalThis.SharedArrayBuffer = class extends plain {
    constructor(bytes: number) {
      super(bytes);
      made++;
    }
  } as typeof plain;
  try {
    await work();
  } finally {
    globalThis.SharedArrayBuffer = plain;
  }
  return made;
}

Deno.test("epochs that end with pictures in no batch take no more memory, however many there are", async () => {
  const sets: [string, Data, number][] = [
    ["a stream", streamOf(memory(6, [])), 4],
    ["by index, with a bad record", memory(10, [3]), 5],
    ["by index, with records without a picture", memory(12, [], [1, 4, 9]), 5],
  ];
  for (const [what, data, batchSize] of sets) {
    for (const keep of [1, undefined]) {
      const options = smallStream(8, {
        batchSize,
        seed: 4,
        concurrency: 3,
        prefetch: 1,
        keep,
        shuffleBuffer: 1,
      });
      const pieces = await piecesMade(async () => void await counted(data, 100, options));
      assert.ok(pieces > 0 && pieces <= 12, `${what}: ${pieces} pieces of memory in 100 epochs`);
    }
  }
});
