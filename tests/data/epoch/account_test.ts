import assert from "node:assert/strict";
import { accountant, emptyAccount, knownShards } from "../../../src/data/epoch/account.ts";
import { describeAccount } from "../../../src/data/epoch/account_text.ts";
import type { Came } from "../../../src/data/epoch/came.ts";

const URI = "https://me:secret@host/s-{0..1}.tar?sig=abc";
const shard = (i: number) => `https://me:secret@host/s-${i}.tar?sig=abc`;
const shown = (i: number) => `https://REDACTED@host/s-${i}.tar?sig=REDACTED`;
const fresh = () => emptyAccount({ uri: URI, sources: [{ uri: URI, length: null }] });
const came = (epoch: number, more: Partial<Came>): Came => ({
  epoch,
  part: 0,
  fate: "read",
  count: 1,
  ...more,
});

Deno.test("account: every record is counted once, by epoch, source and shard, with reasons; secrets are left out", () => {
  const keeper = accountant(fresh());
  keeper.add({
    came: [
      came(0, { shard: shard(0), count: 90 }),
      came(0, { shard: shard(1), count: 9 }),
      came(0, { shard: shard(0), fate: "bad", why: "ends after 512 bytes", key: "a" }),
      came(0, { shard: shard(0), fate: "bad", why: "ends after 99 bytes", key: "b" }),
      came(0, { shard: shard(0), fate: "withoutPicture", why: "no picture (null)", key: "c" }),
      came(0, { shard: shard(1), fate: "lost", count: 80, why: "cut short" }),
      came(0, { fate: "left", count: 3 }),
    ],
    shards: [{ part: 0, shard: shard(0), pictures: 93 }],
  });
  keeper.passedOver([[{ what: ".txt", why: "", count: 2, example: "a.txt", where: shard(0) }]]);
  const account = keeper.account();
  assert.ok(!JSON.stringify(account).includes("secret") && !JSON.stringify(account).includes("abc"));
  const { read, bad, withoutPicture, lost } = account;
  assert.deepEqual({ read, bad, withoutPicture, lost }, { read: 99, bad: 2, withoutPicture: 1, lost: 80 });
  assert.deepEqual(account.epochs, [{ epoch: 0, read: 99, bad: 2, withoutPicture: 1, lost: 80, left: 3 }]);
  const [source] = account.sources;
  assert.deepEqual(source.reasons.map(({ fate, count, example }) => [fate, count, example]), [
    ["bad", 2, `${shown(0)}: a`],
    ["withoutPicture", 1, `${shown(0)}: c`],
    ["lost", 80, shown(1)],
  ]);
  assert.deepEqual(
    source.shards.map(({ shard, read, lost, pictures, epochs }) => [shard, read, lost, pictures, epochs]),
    [
      [shown(0), 90, 0, 93, undefined],
      [shown(1), 9, 80, null, [0]],
    ],
  );
  // What was known under one signature is known under another.
  assert.deepEqual(
    knownShards(account, 0, [shard(0).replace("abc", "new"), shard(1)]),
    new Map([
      [shard(0).replace("abc", "new"), 93],
    ]),
  );
});

Deno.test("account: it goes on where it stood, and the earlier one is not changed", () => {
  const first = accountant(fresh());
  first.add({ came: [came(0, { shard: shard(0), count: 5 })], shards: [] });
  const stored = JSON.parse(JSON.stringify(first.account()));
  const second = accountant(stored);
  second.add({
    came: [
      came(0, { shard: shard(0), count: 2 }),
      came(1, { shard: shard(0), fate: "lost", count: 4, why: "gone" }),
      came(1, { shard: shard(0), fate: "lost", count: -1, why: "gone" }),
      came(2, { shard: shard(0), fate: "lost", count: 3, why: "gone" }),
    ],
    shards: [],
  });
  const account = second.account();
  assert.deepEqual(account.epochs.map(({ epoch, read, lost }) => [epoch, read, lost]), [
    [0, 7, 0],
    [1, 0, 3],
    [2, 0, 3],
  ]);
  assert.deepEqual(account.sources[0].shards[0].epochs, [1, 2]);
  assert.equal(stored.read, 5);
});

Deno.test("account: kinds of reasons are bounded", () => {
  const keeper = accountant(fresh());
  for (let i = 0; i < 60; i++) {
    const why = `reason ${String.fromCharCode(97 + i % 26)}${String.fromCharCode(97 + (i / 26))}`;
    keeper.add({ came: [came(0, { fate: "bad", why, key: `${i}` })], shards: [] });
  }
  const { reasons } = keeper.account().sources[0];
  assert.equal(reasons.length, 21);
  assert.deepEqual([reasons.at(-1)!.why, reasons.at(-1)!.count], ["other reasons", 40]);
});

Deno.test("account: after a resume a stream has passed over no less than before; a source by index tells all at once", () => {
  const kind = (what: string, count: number) => ({ what, why: "", count, example: `a${what}` });
  for (const [length, second] of [[null, [5, 4]], [9, [2]]] as const) {
    const first = accountant(emptyAccount({ uri: "a", sources: [{ uri: "a", length }] }));
    first.passedOver([[kind(".txt", 3), kind(".npy", 4)]]);
    first.passedOver([[kind(".txt", 5), kind(".npy", 4)]]);
    const keeper = accountant(first.account());
    keeper.passedOver([[kind(".txt", 2)]]);
    assert.deepEqual(keeper.account().sources[0].passedOver.map(({ count }) => count), second);
    keeper.passedOver([[kind(".txt", 6)]]);
    assert.equal(keeper.account().sources[0].passedOver[0].count, 6);
  }
});

Deno.test("account: in words, only what matters", () => {
  const keeper = accountant(fresh());
  keeper.add({ came: [came(0, { shard: shard(0), count: 400 })], shards: [] });
  assert.deepEqual(describeAccount(keeper.account()), ["400 pictures read in epoch 0, none bad"]);
  keeper.add({
    came: [
      came(1, { shard: shard(0), count: 390 }),
      came(1, { shard: shard(0), fate: "bad", why: "no JPEG", key: "x" }),
      came(1, { shard: shard(1), fate: "lost", count: 9, why: "the file is gone" }),
      came(2, { fate: "withoutPicture", why: "no picture (null)", key: "y" }),
    ],
    shards: [{ part: 0, shard: shard(1), pictures: 400 }],
  });
  keeper.passedOver([[{ what: "folder", why: "is hidden", count: 1, example: ".git" }]]);
  assert.deepEqual(describeAccount(keeper.account()), [
    "790 pictures read in epochs 0 to 2, about 9 pictures lost with damaged or missing shards, 1 bad, 1 record without a picture",
    `${shown(1)}: about 9 pictures lost: the file is gone (it gave 400 when it was whole), in epoch 1`,
    `1 bad: no JPEG, such as ${shown(0)}: x`,
    "1 without a picture: no picture (null), such as y",
    "1 folder passed over: 1 folder (is hidden: .git)",
  ]);
  const two = accountant(
    emptyAccount({ uri: "a,b", sources: [{ uri: "a", length: 5 }, { uri: "b", length: 1 }] }),
  );
  two.add({ came: [came(0, {}), came(0, { part: 1, count: 2 })], shards: [] });
  assert.deepEqual(describeAccount(two.account()), [
    "3 pictures read in epoch 0, none bad",
    "a: 1 picture read, none bad",
    "b: 2 pictures read, none bad",
  ]);
});
