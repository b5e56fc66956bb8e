import assert from "node:assert/strict";
import fc from "npm:fast-check@4.10.2";
import { batch, map, prefetch, range, repeat, shuffle, take } from "../../src/data/iter.ts";

const RUNS = { numRuns: 60 };

/** Lets other work go first, `turns` times. */
async function turns(count: number): Promise<void> {
  for (let i = 0; i < count; i++) await Promise.resolve();
}

/** An upstream that counts what is taken from it and whether it was closed. */
function upstream(length: number, options: { failAt?: number; delays?: number[] } = {}) {
  const state = { taken: 0, opened: 0, closed: 0, ended: false };
  const items: AsyncIterable<number> = {
    async *[Symbol.asyncIterator]() {
      state.opened++;
      try {
        for (let i = 0; i < length; i++) {
          await turns(options.delays?.[i % options.delays.length] ?? 0);
          if (i === options.failAt) throw new Error(`upstream failed at ${i}`);
          state.taken++;
          yield i;
        }
        state.ended = true;
      } finally {
        state.closed++;
      }
    },
  };
  return { items, state };
}

/** What comes before the end or the error, and the error. */
async function drain<T>(items: AsyncIterable<T>): Promise<{ values: T[]; error?: string }> {
  const values: T[] = [];
  try {
    for await (const value of items) values.push(value);
    return { values };
  } catch (error) {
    return { values, error: (error as Error).message };
  }
}

const delays = fc.array(fc.nat(12), { minLength: 1, maxLength: 5 });
const length = fc.nat(30);
const count = (n: number) => Array.from({ length: n }, (_, i) => i);

Deno.test("map keeps the order, bounds what runs, and applies fn once to each", async () => {
  await fc.assert(
    fc.asyncProperty(length, delays, delays, fc.integer({ min: 1, max: 9 }), async (n, slow, work, most) => {
      const { items, state } = upstream(n, { delays: slow });
      let running = 0, peak = 0, calls = 0;
      const mapped = map(items, async (item, index) => {
        assert.equal(item, index);
        calls++;
        peak = Math.max(peak, ++running);
        await turns(work[item % work.length]);
        running--;
        return item * 2;
      }, most);
      assert.deepEqual((await drain(mapped)).values, count(n).map((i) => 2 * i));
      assert.ok(peak <= most, `${peak} ran at once, ${most} were allowed`);
      assert.equal(calls, n);
      assert.equal(state.closed, 1);
    }),
    RUNS,
  );
});

Deno.test("map runs as many at once as allowed", async () => {
  let running = 0, peak = 0;
  const mapped = map(range(0, 20), async () => {
    peak = Math.max(peak, ++running);
    await new Promise((resolve) => setTimeout(resolve, 1));
    running--;
  }, 4);
  await drain(mapped);
  assert.equal(peak, 4);
});

Deno.test("map delivers all before a failure, then the failure, and closes upstream", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 20 }),
      fc.nat(19),
      delays,
      fc.integer({ min: 1, max: 9 }),
      fc.boolean(),
      async (n, at, work, most, upstreamFails) => {
        at %= n;
        const { items, state } = upstream(n, upstreamFails ? { failAt: at } : {});
        let running = 0;
        const result = await drain(map(items, async (item) => {
          running++;
          await turns(work[item % work.length]);
          running--;
          if (!upstreamFails && item >= at) throw new Error(`fn failed at ${item}`);
          return item;
        }, most));
        assert.deepEqual(result.values, count(at));
        assert.equal(result.error, `${upstreamFails ? "upstream" : "fn"} failed at ${at}`);
        assert.equal(running, 0, "work goes on after the end");
        assert.deepEqual([state.opened, state.closed], [1, 1]);
      },
    ),
    RUNS,
  );
});

Deno.test("every combinator closes its upstream when the consumer stops early", async () => {
  const combinators: Record<string, (items: AsyncIterable<number>) => AsyncIterable<unknown>> = {
    map: (items) => map(items, (x) => turns(x % 5), 4),
    prefetch: (items) => prefetch(items, 3),
    batch: (items) => batch(items, 2),
    shuffle: (items) => shuffle(items, 5, 0),
    take: (items) => take(items, 100),
    repeat: (items) => repeat(() => items),
    chain: (items) => prefetch(batch(shuffle(map(items, (x) => x, 2), 3, 1), 2), 2),
  };
  for (const [name, combinator] of Object.entries(combinators)) {
    for (const stopAfter of [1, 2, 5]) {
      for (const fail of [false, true]) {
        const { items, state } = upstream(50);
        let seen = 0;
        const consume = async () => {
          for await (const _ of combinator(items)) {
            if (++seen < stopAfter) continue;
            if (fail) throw new Error("consumer failed");
            break;
          }
        };
        if (fail) await assert.rejects(consume, /consumer failed/);
        else await consume();
        assert.equal(seen, stopAfter, name);
        assert.deepEqual(
          [state.opened, state.closed, state.ended],
          [1, 1, false],
          `${name} after ${stopAfter}`,
        );
        const { taken } = state;
        await turns(50);
        assert.equal(state.taken, taken, `${name} reads on after the end`);
      }
    }
  }
});

Deno.test("an error of upstream passes through every combinator", async () => {
  for (
    const combinator of [
      (items: AsyncIterable<number>) => prefetch(items, 3),
      (items: AsyncIterable<number>) => batch(items, 2),
      (items: AsyncIterable<number>) => shuffle(items, 3, 0),
      (items: AsyncIterable<number>) => take(items, 100),
      (items: AsyncIterable<number>) => repeat(() => items),
    ]
  ) {
    const { items, state } = upstream(10, { failAt: 6 });
    assert.equal((await drain<unknown>(combinator(items))).error, "upstream failed at 6");
    assert.equal(state.closed, 1);
  }
});

Deno.test("prefetch reads ahead by no more than its count and changes nothing", async () => {
  await fc.assert(
    fc.asyncProperty(length, fc.integer({ min: 1, max: 6 }), delays, async (n, ahead, slow) => {
      const { items, state } = upstream(n);
      let seen = 0;
      for await (const item of prefetch(items, ahead)) {
        assert.equal(item, seen++);
        await turns(slow[item % slow.length]);
        assert.ok(state.taken - seen <= ahead, `${state.taken - seen} read ahead`);
      }
      assert.equal(seen, n);
    }),
    RUNS,
  );
});

Deno.test("batch groups in order; dropLast drops only what is not full", async () => {
  await fc.assert(
    fc.asyncProperty(length, fc.integer({ min: 1, max: 7 }), fc.boolean(), async (n, size, dropLast) => {
      const { values } = await drain(batch(range(0, n), size, { dropLast }));
      const kept = dropLast ? n - n % size : n;
      assert.deepEqual(values.flat(), count(kept));
      assert.equal(values.length, Math.ceil(kept / size));
      assert.ok(values.slice(0, -1).every((items) => items.length === size));
    }),
    RUNS,
  );
});

Deno.test("take never asks for more than it gives", async () => {
  const { items, state } = upstream(10);
  assert.deepEqual((await drain(take(items, 3))).values, [0, 1, 2]);
  assert.equal(state.taken, 3);
  const none = upstream(10);
  assert.deepEqual((await drain(take(none.items, 0))).values, []);
  assert.equal(none.state.opened, 0);
  assert.deepEqual((await drain(take(range(0, 2), 5))).values, [0, 1]);
});

Deno.test("repeat makes each round anew and refuses to spin on nothing", async () => {
  assert.deepEqual((await drain(repeat((round) => range(round, round + 2), 3))).values, [0, 1, 1, 2, 2, 3]);
  assert.deepEqual((await drain(take(repeat(() => [7]), 3))).values, [7, 7, 7]);
  assert.match((await drain(repeat(() => []))).error!, /nothing to repeat/);
});

Deno.test("shuffle gives a permutation that its seed and epoch decide, and moves items", async () => {
  await fc.assert(
    fc.asyncProperty(length, fc.integer({ min: 1, max: 40 }), fc.nat(1000), async (n, size, seed) => {
      const once = (await drain(shuffle(range(0, n), size, seed))).values;
      const slow = (await drain(shuffle(upstream(n, { delays: [3, 0, 7] }).items, size, seed))).values;
      assert.deepEqual(once, slow);
      assert.deepEqual([...once].sort((a, b) => a - b), count(n));
      once.forEach((item, place) => assert.ok(item - place < size, "an item came too early"));
    }),
    RUNS,
  );
  const order = async (seed: number, epoch: number) =>
    (await drain(shuffle(range(0, 50), 50, seed, epoch))).values;
  assert.notDeepEqual(await order(0, 0), count(50));
  assert.notDeepEqual(await order(0, 0), await order(0, 1));
  assert.notDeepEqual(await order(0, 0), await order(1, 0));
});

Deno.test("impossible counts are refused at once", () => {
  for (const wrong of [0, -1, 1.5, NaN]) {
    assert.throws(() => map([], (x) => x, wrong), RangeError);
    assert.throws(() => prefetch([], wrong), RangeError);
    assert.throws(() => batch([], wrong), RangeError);
    assert.throws(() => shuffle([], wrong, 0), RangeError);
  }
  assert.throws(() => take([], -1), RangeError);
});
