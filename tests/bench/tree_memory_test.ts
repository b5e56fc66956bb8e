import assert from "node:assert/strict";
import { heldBy, heldTogether, treeOf } from "../../bench/tree_memory.ts";

Deno.test("a tree of processes has all descendants and nobody else", () => {
  const stat = (pid: number, parent: number, name = "deno") => `${pid} (${name}) S ${parent} 1 1 0 -1`;
  const stats = [stat(1, 0), stat(7, 5, "a) S 1 (b"), stat(5, 4), stat(4, 1), stat(6, 4), stat(8, 1)];
  assert.deepEqual(treeOf(stats, 4).sort(), [4, 5, 6, 7]);
  assert.deepEqual(treeOf(stats, 8), [8]);
  assert.deepEqual(treeOf(stats, 99), []);
});

Deno.test("what processes hold is read from /proc and counted once", () => {
  const rollup =
    "55-7f ---p 0 00:00 0 [rollup]\nRss: 900 kB\nPss: 700 kB\nPss_Anon:  300 kB\nPss_File: 5 kB\n" +
    "Pss_Shmem:   20 kB\n";
  const held = heldBy(rollup, "Name: deno\nVmRSS:  900 kB\nRssAnon: 400 kB\nRssFile:\t   90 kB\n");
  assert.deepEqual(held, { anonymous: 300 * 1024, shared: 20 * 1024, files: 90 * 1024 });
  const other = { anonymous: 100, shared: 10, files: 70 };
  // Of files, those of the process that has most.
  assert.equal(heldTogether([held, other]), (300 + 20 + 90) * 1024 + 110);
  assert.equal(heldTogether([]), 0);
});
