/**
 * Combinators over async iterables. Each closes its upstream (`return()`) when the consumer stops early or when
 * anything fails, delivers values in upstream's order, and delivers an error only after the values before it.
 */
import { randomStream } from "../random.ts";
import { requireWhole } from "../text/whole.ts";

/** What every combinator takes: a sync or async iterable. */
export type Items<T> = AsyncIterable<T> | Iterable<T>;

function iteratorOf<T>(source: Items<T>): AsyncIterator<T> | Iterator<T> {
  const known = Object(source);
  if (typeof (known[Symbol.asyncIterator] ?? known[Symbol.iterator]) !== "function") {
    throw new TypeError(`items come from an iterable, sync or async, not from ${String(source)}`);
  }
  return known[Symbol.asyncIterator]?.() ?? known[Symbol.iterator]();
}

/** Throws unless `value` is a whole number of at least `least`, or as many as there are. */
function requireCount(value: number, name: string, least = 1): void {
  if (value !== Infinity) requireWhole(name, value, least);
}

/**
 * The whole numbers from `from` up to, but not, `to`.
 *
 * @throws {RangeError} When the first is asked for, where one of them is no number.
 */
export function* range(from: number, to: number): Generator<number, void, void> {
  if (!(from <= to || from > to)) throw new RangeError(`a range needs two numbers, not ${from} and ${to}`);
  for (let i = from; i < to; i++) yield i;
}

/**
 * Applies `fn` to each item, up to `concurrency` at once, and delivers the results in the items' order.
 *
 * A loop of its own reads upstream ahead, so neither a slow upstream nor a slow consumer holds up the other until
 * `concurrency` results wait.
 *
 * @param source Where items come from.
 * @param fn What to do with an item; its index counts from 0.
 * @param concurrency How many calls may be running or waiting to be taken.
 * @returns The results, in order. An error of upstream or of `fn` arrives at its item's place and ends the iteration.
 * @throws {RangeError} When `concurrency` is no whole number of at least 1.
 * @example
 * ```ts
 * import { map } from "./iter.ts";
 * import assert from "node:assert/strict";
 * assert.deepEqual(await Array.fromAsync(map([1, 2, 3], (x) => Promise.resolve(x * x), 2)), [1, 4, 9]);
 * ```
 */
export function map<T, R>(
  source: Items<T>,
  fn: (item: T, index: number) => R | Promise<R>,
  concurrency = 1,
): AsyncGenerator<Awaited<R>, void, void> {
  requireCount(concurrency, "concurrency");
  return mapOrdered(source, fn, concurrency);
}

type Slot<R> = { value: Promise<Awaited<R>> } | { error: unknown } | "end";

async function* mapOrdered<T, R>(
  source: Items<T>,
  fn: (item: T, index: number) => R | Promise<R>,
  concurrency: number,
): AsyncGenerator<Awaited<R>, void, void> {
  const iterator = iteratorOf(source);
  const slots: Slot<R>[] = [];
  let stopped = false, upstreamOpen = true;
  let wakeReader = () => {}, wakeConsumer = () => {};

  const read = async () => {
    for (let index = 0; !stopped; index++) {
      while (slots.length >= concurrency && !stopped) {
        await new Promise<void>((resolve) => wakeReader = resolve);
      }
      if (stopped) break;
      let step: IteratorResult<T>;
      try {
        step = await iterator.next();
      } catch (error) {
        upstreamOpen = false;
        slots.push({ error });
        break;
      }
      if (step.done) {
        upstreamOpen = false;
        slots.push("end");
        break;
      }
      if (stopped) break;
      const item = step.value;
      const value = (async (): Promise<Awaited<R>> => await fn(item, index))();
      // A failure is looked at in its turn; until then it must not count as unhandled.
      value.catch(() => {});
      slots.push({ value });
      wakeConsumer();
    }
    wakeConsumer();
  };

  const reading = read();
  try {
    while (true) {
      while (slots.length === 0) await new Promise<void>((resolve) => wakeConsumer = resolve);
      const slot = slots[0];
      if (slot === "end") return;
      if ("error" in slot) throw slot.error;
      const value = await slot.value;
      // The slot is freed only now, so `concurrency` bounds running and waiting calls together.
      slots.shift();
      wakeReader();
      yield value;
    }
  } finally {
    stopped = true;
    wakeReader();
    // Nothing started here may outlive the iteration: files being read, pictures being decoded.
    await Promise.allSettled(
      slots.map((slot) => typeof slot === "object" && "value" in slot ? slot.value : 0),
    );
    if (upstreamOpen) await iterator.return?.();
    await reading;
  }
}

/**
 * Reads up to `count` items ahead of the consumer.
 *
 * @param source Where items come from.
 * @param count How many items may wait, at least 1.
 * @returns The same items in the same order.
 */
export function prefetch<T>(source: Items<T>, count: number): AsyncGenerator<Awaited<T>, void, void> {
  requireCount(count, "prefetch");
  return mapOrdered(source, (item) => item, count);
}

/**
 * Groups items into arrays of `size`.
 *
 * @param source Where items come from.
 * @param size Items in a batch, at least 1.
 * @param options `dropLast`: leave out a last batch that is not full. Default false.
 */
export function batch<T>(
  source: Items<T>,
  size: number,
  options: { dropLast?: boolean } = {},
): AsyncGenerator<T[], void, void> {
  requireCount(size, "batch size");
  return (async function* () {
    let items: T[] = [];
    for await (const item of source) {
      items.push(item);
      if (items.length < size) continue;
      yield items;
      items = [];
    }
    if (items.length > 0 && !options.dropLast) yield items;
  })();
}

/**
 * Takes the first `count` items and then closes upstream; it never asks upstream for more.
 *
 * @param source Where items come from.
 * @param count How many items, at least 0.
 */
export function take<T>(source: Items<T>, count: number): AsyncGenerator<T, void, void> {
  requireCount(count, "count", 0);
  return (async function* () {
    if (count === 0) return;
    let taken = 0;
    for await (const item of source) {
      yield item;
      if (++taken >= count) return;
    }
  })();
}

/**
 * Iterates again and again.
 *
 * @param make Makes the iterable of round 0, 1, 2 …
 * @param times How many rounds. Default: endless.
 * @throws {Error} When an endless repetition comes to a round without items, because it would never deliver any.
 */
export function repeat<T>(
  make: (round: number) => Items<T>,
  times = Infinity,
): AsyncGenerator<T, void, void> {
  requireCount(times, "times", 0);
  return (async function* () {
    for (let round = 0; round < times; round++) {
      let any = false;
      for await (const item of make(round)) {
        any = true;
        yield item;
      }
      if (!any && times === Infinity) throw new Error(`nothing to repeat: round ${round} has no items`);
    }
  })();
}

/**
 * Shuffles through a buffer: holds `size` items and delivers a random one of them each time. Items move back at will
 * but forward by less than `size` places; where records can be read by index, a permutation is the better shuffle.
 *
 * @param source Where items come from.
 * @param size Items in the buffer, at least 1. 1 changes nothing.
 * @param seed The order depends on this, `epoch` and upstream's order only.
 * @param epoch Another number gives another order.
 */
export function shuffle<T>(
  source: Items<T>,
  size: number,
  seed: number,
  epoch = 0,
): AsyncGenerator<T, void, void> {
  requireCount(size, "shuffle buffer");
  return (async function* () {
    const random = randomStream(seed, "shuffle", epoch);
    const held: T[] = [];
    for await (const item of source) {
      held.push(item);
      if (held.length >= size) yield random.draw(held);
    }
    while (held.length > 0) yield random.draw(held);
  })();
}
