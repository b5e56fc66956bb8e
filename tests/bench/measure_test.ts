import assert from "node:assert/strict";
import { compare } from "../../bench/measure.ts";
import { distance } from "../../bench/embed.ts";
import { plainEnvironment } from "../../bench/peer.ts";

Deno.test("ratios are taken pair by pair", () => {
  assert.deepEqual(compare([2, 9, 4], [1, 3, 8]), {
    ours: 4,
    peer: 3,
    ratio: { min: 0.5, median: 2, max: 3 },
  });
  assert.deepEqual(compare([1, 3], null), { ours: 2, peer: null, ratio: null });
});

Deno.test("the distance of features is relative, and other counts are refused", () => {
  const a = Float32Array.of(3, 4);
  assert.equal(distance(a, a), 0);
  assert.equal(distance(a, Float32Array.of(3, 4.5)), 0.1);
  assert.throws(() => distance(a, Float32Array.of(3)), /2 numbers beside 1/);
});

Deno.test("a peer starts without what our tasks tell the allocator", () => {
  const names = ["GLIBC_TUNABLES", "LD_PRELOAD", "MALLOC_CONF", "MIMALLOC_PURGE_DELAY"];
  const before = names.map((name) => [name, Deno.env.get(name)] as const);
  try {
    // An LD_ variable would be refused by Deno in any process that this test starts.
    for (const name of names) if (!name.startsWith("LD_")) Deno.env.set(name, "x");
    const plain = plainEnvironment();
    assert.deepEqual(names.filter((name) => name in plain), []);
    assert.equal(plain.PATH, Deno.env.get("PATH"));
  } finally {
    for (const [name, value] of before) {
      value === undefined ? Deno.env.delete(name) : Deno.env.set(name, value);
    }
  }
});
