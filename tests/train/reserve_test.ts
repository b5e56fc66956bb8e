import assert from "node:assert/strict";
import { AHEAD } from "../../src/engine/xla/hosts/agree.ts";
import type { Hosts } from "../../src/engine/xla/hosts/join.ts";
import { severalNodes } from "../../src/train/process_group.ts";
import { withReserve } from "../../src/train/reserve.ts";

/** Numbers from 1, and an error in the place of one. */
async function* numbers(broken: number, read: number[] = []): AsyncGenerator<number, void> {
  for (let i = 1;; i++) {
    read.push(i);
    await Promise.resolve();
    if (i === broken) throw new Error("the disk is gone");
    yield i;
  }
}

Deno.test("batches in reserve: a failure is told before they are used up, and thrown after them", async () => {
  const told: unknown[] = [], read: number[] = [];
  const batches = withReserve(numbers(6, read), { size: 3, most: 100, failed: (error) => told.push(error) });
  assert.deepEqual(await batches.next(), { done: false, value: 1 });
  assert.deepEqual([read, told], [[1, 2, 3, 4], []]);
  await batches.next();
  assert.deepEqual(await batches.next(), { done: false, value: 3 });
  assert.match(String(told), /^Error: the disk is gone$/);
  for (const value of [4, 5]) assert.deepEqual(await batches.next(), { done: false, value });
  await assert.rejects(batches.next(), /the disk is gone/);
  assert.equal(told.length, 1);
});

Deno.test("batches in reserve: no more are read than the run has steps", async () => {
  const read: number[] = [];
  const batches = withReserve(numbers(6, read), { size: 3, most: 5, failed: assert.fail });
  for (const value of [1, 2, 3, 4, 5]) assert.deepEqual(await batches.next(), { done: false, value });
  assert.deepEqual(read, [1, 2, 3, 4, 5]);
  assert.equal((await batches.next()).done, true);
});

/** Nodes of this process that agree as those of several do. */
function fakeHosts(count: number): Hosts[] {
  const values = new Map<string, Uint8Array>(), never = new Promise<never>(() => {});
  let stop = Infinity, come = 0;
  const { promise: all, resolve } = Promise.withResolvers<void>();
  return Array.from({ length: count }, (_, nodeId) => ({
    nodeId,
    failed: never,
    note: () => {},
    askStop: (done: number) => Promise.resolve(void (stop = Math.min(stop, done + AHEAD))),
    stopAfter: () => stop,
    put: (key: string, text: string) => Promise.resolve(void values.set(key, new TextEncoder().encode(text))),
    find: (key: string) => Promise.resolve(values.get(key)),
    barrier: () => {
      if (++come === count) resolve();
      return all;
    },
  } as unknown as Hosts));
}

Deno.test("nodes of which one has no more data stop together where it still has batches, and all say why", async () => {
  const groups = fakeHosts(3).map((hosts) => severalNodes(hosts, 3));
  const streams = groups.map((group, node) =>
    withReserve(numbers(node === 1 ? 12 : Infinity), {
      size: group.reserve,
      most: 100,
      failed: group.breaks,
    })
  );
  let step = 0;
  // In turn, as steps that wait for each other's results are.
  for (; !(await Promise.all(groups.map((group) => group.stops(step)))).some((stops) => stops); step++) {
    await Promise.all(streams.map((stream) => stream.next()));
  }
  assert.equal(step, 11);
  assert.deepEqual(await Promise.all(groups.map((group) => group.stops(step))), [true, true, true]);
  const ends = await Promise.allSettled(groups.map((group) => group.finished()));
  assert.deepEqual(ends.map((end) => end.status === "rejected" ? end.reason.message : "finished"), [
    "node 1: the disk is gone",
    "the disk is gone",
    "node 1: the disk is gone",
  ]);
});
