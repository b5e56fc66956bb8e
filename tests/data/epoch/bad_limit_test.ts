import assert from "node:assert/strict";
import { type BadLimitError, badWatch } from "../../../src/data/epoch/bad_limit.ts";
import { shardLedger } from "../../../src/data/epoch/shard_ledger.ts";
import { LostRecordsError } from "../../../src/data/types.ts";

const bad = (key: string) => ({ source: "s", key, reason: "damaged" });

Deno.test("bad limit: more than 1 % and more than one record, by length, early, or at the end", () => {
  const known = badWatch([{ uri: "set", length: 300 }], 0);
  for (const key of ["a", "b", "c"]) known.bad(0, bad(key));
  assert.throws(
    () => known.bad(0, bad("d")),
    /^BadLimitError: set: 4 of .* are bad, more than 1 % of 300; the last is d/,
  );
  const one = badWatch([{ uri: "set", length: 5 }], 0);
  one.bad(0, bad("a"));
  one.end();
  const stream = badWatch([{ uri: "set", length: null }], 3);
  for (let i = 0; i < 50; i++) stream.seen(0);
  stream.bad(0, bad("a"));
  stream.bad(0, bad("b"));
  assert.throws(() => stream.end(), /2 of the first 50 pictures of epoch 3 are bad, more than 1 % of 50/);
  const early = badWatch([{ uri: "set", length: null }], null);
  for (let i = 0; i < 100; i++) early.seen(0);
  for (let i = 0; i < 5; i++) early.bad(0, bad("x"));
  assert.throws(() => early.bad(0, bad("x")), /6 of the first 100 pictures are bad/);
});

Deno.test("bad limit: what a lost shard would have held counts, together with what is bad", () => {
  const ledger = shardLedger({ shards: 200 }), watch = badWatch([{ uri: "set", length: null, ledger }], 1);
  const end = (shard: string, records: number, lost = false) => {
    const error = new LostRecordsError(shard, "the file is gone");
    for (const news of ledger.ended({ shard, records, ...(lost && { lost: error }) })) watch.lost(0, news);
  };
  end("a", 10);
  end("b", 0, true);
  end("c", 1, true);
  // 19 of about 2,000: just below 1 %.
  watch.bad(0, bad("x"));
  watch.end();
  assert.throws(
    () => end("d", 8, true),
    (error: BadLimitError) =>
      error.lost &&
      /^set: about 21 of 2000 pictures are lost and 1 bad in epoch 1, more than 1 %: b: the file is gone \(0 /
        .test(error.message) &&
      /d: the file is gone \(8 pictures came, about 2 are lost\)\. Repair/.test(error.message),
  );
});

Deno.test("bad limit: a process counts its part of what all of them lose", () => {
  const ledger = shardLedger({ shards: 4, promised: 1600 });
  const watch = badWatch([{ uri: "set", length: null, ledger }], 0, 4);
  const [news] = ledger.ended({ shard: "a", records: 20, lost: new LostRecordsError("a", "cut") });
  assert.throws(() => watch.lost(0, news), /about 380 of 1600 pictures are lost/);
});

Deno.test("bad limit: a shard that nobody can measure fails at the end", () => {
  const ledger = shardLedger({ shards: 1 }), watch = badWatch([{ uri: "set", length: null, ledger }], 0);
  for (let i = 0; i < 1000; i++) watch.seen(0);
  for (const news of ledger.ended({ shard: "a", records: 1000, lost: new LostRecordsError("a", "cut") })) {
    watch.lost(0, news);
  }
  assert.throws(
    () => watch.end(),
    /set: no shard could be read whole, so nobody can say .*: a: cut \(1000 pictures came/,
  );
});

Deno.test("bad limit: of a mixture each source is held to it, and a record that comes again counts once", () => {
  const sources = [{ uri: "large", length: 1000, repeats: true }, { uri: "small", length: 5, repeats: true }];
  const watch = badWatch(sources, 0);
  for (let i = 0; i < 7; i++) watch.bad(1, bad("same"));
  for (let i = 0; i < 10; i++) watch.bad(0, bad(`l${i}`));
  assert.throws(() => watch.bad(1, bad("other")), /^BadLimitError: small: 2 of/);
  assert.throws(() => watch.bad(0, bad("l10")), /^BadLimitError: large: 11 of/);
});
