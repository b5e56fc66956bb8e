import assert from "node:assert/strict";
import { type LedgerEntry, type Loss, shardLedger } from "../../../src/data/epoch/shard_ledger.ts";
import { LostRecordsError } from "../../../src/data/types.ts";

const whole = (shard: string, records: number): LedgerEntry => ({ shard, records });
const cut = (shard: string, records: number): LedgerEntry => ({
  shard,
  records,
  lost: new LostRecordsError(shard, "cut short"),
});
const doubtful = (shard: string, records: number, kind: "odd" | "unmarked"): LedgerEntry => ({
  shard,
  records,
  doubt: { kind, reason: kind },
});
const short = ({ shard, lost }: Loss) => `${shard} ${lost}`;

Deno.test("shard ledger: a lost shard is measured by the mean of those that came whole", () => {
  const ledger = shardLedger({ shards: 4 });
  assert.deepEqual([ledger.total(), ledger.ended(whole("a", 400))], [null, []]);
  assert.deepEqual(ledger.ended(cut("b", 20)).map(short), ["b 380"]);
  assert.deepEqual(ledger.ended(whole("c", 300)), []);
  assert.equal(ledger.total(), 1400);
  // What was told before is put right at the end.
  const [news, ...others] = ledger.settled();
  assert.deepEqual([news.shard, news.lost, news.more, news.first, others], ["b", 330, -50, false, []]);
  assert.deepEqual(ledger.settled(), []);
  // At least one picture, whatever the mean.
  assert.deepEqual(ledger.ended(cut("d", 999)).map(short), ["d 1"]);
});

Deno.test("shard ledger: what nobody can measure waits until somebody can", () => {
  const ledger = shardLedger({ shards: 3 });
  const [first] = ledger.ended(cut("a", 20));
  assert.deepEqual([first.lost, first.first, first.more, ledger.unknown().map(short)], [null, true, 0, [
    "a null",
  ]]);
  const news = ledger.ended(whole("b", 100));
  assert.deepEqual(news.map(({ shard, lost, first, more }) => [shard, lost, first, more]), [[
    "a",
    80,
    false,
    80,
  ]]);
  assert.deepEqual([ledger.unknown(), ledger.settled()], [[], []]);
  const alone = shardLedger({ shards: 1 });
  alone.ended(cut("a", 20));
  assert.deepEqual([alone.settled(), alone.unknown().map(short)], [[], ["a null"]]);
});

Deno.test("shard ledger: the user's promise measures until a shard came whole", () => {
  const ledger = shardLedger({ shards: 4, promised: 1600 });
  assert.equal(ledger.total(), 1600);
  assert.deepEqual(ledger.ended(cut("a", 20)).map(short), ["a 380"]);
  ledger.ended(whole("b", 200));
  assert.deepEqual(ledger.ended(cut("c", 20)).map(short), ["c 180"]);
  assert.deepEqual(ledger.settled().map(({ shard, more }) => [shard, more]), [["a", -200]]);
});

Deno.test("shard ledger: a shard that gives fewer than before has lost the difference, each epoch", () => {
  const ledger = shardLedger({ shards: 2, known: new Map([["a", 50]]) });
  assert.deepEqual(ledger.ended(whole("a", 48)).map(short), ["a 2"]);
  assert.deepEqual(ledger.ended(whole("b", 50)).map(short), []);
  ledger.begin();
  assert.deepEqual(ledger.ended(whole("b", 10)).map((loss) => [short(loss), loss.reason]), [
    ["b 40", "gave 10 pictures, and 50 before"],
  ]);
  assert.deepEqual(ledger.ended(cut("a", 5)).map(short), ["a 45"]);
  // More than before is more.
  ledger.begin();
  assert.deepEqual(ledger.ended(whole("a", 60)), []);
  assert.deepEqual(ledger.ended(cut("a", 50)).map(short), ["a 10"]);
});

Deno.test("shard ledger: an end in doubt counts where the shard gave fewer than every other", () => {
  const ledger = shardLedger({ shards: 4 });
  assert.deepEqual(ledger.ended(doubtful("a", 20, "unmarked")), []);
  ledger.ended(whole("b", 400));
  ledger.ended(whole("c", 380));
  assert.deepEqual(ledger.ended(doubtful("d", 385, "odd")), []);
  const news = ledger.settled();
  assert.deepEqual(news.map(({ shard, lost, first }) => [shard, lost, first]), [["a", 370, true]]);
  // Where all lack the mark it is their writer's way; something odd alone is measured by the promise.
  for (const [kind, lost] of [["unmarked", []], ["odd", ["a 380"]]] as const) {
    const alone = shardLedger({ shards: 2, promised: 800 });
    assert.deepEqual(alone.ended(doubtful("a", 20, kind)).map(short), lost);
    alone.ended(doubtful("b", 700, kind));
    assert.deepEqual(alone.settled().map(short), []);
  }
});

Deno.test("shard ledger: after a resume, shards that were known before make no doubt of one that was not", () => {
  const known = new Map([["a", 400], ["b", 400]]);
  const ledger = shardLedger({ shards: 3, known });
  for (const [name, count] of [["a", 400], ["b", 400], ["last", 100]] as const) {
    assert.deepEqual(ledger.ended(doubtful(name, count, "unmarked")), []);
  }
  assert.deepEqual([ledger.settled(), ledger.total()], [[], 900]);
  const lost = shardLedger({ shards: 3, known });
  assert.deepEqual(lost.ended(cut("new", 50)).map(short), ["new 350"]);
});

Deno.test("shard ledger: another round begins by itself when all shards have been read", () => {
  const ledger = shardLedger({ shards: 2 });
  ledger.ended(whole("a", 10));
  ledger.ended(cut("b", 3));
  assert.deepEqual(ledger.ended(whole("a", 10)), []);
  assert.deepEqual(ledger.settled(), []);
  assert.deepEqual(ledger.ended(cut("b", 3)).map(({ lost, first }) => [lost, first]), [[7, true]]);
});

Deno.test("shard ledger: a hundred thousand shards without a mark take no time", () => {
  const shards = 100_000, ledger = shardLedger({ shards });
  for (let i = 0; i < shards; i++) ledger.ended(doubtful(String(i), 10, "unmarked"));
  assert.deepEqual([ledger.settled().length, ledger.total()], [0, 1_000_000]);
  for (let i = 0; i < shards; i++) ledger.ended(i % 2 ? whole(String(i), 10) : cut(String(i), 5));
  assert.equal(ledger.unknown().length, 0);
});
