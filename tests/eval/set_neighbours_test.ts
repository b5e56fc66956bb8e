import assert from "node:assert/strict";
import { join } from "node:path";
import { EMBEDDING_FORMATS } from "../../src/eval/embedding/open.ts";
import { pickSet, readFeatures } from "../../src/eval/feature_set.ts";
import { measure } from "../../src/eval/measure.ts";
import { setNeighbours } from "../../src/eval/set_neighbours.ts";
import { randomStream } from "../../src/random.ts";
import { testEngine } from "../model/fixtures.ts";
import { writeSet } from "./search/made_up.ts";
import { withFolder } from "./toy.ts";

const engine = await testEngine();

/** Pictures of three classes around points of their own; every seventh has no class. */
function pictures(count: number, seed: number) {
  const stream = randomStream(seed, "test");
  return Array.from({ length: count }, (_, i) => {
    const features = Array.from({ length: 5 }, (_, j) => stream.normal() + (j === i % 3 ? 2 : 0));
    return [`${i}.png`, features, i % 7 === 6 ? undefined : i % 3] as const;
  });
}

Deno.test("neighbours of a gallery that stays in its file are those of one in memory, for every format", () =>
  withFolder(async (folder) => {
    const classes = ["a", "b", "c"];
    const queries = await writeSet(join(folder, "test.npy"), { pictures: pictures(20, 2), classes });
    const { set: asked } = await readFeatures(queries);
    for (const { ending } of EMBEDDING_FORMATS) {
      const path = await writeSet(join(folder, `train${ending}`), { pictures: pictures(90, 1), classes });
      const whole = await readFeatures(path), stored = await readFeatures(path, { stored: true });
      assert.equal(stored.set.class, undefined, "nothing is read");
      assert.deepEqual([stored.set.labels, stored.set.keys], [whole.set.labels, whole.set.keys]);
      assert.ok(stored.set.unlabelled > 0);
      const some = Array.from({ length: 40 }, (_, i) => 70 - i);
      for (const test of [asked, null]) {
        for (const pick of [false, true]) {
          const of = (set: typeof whole.set) => pick ? pickSet(set, some.toSorted((a, b) => a - b)) : set;
          const wanted = await setNeighbours(engine, of(whole.set), test, "class", 4);
          const found = await setNeighbours(engine, of(stored.set), test, "class", 4);
          assert.deepEqual(found.indices, wanted.indices, `${ending} ${test?.uri} ${pick}`);
          wanted.cosines.forEach((cosine, i) => assert.ok(Math.abs(found.cosines[i] - cosine) < 1e-5));
        }
      }
      // What is measured is the same, and the file is closed at the end.
      const train = path, test = queries, how = { engine, train, test, k: [3], shots: [1], tries: 1 };
      const streamed = await measure({ ...how, protocols: ["knn"] });
      const { rows } = await measure({ ...how, protocols: ["knn", "fewshot"] });
      assert.deepEqual(streamed.rows, rows.filter(({ protocol }) => protocol === "knn"));
      stored.close();
    }
  }));

Deno.test("pictures whose features are all 0 are nobody's neighbours, in memory and in a file", () =>
  withFolder(async (folder) => {
    const features = [[1, 0], [0, 0], [-1, .1], [0, 0], [-1, -.2]], classes = ["a", "b"];
    const path = await writeSet(join(folder, "train.safetensors"), {
      pictures: features.map((row, i) => [`${i}.png`, row, i % 2] as const),
      classes,
    });
    const queries = await writeSet(join(folder, "test.npy"), { pictures: [["q.png", [1, .5], 0]], classes });
    const { set: asked } = await readFeatures(queries);
    for (const stored of [false, true]) {
      const { set, close } = await readFeatures(path, { stored });
      const near = async (
        test: typeof asked | null,
        k: number,
      ) => [...(await setNeighbours(engine, set, test, "class", k)).indices];
      assert.deepEqual(await near(asked, 5), [0, 2, 4, -1, -1]);
      assert.deepEqual((await near(null, 3)).slice(0, 3), [4, 2, -1]);
      close();
    }
  }));

Deno.test("neighbours of a gallery that stays in its file: a feature that is no number is told by its picture's name", () =>
  withFolder(async (folder) => {
    const spoilt = pictures(9, 1).map(([key, features, label]) =>
      [key, key === "4.png" ? [1, NaN, 0, 0, 0] : features, label] as const
    );
    const classes = ["a", "b", "c"];
    const train = await writeSet(join(folder, "nan.safetensors"), { pictures: spoilt, classes });
    const test = await writeSet(join(folder, "test.safetensors"), { pictures: pictures(9, 2), classes });
    for (const sets of [{ train, test }, { train }]) {
      await assert.rejects(
        measure({ engine, ...sets, k: [2], protocols: ["knn"] }),
        /nan\.safetensors: 4\.png: its features are not finite numbers/,
      );
    }
  }));
