import assert from "node:assert/strict";
import { untilAborted } from "../../src/train/interrupt.ts";

Deno.test("an abort ends the wait under way and every later one; what fails after that harms nobody", async () => {
  const stop = new AbortController(), wait = untilAborted(stop.signal);
  assert.equal(await wait(Promise.resolve(3)), 3);
  await assert.rejects(wait(Promise.reject(new Error("no data"))), /no data/);
  const late = Promise.withResolvers<number>();
  const waiting = wait(late.promise);
  stop.abort();
  assert.equal(await waiting, undefined);
  assert.equal(await wait(new Promise(() => {})), undefined);
  late.reject(new Error("too late"));
  assert.equal(await untilAborted()(Promise.resolve(4)), 4);
});

Deno.test("nothing is kept of waits that are over", async () => {
  const wait = untilAborted(new AbortController().signal), before = Deno.memoryUsage().heapUsed;
  // 80 MB in all.
  for (let i = 0; i < 10_000; i++) await wait(Promise.resolve(Array.from({ length: 1000 }, () => i)));
  const grown = Deno.memoryUsage().heapUsed - before;
  assert.ok(grown < 50e6, `${grown} bytes`);
});
