/** What a program hands over that is not what is needed: refused by name, before any work and with nothing left behind. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { ablate, type AblateOptions } from "../src/ablate/ablate.ts";
import { checkPlan } from "../src/ablate/check_plan.ts";
import type { AblationPlan } from "../src/ablate/types.ts";
import { openSource } from "../src/data/open/open_data.ts";
import { checkTrainingPictures } from "../src/detect/annotated.ts";
import { resolveDetectConfig } from "../src/detect/config.ts";
import { trainDetector } from "../src/detect/train.ts";
import { openEngine } from "../src/engine/open.ts";
import * as tf from "../src/engine/tensors.ts";
import type { Engine } from "../src/engine/types.ts";
import { segmentationProbe } from "../src/eval/segmentation/probe.ts";
import { readModel } from "../src/eval/stored_model.ts";
import { withinBudget } from "../src/finetune/budget.ts";
import { classifierConfig, resolveFinetuneConfig } from "../src/finetune/config.ts";
import { testPictures } from "../src/finetune/evaluate.ts";
import { finetune, type FinetuneOptions } from "../src/finetune/finetune.ts";
import { checkedPictures, type LabelledPictures, labelledPictures } from "../src/finetune/labelled.ts";
import { predictPictures } from "../src/finetune/predict.ts";
import { encoderSizes } from "../src/model/config.ts";
import { evaluateReid } from "../src/reid/evaluate.ts";
import { checkBags } from "../src/reid/weak/bags.ts";
import { checkWeakConfig, WEAK_DEFAULTS } from "../src/reid/weak/config.ts";
import { trainWeakly } from "../src/reid/weak/train.ts";
import { presetConfig } from "../src/train/config/presets.ts";
import { colourFolders, encoderRun } from "./finetune/fixture.ts";
import { withFolder } from "./with_folder.ts";

/** What a program without types may hand over. */
// deno-lint-ignore no-explicit-any
type Loose = any;

const refuses = async (work: () => unknown, name: string, message: RegExp) =>
  await assert.rejects(async () => await work(), (error: Error) => {
    assert.equal(error.name, name, error.message);
    assert.match(error.message, message);
    return true;
  });

/** Work on a tiny encoder, pictures and an engine; no tensor may be left of it. */
async function withPictures(
  work: (given: {
    engine: Engine;
    pictures: LabelledPictures;
    config: (more?: object) => ReturnType<typeof resolveFinetuneConfig>;
    options: (more?: object) => FinetuneOptions;
    folder: string;
  }) => Promise<void>,
) {
  await withFolder(async (folder) => {
    const encoder = await encoderRun(folder), { train } = await colourFolders(folder);
    const stored = await readModel(encoder), pictures = await labelledPictures(await openSource(train));
    const engine = await openEngine("wasm"), from = stored.tensors;
    const set = { ...encoderSizes(stored.config), model: encoder, data: train, out: join(folder, "run") };
    const before = tf.memory().numTensors;
    try {
      await work({
        ...{ engine, pictures, folder },
        config: (more) => ({ ...resolveFinetuneConfig({ ...set, batchSize: 6, epochs: 1 }), ...more }),
        options: (more) => ({ engine, pictures, from, ...more }),
      });
      assert.equal(tf.memory().numTensors, before);
      await assert.rejects(Deno.stat(set.out), Deno.errors.NotFound);
    } finally {
      await pictures.source.close();
      await engine.close();
    }
  });
}

Deno.test("finetune refuses what it cannot run on", () =>
  withPictures(async ({ pictures, config, options, engine }) => {
    const run = (more: object, settings: object = {}) => () => finetune(config(settings), options(more));
    for (const wrong of [undefined, "wasm", Promise.resolve(engine)]) {
      await refuses(run({ engine: wrong }), "TypeError", /`engine` must be an opened engine/);
    }
    for (const wrong of [undefined, "photos", pictures.source, Promise.resolve(pictures)]) {
      await refuses(run({ pictures: wrong }), "TypeError", /`pictures` must be labelled/);
      await refuses(run({ test: wrong ?? {} }), "TypeError", /`test` must be what `testPictures/);
    }
    const labelled = (labels: Loose, more: object = {}) =>
      run({ pictures: { ...pictures, labels, ...more } });
    await refuses(labelled(pictures.labels.slice(1)), "RangeError", /has 17 labels for 18 pictures/);
    for (const label of [-1, 3]) {
      const message = new RegExp(`picture 4 of .* is of class number ${label}, none of the 3 classes`);
      await refuses(labelled(pictures.labels.with(4, label)), "RangeError", message);
    }
    await refuses(labelled([...pictures.labels]), "TypeError", /labels of `pictures` must be an Int32Array/);
    await refuses(labelled(pictures.labels, { names: ["a", "b", "a"] }), "RangeError", /two classes .* "a"/);
    const test = testPictures(pictures, pictures.names, "train");
    await refuses(
      run({ test: { ...test, labels: test.labels.slice(1) } }),
      "RangeError",
      /`test` has 17 labels/,
    );
    await refuses(
      run({ from: undefined }),
      "ConfigError",
      /to begin from .*encoder, but `from` has no tensors/,
    );
    await refuses(run({}, { freeze: 9 }), "ConfigError", /freeze is 9, but the encoder has only 2 blocks/);
    await refuses(run({ signal: true }), "TypeError", /`signal` must be an AbortSignal/);
    await refuses(run({ progress: {} }), "TypeError", /`progress` has no function `line`/);
    const look = { name: "look", cadence: { end: true }, evaluate: () => Promise.resolve({}) };
    await refuses(run({ evaluators: look }), "TypeError", /`evaluators` must be a list/);
    await refuses(run({ evaluators: [null] }), "TypeError", /needs a cadence and a function/);
    await refuses(run({ evaluators: [{ ...look, evaluate: 1 }] }), "TypeError", /evaluator look: needs/);
    await refuses(
      run({ test, evaluators: [{ ...look, name: "test" }] }),
      "RangeError",
      /as the training's own/,
    );
  }));

Deno.test("the labels that are given are learned from, whatever the source's records say", () =>
  withPictures(async ({ pictures }) => {
    const labels = pictures.labels.map((label) => (label + 1) % 3),
      { source } = checkedPictures({ ...pictures, labels });
    for (const i of [0, 7, 17]) {
      assert.equal((await source.get(i)).label, labels[i]);
    }
  }));

Deno.test("predictions, budgets: sources, parameters and numbers that are none", () =>
  withPictures(async ({ engine, pictures, config }) => {
    const { source } = pictures, params = { "head.bias": tf.zeros([3]) };
    const base = { engine, config: classifierConfig(config()), params, evalShare: 0.9 };
    const predict = (of: Loose, more: Loose = {}) => () =>
      Array.fromAsync(predictPictures(of, { ...base, ...more }));
    for (const wrong of ["photos", undefined, Promise.resolve(source)]) {
      await refuses(predict(wrong), "TypeError", /`source` must be pictures by index/);
      await refuses(
        () => labelledPictures(wrong as Loose),
        "TypeError",
        /`source` must be pictures by index/,
      );
    }
    await refuses(predict(source, { engine: "wasm" }), "TypeError", /`engine` must be/);
    await refuses(predict(source, { params: {} }), "TypeError", /`params` has no tensor head\.bias/);
    // The head fits, the encoder is missing: what was put on the engine is given back.
    await refuses(predict(source), "RangeError", /parameters do not fit the configuration/);
    for (const evalShare of [0, -1, NaN, 2]) {
      await refuses(predict(source, { evalShare }), "RangeError", /evalShare is/);
    }
    for (const share of [0, -1, NaN, 2]) {
      await refuses(() => withinBudget(pictures, { share }, 0), "RangeError", /share is/);
    }
    for (const perClass of [-1, NaN, 1.5]) {
      await refuses(() => withinBudget(pictures, { perClass }, 0), "RangeError", /perClass must be a whole/);
    }
    assert.deepEqual([...(await withinBudget(pictures, { perClass: 1 }, 0)).pictures.labels], [0, 1, 2]);
    tf.dispose(params);
  }));

Deno.test("trainDetector refuses pictures without objects, and objects that are none", () =>
  withPictures(async ({ engine, pictures, config, options }) => {
    const { preset: _, ...sizes } = encoderSizes(config()) as Loose;
    const settings = resolveDetectConfig({ ...sizes, fromScratch: true, out: config().out, batchSize: 2 });
    const train = (more: object) => () =>
      trainDetector(settings, { ...options({ from: undefined }), ...more } as Loose);
    await refuses(train({ engine: undefined }), "TypeError", /`engine` must be/);
    for (const wrong of [undefined, pictures, pictures.source]) {
      await refuses(train({ pictures: wrong }), "TypeError", /`pictures` must be what `trainingPictures/);
    }
    const one = { width: 16, height: 16, crowd: Uint8Array.of(0) };
    const of = (boxes: number[], kind: number): Loose => ({
      ...{ names: ["a", "b"], most: 1, objects: 1, notes: [] },
      source: {
        ...{ uri: "made", length: 1 },
        objects: () => ({ ...one, boxes: Float64Array.from(boxes), classes: Int32Array.of(kind) }),
      },
    });
    checkTrainingPictures(of([1, 2, 9, 9], 1));
    for (const kind of [-1, 2]) {
      await refuses(
        train({ pictures: of([1, 2, 9, 9], kind) }),
        "RangeError",
        /class number .*, none of the 2 classes/,
      );
    }
    for (const boxes of [[1, 2, NaN, 9], [1, 2, 9]]) {
      await refuses(
        train({ pictures: of(boxes, 0) }),
        "RangeError",
        /made: picture 0: its 1 boxes are not four finite/,
      );
    }
    await refuses(
      train({ pictures: of([1, 2, 9, 9], 0), test: {} }),
      "TypeError",
      /`test` must be what `await testObjects/,
    );
    await refuses(
      () => trainDetector({ ...settings, freeze: 9 }, { engine, pictures: of([1, 2, 9, 9], 0) }),
      "ConfigError",
      /freeze is 9/,
    );
  }));

Deno.test("re-identification: settings, bags and sides that cannot be", async () => {
  const good: Loose = { ...WEAK_DEFAULTS, model: "m", data: "d", bags: "b", out: "o" };
  checkWeakConfig(good);
  checkWeakConfig({ ...good, lrEpochs: [] });
  const wrong = [{ perBag: 1.5 }, { bagsPerBatch: -1 }, { lr: NaN }, { flip: 2 }, { out: undefined }, {
    typo: 1,
  }];
  for (const one of [...wrong, { seed: -1 }, { steps: 0.5 }, { lrEpochs: [NaN] }, { task: "finetune" }]) {
    assert.throws(() => checkWeakConfig({ ...good, ...one }), {
      name: "ConfigError",
      message: new RegExp(
        Object.keys(one)[0] === "task" ? "settings of deno task finetune" : Object.keys(one)[0],
      ),
    });
  }
  const source: Loose = {
    uri: "made",
    folders: [{ name: "1", from: 0, to: 2 }, { name: "2", from: 2, to: 2 }],
    get() {},
  };
  const bags = (labels: number[], folders: string[]): Loose => ({
    identities: [7],
    bags: [{ id: "x", labels, folders }],
  });
  checkBags(source, bags([0], ["1"]));
  const cases: [number[], string[], RegExp][] = [
    [[1], ["1"], /x is labelled with person number 1, none of the list's 1 persons/],
    [[], ["1"], /x is labelled with nobody/],
    [[0], ["3"], /x has pictures in 3, which is not there/],
    [[0], ["2"], /x has no picture/],
  ];
  for (const [labels, folders, message] of cases) {
    assert.throws(() => checkBags(source, bags(labels, folders)), { name: "RangeError", message });
  }
  const engine: Loose = { jit() {}, bytes() {} };
  await refuses(() => trainWeakly(good, {} as Loose), "TypeError", /`engine` must be/);
  await refuses(
    () => trainWeakly(good, { engine } as Loose),
    "TypeError",
    /`source` must be pictures by folders/,
  );
  const sides: Loose = { engine, query: "q.npy", gallery: "g.npy", features: "f" };
  const of = (more: object) => () => evaluateReid({ ...sides, ...more });
  await refuses(of({ query: Promise.resolve({}) }), "TypeError", /`query` must be pictures by index/);
  for (const features of [undefined, ""]) {
    await refuses(of({ features }), "TypeError", /`features` must name/);
  }
  await refuses(of({ model: {} }), "TypeError", /`model` must have its name, config and state/);
  await refuses(of({ token: "x" }), "RangeError", /token is x/);
  await refuses(of({ seed: -1 }), "RangeError", /seed is -1/);
  await refuses(
    of({ examples: { queries: 1, nearest: NaN } }),
    "RangeError",
    /nearest of `examples` must be/,
  );
});

Deno.test("segmentation and ablations: lists, numbers and plans that cannot be", async () => {
  const engine: Loose = { jit() {}, bytes() {} }, file = { name: "a", picture: "a.png", mask: "b.png" };
  const base: Loose = { engine, config: {}, state: { params: {} }, train: [file], test: [file] };
  const probe = (more: object) => () => segmentationProbe({ ...base, ...more });
  for (const part of ["train", "test"]) {
    await refuses(
      probe({ [part]: Promise.resolve([file]) }),
      "TypeError",
      new RegExp(`\`${part}\` must be pictures`),
    );
    await refuses(probe({ [part]: [] }), "RangeError", new RegExp(`\`${part}\` has no picture`));
  }
  for (const name of ["epochs", "batchSize", "embedBatch"]) {
    for (const value of [0, -1, NaN, 1.5]) {
      await refuses(probe({ [name]: value }), "RangeError", new RegExp(`${name} must be a whole number`));
    }
  }
  await refuses(probe({ lr: NaN }), "RangeError", /lr is NaN/);
  const variant = { name: "full", does: "x", settings: {} };
  const plan: Loose = { given: {}, variants: [variant], baselines: [], seeds: [0], pictures: 8 };
  checkPlan(plan);
  // A whole configuration, as a program may hand it over.
  checkPlan({ ...plan, given: presetConfig("demo") });
  const wrong: [Partial<Record<keyof AblationPlan, unknown>>, RegExp][] = [
    [{ variants: undefined }, /`variants` must be a list/],
    [{ variants: ["full"] }, /"full" is no variant/],
    [{ variants: [{ ...variant, name: "../x" }] }, /is no variant/],
    [{ variants: [variant, variant] }, /has full twice/],
    [{ variants: [{ ...variant, settings: { steps: 5 } }] }, /^variant full: steps is the same for all/],
    [{ given: { init: "w.pth" } }, /`given` has init: runs of an ablation begin with random weights/],
    [{ given: { process: "0/2" } }, /`given` has process/],
    [{ variants: [] }, /no variant, or no seed/],
    [{ seeds: [] }, /no variant, or no seed/],
    [{ seeds: [3, 3] }, /has 3 twice/],
    [{ seeds: [NaN] }, /seed is NaN/],
    [{ baselines: ["x"] }, /"x" is no baseline/],
    [{ pictures: NaN }, /`pictures` is NaN/],
  ];
  for (const [more, message] of wrong) {
    assert.throws(() => checkPlan({ ...plan, ...more }), { name: "ConfigError", message });
  }
  const run = (more: object) => () =>
    ablate(plan, { engine, out: "o", progress() {}, ...more } as unknown as AblateOptions);
  await refuses(run({ engine: "wasm" }), "TypeError", /`engine` must be/);
  await refuses(run({ data: "photos" }), "TypeError", /`data.gallery` must be pictures by index/);
});
