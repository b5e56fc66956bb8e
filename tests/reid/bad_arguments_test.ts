/** What is no persons, no names, no pictures: an error, and never a figure. */
import assert from "node:assert/strict";
import { openWasm } from "../../src/engine/wasm.ts";
import * as tf from "../../src/engine/tensors.ts";
import { TOY } from "../eval/toy.ts";
import { personWay } from "../../src/reid/embed.ts";
import { nearestPersons } from "../../src/reid/nearest.ts";
import { peopleOf, type Persons } from "../../src/reid/people.ts";
import { rightRanks } from "../../src/reid/ranks.ts";
import { heldRows } from "../../src/reid/scores.ts";
import { reidSheet } from "../../src/reid/sheet.ts";
import { formatReid } from "../../src/reid/table.ts";
import { bagBatches } from "../../src/reid/weak/batches.ts";

/** What a program without types may hand over. */
// deno-lint-ignore no-explicit-any
type Loose = any;

const refuses = async (work: () => unknown, name: string, message: RegExp) =>
  await assert.rejects(async () => await work(), { name, message });

const personsOf = (rows: number): Persons => ({
  identities: Float64Array.from({ length: rows }, (_, i) => 1 + i % 2),
  cameras: Float64Array.from({ length: rows }, (_, i) => 1 + i),
  features: heldRows({ rows, width: 2, data: Float32Array.from({ length: 2 * rows }, (_, i) => 1 + i) }),
});

Deno.test("ranks and neighbours: persons that do not fit their features, engines and counts that are none", async () => {
  const engine = await openWasm(), queries = personsOf(2), gallery = personsOf(4);
  const before = tf.memory().numTensors;
  const both: [string, (more: Loose) => Promise<unknown>][] = [
    ["rightRanks", (more) => rightRanks({ engine, queries, gallery, ...more })],
    ["nearestPersons", (more) => {
      const all = { engine, queries, gallery, count: 2, ...more };
      return nearestPersons(all.engine, all.queries, all.gallery, all.count);
    }],
  ];
  for (const [, run] of both) {
    await run({});
    for (const wrong of [undefined, "wasm", Promise.resolve(engine)]) {
      await refuses(() => run({ engine: wrong }), "TypeError", /`engine` must be an opened engine/);
    }
    for (const [side, good] of Object.entries({ queries, gallery })) {
      const of = (more: Loose) => () => run({ [side]: more && { ...good, ...more } });
      await refuses(of(undefined), "TypeError", new RegExp(`\`${side}\` must have features`));
      await refuses(of({ features: Promise.resolve(good.features) }), "TypeError", /must have features/);
      for (const part of ["identities", "cameras"] as const) {
        await refuses(
          of({ [part]: [...good[part]] }),
          "TypeError",
          new RegExp(`${part} of \`${side}\` must be`),
        );
        const short = new RegExp(`\`${side}\` has 1 ${part} for ${good.features.rows} rows`);
        await refuses(of({ [part]: good[part].slice(1, 2) }), "RangeError", short);
        const none = new RegExp(`${part} of \`${side}\`: that of row 1 is NaN`);
        await refuses(of({ [part]: good[part].with(1, NaN) }), "RangeError", none);
      }
    }
    // The second query is no number: what was put on the engine before is given back.
    const features = heldRows({ rows: 2, width: 2, data: Float32Array.of(1, 2, NaN, 3) });
    await refuses(() => run({ queries: { ...queries, features } }), "Error", /picture 1 are not finite/);
    await refuses(() => run({ gallery: { ...queries, features } }), "Error", /picture 1 are not finite/);
  }
  for (const count of [0, -1, NaN, 1.5, undefined, "2"]) {
    await refuses(() => both[1][1]({ count }), "RangeError", /count must be a whole number/);
  }
  assert.equal(tf.memory().numTensors, before);
  const input: Loose = { height: 16, width: 8, mirror: "sum" };
  for (const batch of [0, NaN, 1.5]) {
    await refuses(() => personWay(engine, TOY, input, batch), "RangeError", /batchSize must be a whole/);
  }
  await refuses(() => personWay("wasm" as Loose, TOY, input, 1), "TypeError", /`engine` must be/);
  await engine.close();
});

Deno.test("names, sheets, tables and bags that are none", async () => {
  for (const keys of [undefined, "0001_c1.jpg", Promise.resolve([]), [7]] as Loose[]) {
    await refuses(() => peopleOf(keys, "made"), "TypeError", /`keys` must be a list/);
  }
  const source: Loose = { uri: "made", length: 0, get() {}, key() {} };
  await refuses(
    () => reidSheet(undefined as Loose, source, source),
    "TypeError",
    /`examples` must be a list/,
  );
  await refuses(
    () => reidSheet([], Promise.resolve(source) as Loose, source),
    "TypeError",
    /`query` must be/,
  );
  await refuses(() => reidSheet([], source, "made" as Loose), "TypeError", /`gallery` must be/);
  for (const report of [undefined, Promise.resolve({})] as Loose[]) {
    await refuses(() => formatReid(report), "TypeError", /`report` must be what `await evaluateReid/);
  }
  const folders = [{ name: "1", from: 0, to: 2 }],
    options = { height: 8, width: 8, bags: 1, perBag: 1, seed: 0 };
  const list: Loose = { identities: [7], bags: [{ id: "x", labels: [0], folders: ["1"] }] };
  for (const [name, chance] of [["flip", NaN], ["flip", -0.1], ["erase", 2], ["erase", undefined]] as const) {
    const all: Loose = { ...options, flip: 0.5, erase: 0.5, [name]: chance };
    await refuses(
      () => bagBatches({ ...source, folders }, list, all),
      "RangeError",
      new RegExp(`${name} is`),
    );
  }
});
