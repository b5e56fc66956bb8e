import assert from "node:assert/strict";
import fc from "npm:fast-check@4.10.2";
import { mixSources, mixUri } from "../../../src/data/epoch/mix.ts";
import { chainRecords, mixRecords, URN } from "../../../src/data/epoch/mix_records.ts";
import { streamOf } from "../sections.ts";
import type { ShardEnd } from "../../../src/data/epoch/shuffle.ts";
import { BadRecordError, type Source } from "../../../src/data/types.ts";

function memory(name: string, length: number, labels: string[] = [], bad = -1): Source & { closed: number } {
  const source = {
    uri: name,
    length,
    labels,
    closed: 0,
    async get(index: number) {
      await Promise.resolve();
      if (index === bad) throw new BadRecordError(name, `${name}${index}`, "bad");
      const key = `${name}${index}`, bytes = new Uint8Array(4);
      return labels.length > 0 ? { key, bytes, label: index % labels.length } : { key, bytes };
    },
    key: (index: number) => Promise.resolve(`${name}${index}`),
    close() {
      source.closed++;
      return Promise.resolve();
    },
  };
  return source;
}

async function keys(source: Source): Promise<string[]> {
  return (await Promise.all(Array.from({ length: source.length }, (_, i) => source.get(i)))).map(({ key }) =>
    key
  );
}

Deno.test("mixSources: without weights one after another", async () => {
  const a = memory("a", 2), b = memory("b", 3);
  const mix = mixSources([{ source: a }, { source: b }]);
  assert.deepEqual(await keys(mix), ["a0", "a1", "b0", "b1", "b2"]);
  assert.equal(await mix.key(4), "b2");
  await assert.rejects(mix.get(5), /record 5 is not one of 0 … 4/);
  assert.deepEqual([(await mix.get(0)).source, (await mix.get(4)).source], ["a", "b"]);
  const local = { ...b, place: (index: number) => ({ key: `b${index}`, at: { path: `/b/${index}` } }) };
  const { place } = mixSources([{ source: a }, { source: local }]);
  assert.deepEqual([place!(1), place!(2)], [null, { key: "b0", at: { path: "/b/0" } }]);
  assert.equal(mixUri([{ source: a, weight: 0.3 }, { source: b, weight: 2 }]), "a*0.3,b*2");
  await mix.close();
  assert.deepEqual([a.closed, b.closed], [1, 1]);
});

Deno.test("mixSources: weights hold, and every record comes at least once", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(
        fc.record({ length: fc.integer({ min: 1, max: 30 }), weight: fc.integer({ min: 1, max: 9 }) }),
        {
          minLength: 1,
          maxLength: 4,
        },
      ),
      async (parts) => {
        const mix = mixSources(
          parts.map(({ length, weight }, i) => ({ source: memory("abcd"[i], length), weight })),
        );
        const all = await keys(mix), sum = parts.reduce((total, part) => total + part.weight, 0);
        parts.forEach(({ length, weight }, i) => {
          const mine = all.filter((key) => key[0] === "abcd"[i]);
          assert.equal(new Set(mine).size, length);
          assert.ok(
            Math.abs(mine.length - all.length * weight / sum) <= parts.length,
            `${mine.length} of ${all.length}`,
          );
        });
      },
    ),
    { numRuns: 100 },
  );
});

Deno.test("mixSources: classes of all sources, numbered anew", async () => {
  const mix = mixSources([
    { source: memory("a", 2, ["dog", "cat"]) },
    { source: memory("b", 1) },
    { source: memory("c", 2, ["emu", "dog"]) },
  ]);
  assert.deepEqual(mix.labels, ["cat", "dog", "emu"]);
  const records = await Promise.all([0, 1, 2, 3, 4].map((i) => mix.get(i)));
  assert.deepEqual(records.map(({ label }) => label), [1, 0, undefined, 2, 1]);
});

Deno.test("mixSources: the same list keeps its numbers, and a name of two classes that others have is refused", async () => {
  const birds = ["crane", "finch", "crane"];
  const mix = mixSources([{ source: memory("a", 3, birds) }, { source: memory("b", 3, birds) }]);
  assert.deepEqual(mix.labels, birds);
  const records = await Promise.all([0, 1, 2, 3, 4, 5].map((i) => mix.get(i)));
  assert.deepEqual(records.map(({ label }) => label), [0, 1, 2, 0, 1, 2]);
  assert.throws(
    () => mixSources([{ source: memory("a", 3, birds) }, { source: memory("b", 2, ["crane", "finch"]) }]),
    /"crane" stands more than once in a \(numbers 0, 2\), and b has other classes/,
  );
});

Deno.test("mix: impossible weights are refused", () => {
  const a = memory("a", 10), b = memory("b", 10);
  assert.throws(() => mixSources([]), /at least one/);
  assert.throws(
    () => mixSources([{ source: a, weight: 1 }, { source: b }]),
    /source 2 of the mix has no weight/,
  );
  assert.throws(
    () => mixSources([{ source: a, weight: 1 }, { source: b, weight: 0 }]),
    /weights must be above 0/,
  );
  assert.throws(
    () => mixSources([{ source: a, weight: 1 }, { source: b, weight: 1e-12 }]),
    /more than 2\^32/,
  );
  assert.throws(() => mixRecords([], { seed: 0, epoch: 0 }), /at least one/);
});

Deno.test("mixRecords: streams and sources by weight, each whole at least once, repeatable, resumable", async () => {
  const parts = () => [
    { source: memory("a", 30, ["x"]), weight: 1 },
    { source: streamOf(memory("b", 90, ["y"], 5)), weight: 3 },
  ];
  let bad = 0;
  const order = async (more: object) =>
    (await Array.fromAsync(
      mixRecords(parts(), { seed: 1, epoch: 2, shuffleBuffer: 16, onBad: () => bad++, ...more }),
    ))
      .map(({ record }) => `${record.key}=${record.label}`);
  const whole = await order({});
  assert.ok(bad >= 1);
  assert.deepEqual(await order({ concurrency: 1 }), whole);
  assert.notDeepEqual(await order({ epoch: 3 }), whole);
  const of = (letter: string) => whole.filter((key) => key[0] === letter);
  assert.equal(new Set(of("a")).size, 30);
  assert.equal(new Set(of("b")).size, 89);
  assert.ok(of("a").every((key) => key.endsWith("=0")) && of("b").every((key) => key.endsWith("=1")));
  assert.ok(Math.abs(of("a").length / whole.length - 0.25) < 0.12);
  const thirds = [1, 2].map((weight, i) => ({ source: streamOf(memory("ab"[i], 700)), weight }));
  const turns = (await Array.fromAsync(mixRecords(thirds, { seed: 3, epoch: 0 }))).map(({ record }) =>
    record.key[0]
  );
  for (let end = URN; end <= turns.length; end += URN) {
    const first = turns.slice(0, end).filter((letter) => letter === "a").length;
    assert.ok(Math.abs(first - end / 3) <= 1, `${first} of ${end}`);
  }
  assert.notDeepEqual(turns.slice(0, URN), turns.slice(URN, 2 * URN), "in random order");
  assert.deepEqual(await order({ skip: 50 }), whole.slice(50));
  const [first, second] = [
    await order({ process: { index: 0, count: 2 } }),
    await order({ process: { index: 1, count: 2 } }),
  ];
  assert.deepEqual(first.flatMap((key, i) => [key, second[i]]), whole.slice(0, first.length * 2));
});

Deno.test("mixRecords: stopping early, empty and bad sources", async () => {
  const parts = [{ source: memory("a", 30) }, { source: streamOf(memory("b", 30)) }];
  for await (const _ of mixRecords(parts, { seed: 0, epoch: 0 })) break;
  const empty = [{ source: memory("a", 3) }, { source: { ...streamOf(memory("b", 1)), shards: [] } }];
  await assert.rejects(Array.fromAsync(mixRecords(empty, { seed: 0, epoch: 0 })), /b: no records/);
  const bad = [{ source: memory("a", 3, [], 1) }];
  await assert.rejects(Array.fromAsync(mixRecords(bad, { seed: 0, epoch: 0 })), { name: "BadRecordError" });
});

Deno.test("chainRecords: the sources one after another, each record once and in its own order, classes joined", async () => {
  const sections = [{ name: "first", first: 0, length: 2 }, { name: "second", first: 2, length: 3 }];
  const parts = [
    { source: streamOf(memory("a", 5, ["y", "x"]), sections), weight: 3 },
    { source: memory("b", 40, ["z"], 7), weight: 1 },
    { source: streamOf(memory("c", 2, ["x"], 1)) },
    { source: memory("d", 0) },
  ];
  const told: string[] = [];
  const options = {
    onBad: ({ key }: BadRecordError, part: number) => void told.push(`${part} ${key}`),
    onShard: ({ part, shard, records }: ShardEnd) => void told.push(`${part} ${shard}: ${records}`),
  };
  const records = await Array.fromAsync(chainRecords(parts, options));
  const b = Array.from({ length: 40 }, (_, i) => `1 b${i}=2`).filter((_, i) => i !== 7);
  assert.deepEqual(
    records.map(({ record: { key, label }, part }) => `${part} ${key}=${label}`),
    ["0 a0=1", "0 a1=0", "0 a2=1", "0 a3=0", "0 a4=1", ...b, "2 c0=0"],
  );
  assert.deepEqual(records.map(({ place }) => place), records.map((_, i) => i));
  assert.deepEqual(told, ["0 first: 2", "0 second: 3", "1 b7", "2 c1", "2 c: 2"]);
  assert.deepEqual([records[0].record.source, records[9].record.source], ["a", "b"]);
  await assert.rejects(Array.fromAsync(chainRecords(parts)), { name: "BadRecordError", key: "b7" });
  for await (const _ of chainRecords(parts)) break;
});
