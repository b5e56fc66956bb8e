import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { join } from "node:path";
import { take } from "../../src/data/iter.ts";
import { readBags } from "../../src/data/sources/people/bags.ts";
import { openNumberedFolders } from "../../src/data/sources/people/numbered_folders.ts";
import type { Batch } from "../../src/data/types.ts";
import { openWasm } from "../../src/engine/wasm.ts";
import { initModel } from "../../src/model/init.ts";
import { bagBatches, type BagBatchOptions } from "../../src/reid/weak/batches.ts";
import { resolveConfig } from "../../src/train/config/config.ts";
import { PARTIAL } from "../../src/files/publish.ts";
import { readCheckpoint, saveCheckpoint } from "../../src/train/run/checkpoint.ts";
import { readEvaluations, readMetrics } from "../../src/train/run/metrics_file.ts";
import { initialState, readState } from "../../src/train/state.ts";
import { type Cadence, type Evaluator, EvaluatorError } from "../../src/train/evaluators.ts";
import { WEAK_DEFAULTS } from "../../src/reid/weak/config.ts";
import type { WeakState } from "../../src/reid/weak/step.ts";
import { trainWeakly } from "../../src/reid/weak/train.ts";
import * as tf from "../../src/engine/tensors.ts";
import { reidEvalTask } from "../../tasks/reid/eval.ts";
import { reidTrainTask } from "../../tasks/reid/train.ts";
import { capture } from "../cli/capture.ts";
import { TOY, withFolder } from "../eval/toy.ts";
import { writeSysu } from "./layouts.ts";

const OPTIONS: BagBatchOptions = { height: 16, width: 8, bags: 2, perBag: 4, seed: 3, flip: 0.5, erase: 0.5 };

const hash = ({ epoch, indices, keys, base, labels, next, bad }: Batch) =>
  createHash("sha256").update(JSON.stringify({ epoch, indices, keys, next, bad })).update(base)
    .update(new Uint8Array(labels!.buffer)).digest("hex");

async function opened(folder: string) {
  const source = await openNumberedFolders(join(folder, "sysu_train_set_all"));
  const list = await readBags(join(folder, "bag_level_label.json"), source.folders.map(({ name }) => name));
  return { source, list };
}

async function batches(
  folder: string,
  count: number,
  options: Partial<BagBatchOptions> = {},
): Promise<Batch[]> {
  const { source, list } = await opened(folder);
  try {
    return await Array.fromAsync(take(bagBatches(source, list, { ...OPTIONS, ...options }), count));
  } finally {
    await source.close();
  }
}

Deno.test("bags are read: persons by number, folders in several bags; what does not fit is named", () =>
  withFolder(async (folder) => {
    const path = join(folder, "bags.json"), folders = ["0000000001", "0000000002", "0000000003"];
    const bag = (BagLabel: unknown, BagImages: unknown, BagID: unknown = "bag0000000010") => ({
      BagID,
      BagLabel,
      BagImages,
    });
    const read = async (value: unknown) => {
      await Deno.writeTextFile(path, typeof value === "string" ? value : JSON.stringify(value));
      return await readBags(path, folders);
    };
    assert.deepEqual(
      await read([
        bag([3, 1, 3], ["0000000001/*", "0000000003/*"]),
        bag([3], ["sysu_train_set_all/0000000003/*"], "b"),
      ]),
      {
        identities: [1, 3],
        bags: [
          { id: "bag0000000010", labels: [0, 1], folders: ["0000000001", "0000000003"] },
          { id: "b", labels: [1], folders: ["0000000003"] },
        ],
      },
    );
    const cases: [unknown, RegExp][] = [
      [
        [bag([2, 7], ["0000000002/*"])],
        /bag0000000010 is labelled with person 7, whom the training set does not know/,
      ],
      [
        [bag([2], ["0000000009/*"])],
        /bag0000000010 has pictures in 0000000009, a folder that the training set does not hold/,
      ],
      [[bag([], ["0000000002/*"])], /bag 1: BagLabel must be a list of persons' numbers/],
      [[bag(["2"], ["0000000002/*"])], /bag 1: BagLabel must be/],
      [[bag([2], ["0000000002/1.jpg"])], /bag 1: BagImages has "0000000002\/1\.jpg", no folder/],
      [[bag([2], [])], /bag 1: BagImages must be a list of folders/],
      [[null], /bag 1: BagLabel must be/],
      [{}, /must hold a list of bags/],
      ["[{", /bags\.json: not JSON/],
    ];
    for (const [value, message] of cases) await assert.rejects(read(value), message, JSON.stringify(value));
    await assert.rejects(readBags(join(folder, "none.json"), folders), /none\.json: /);
  }));

Deno.test("batches of bags: each bag once an epoch, its own pictures; the rest from any batch's place is the same", () =>
  withFolder(async (folder) => {
    await writeSysu(folder, { folders: 5, pictures: 6 });
    const all = await batches(folder, 5), { list } = await opened(folder);
    assert.deepEqual(all.map(({ epoch }) => epoch), [0, 0, 1, 1, 2]);
    assert.equal(new Set(all.map(hash)).size, 5);
    const epoch = all.slice(0, 2).flatMap(({ labels }) => [...labels!]);
    assert.deepEqual([...Map.groupBy(epoch, (bag) => bag).values()].map(({ length }) => length), [
      4,
      4,
      4,
      4,
    ]);
    for (const { keys, labels } of all) {
      keys.forEach((key, i) => assert.ok(list.bags[labels![i]].folders.includes(key.split("/")[0]), key));
      assert.equal(new Set(keys).size, 8, "no picture twice while there are others");
    }
    const rest = await batches(folder, 3, { from: all[1].next });
    assert.deepEqual(rest.map(hash), all.slice(2).map(hash));
    // Mirrored and erased pictures differ from plain ones, and only where they are asked for.
    const plain = await batches(folder, 1, { flip: 0, erase: 0 }),
      mirrored = await batches(folder, 1, { flip: 1, erase: 0 });
    const pixel = (batch: Batch, x: number) => [...batch.base.subarray(x * 3, x * 3 + 3)];
    for (let x = 0; x < 8; x++) assert.deepEqual(pixel(mirrored[0], x), pixel(plain[0], 7 - x));
    const [{ base }] = await batches(folder, 1, { flip: 0, erase: 1 });
    const changed = base.filter((value, i) => value !== plain[0].base[i]).length / base.length;
    assert.ok(changed > 0.02 && changed < 0.45, `${changed} of the bytes are erased`);
    await assert.rejects(batches(folder, 1, { bags: 6 }), /a batch takes 6 bags, but there are 5/);
    // A picture that cannot be read: another one takes its place.
    await Deno.writeTextFile(join(folder, "sysu_train_set_all/0000000001/0000000001_1.png"), "no picture");
    const told: string[] = [];
    const [first] = await batches(folder, 1, {
      perBag: 6,
      bags: 5,
      onBad: ({ message }) => told.push(message),
    });
    assert.equal(first.keys.length, 30);
    // The batches ahead have met it, too.
    assert.ok(first.bad >= 1 && told.length >= first.bad, `${first.bad} of ${told.length}`);
    assert.match(told[0], /0000000001_1\.png/);
    assert.ok(!first.keys.some((key) => key.endsWith("0000000001_1.png")));
    // Of 2,000 pictures before, 15 bad ones are no reason to stop; of none before, they are.
    const late = { from: { epoch: 100, position: 0 }, bad: 15 };
    assert.ok((await batches(folder, 1, late))[0].bad >= 15);
    await assert.rejects(
      batches(folder, 1, { bad: 15 }),
      /1[5-9] pictures cannot be read, more than 1 % of those drawn/,
    );
  }));

/** A run folder with one checkpoint of an untrained encoder. */
async function makeEncoder(folder: string, depth = 1): Promise<string> {
  await openWasm();
  const settings = resolveConfig({ ...TOY, depth, data: "elsewhere" });
  const info = {
    config: settings,
    step: 7,
    cursor: { epoch: 0, position: 0 },
    pictures: 1,
    bad: 0,
    engine: "wasm",
    time: "",
  };
  await saveCheckpoint(folder, info, await readState(initialState(settings, 0)), { keep: 1 });
  return folder;
}

Deno.test("task reid train: the loss falls, a run in two parts ends as one without a break, and its encoder is measured", () =>
  withFolder(async (folder) => {
    let encoder = await makeEncoder(join(folder, "encoder"));
    // A name that exists is taken as it stands.
    const root = join(folder, "a,b #1"), data = `sysu:${await writeSysu(root)}`;
    const train = (out: string, ...args: string[]) =>
      capture(reidTrainTask, [
        ...[
          encoder,
          "--data",
          data,
          "--out",
          join(folder, out),
          "--engine",
          "wasm",
          "--size",
          "16,8",
          "--log-every",
          "1",
        ],
        ...["--bags-per-batch", "2", "--per-bag", "3", "--lr", "0.003", "--lr-epochs", "100", ...args],
      ]);
    const whole = await train("whole", "--steps", "12", "--json");
    assert.equal(whole.code, 0, whole.err);
    assert.deepEqual(JSON.parse(whole.out).step, 12);
    assert.match(whole.err, /12 pictures, 4 bags of 4 persons, 2 steps of 2 × 3 pictures an epoch/);
    assert.equal((await train("parts", "--steps", "5", "--flip", "0.5")).code, 0);
    const second = await train("parts", "--steps", "12", "--resume");
    assert.match(second.err, /12 steps, going on after 5/);
    const lines = async (out: string) =>
      (await readMetrics(join(folder, out, "metrics.jsonl"))).map((
        { step, loss, unary, pairwise, triplet, lr },
      ) => [
        ...[step, loss, unary, pairwise, triplet, lr],
      ]);
    const all = await lines("whole");
    assert.deepEqual(await lines("parts"), all);
    const mean = (from: number, to: number) =>
      all.slice(from, to).reduce((sum, [, loss]) => sum + loss!, 0) / (to - from);
    assert.ok(mean(8, 12) < mean(0, 4), `${mean(0, 4)} → ${mean(8, 12)}`);
    const [a, b] = await Promise.all(["whole", "parts"].map((out) => readCheckpoint(join(folder, out))));
    assert.deepEqual(a.tensors, b.tensors);
    assert.ok(Object.hasOwn(a.tensors, "optimizer.v.largest.persons.weight"));

    const measured = await capture(reidEvalTask, [
      join(folder, "whole"),
      "--data",
      data,
      "--size",
      "16,8",
      "--engine",
      "wasm",
    ]);
    assert.equal(measured.code, 0, measured.err);
    assert.match(measured.out, /^CMC@1/);

    const cases: [string[], RegExp][] = [
      [["--resume", "--margin", "2"], /was begun with other settings: margin 1\.2, now 2/],
      [[], /the folder is not empty/],
    ];
    for (const [args, message] of cases) assert.match((await train("parts", ...args)).err, message);
    // The same persons and pictures in other bags are other data.
    const file = join(root, "bag_level_label.json"), bags = await Deno.readTextFile(file);
    const [one, two, ...more] = JSON.parse(bags);
    await Deno.writeTextFile(file, JSON.stringify([two, one, ...more]));
    assert.match(
      (await train("parts", "--resume")).err,
      /was begun with other settings: other bags, or other folders/,
    );
    await Deno.writeTextFile(file, bags);
    // A run that is refused stays as it was.
    const config = () => Deno.readTextFile(join(folder, "parts/config.json")), before = await config();
    const passed: [string, RegExp][] = [
      ["--steps=5", /has done 12 steps .* after 5;.* --steps 12 or more, or --steps 0/],
      ["--epochs=2", /has done 12 steps .* after 4;.* more --epochs$/m],
    ];
    for (const [length, message] of passed) {
      const { code, err } = await train("parts", "--resume", length);
      assert.match(err, message);
      assert.equal(code, 2);
    }
    encoder = await makeEncoder(join(folder, "deeper"), 2);
    assert.match(
      (await train("parts", "--resume", "--steps", "20")).err,
      /is of another encoder: depth 1, now 2/,
    );
    assert.equal(await config(), before);
    encoder = join(folder, "encoder");
    // Also where it ends later, but before its first step; what a killed process has left goes all the same.
    const files = () =>
      Promise.all(
        ["config.json", "metrics.jsonl", "machine.json"].map((name) =>
          Deno.readTextFile(join(folder, "parts", name))
        ),
      );
    const [pictures, whole1] = [join(root, "sysu_train_set_all"), await files()];
    const left = join(folder, `parts/checkpoints/${PARTIAL}step-00000009.safetensors-1`);
    await Deno.writeTextFile(left, "half");
    await Deno.rename(pictures, `${pictures}-whole`);
    for await (const { name } of Deno.readDir(`${pictures}-whole`)) {
      await Deno.mkdir(join(pictures, name), { recursive: true });
      for await (const picture of Deno.readDir(join(`${pictures}-whole`, name))) {
        await Deno.writeTextFile(join(pictures, name, picture.name), "no picture");
      }
    }
    assert.match(
      (await train("parts", "--resume", "--steps", "20", "--keep", "7")).err,
      /has no picture that can be read/,
    );
    assert.deepEqual(await files(), whole1);
    await assert.rejects(Deno.stat(left), Deno.errors.NotFound);
    await Deno.remove(pictures, { recursive: true });
    await Deno.rename(`${pictures}-whole`, pictures);
    assert.equal((await train("parts", "--resume", "--steps", "14", "--keep", "7")).code, 0);
    assert.match(await config(), /"keep": 7/);
    assert.match((await train("short", "--epochs", "0.2")).err, /not one would be done/);
    assert.match((await train("new", "--resume")).err, /holds no run of reid train/);
    assert.match((await train("few", "--bags-per-batch", "9")).err, /a batch takes 9 bags, but there are 4/);
    await Deno.remove(join(root, "bag_level_label.json"));
    assert.match(
      (await train("none")).err,
      /has no bag_level_label\.json, the labels of the bags; name the file by --bags/,
    );
    assert.match(
      (await capture(reidTrainTask, [encoder, "--data", "market:x", "--out", "y"])).err,
      /bags are known of sysu:PATH alone/,
    );
  }));

Deno.test("trainWeakly: evaluators look; a look that failed is made when the run goes on, one of the end anew", () =>
  withFolder(async (folder) => {
    const model = resolveConfig({ ...TOY, depth: 1, data: "elsewhere" }), sysu = await writeSysu(folder);
    const engine = await openWasm(), { source, list } = await opened(sysu);
    const run = async (steps: number, resume: boolean, evaluators: Evaluator<WeakState>[]) => {
      const out = join(folder, "run"),
        size = { height: 16, width: 8 },
        batch = { bagsPerBatch: 2, perBag: 3 };
      const names = { model: "a model", data: source.uri, bags: "bags", out };
      const load = () => Promise.resolve(initModel(model, 0));
      const config = { ...WEAK_DEFAULTS, ...names, ...size, ...batch, steps };
      await trainWeakly(config, { engine, source, list, model, load, resume, evaluators });
      return (await readEvaluations(join(out, "metrics.jsonl"))).map(({ step, seconds: _, ...rest }) => ({
        step,
        ...rest,
      }));
    };
    const tensors = tf.memory().numTensors;
    const probe = (cadence: Cadence, evaluate: Evaluator<WeakState>["evaluate"]) => [{
      name: "probe",
      cadence,
      evaluate,
    }];
    const fails = () => Promise.reject(new Error("no pictures"));
    const looks: Evaluator<WeakState>["evaluate"] = ({ state, step }) => {
      assert.deepEqual(state.params["persons.bias"].shape, [4]);
      return Promise.resolve({ twice: 2 * step });
    };
    await assert.rejects(run(4, false, probe({ steps: 3 }, fails)), EvaluatorError);
    assert.equal((await readCheckpoint(join(folder, "run"))).step, 3);
    const found = (step: number, epoch: number) => ({ step, epoch, evaluator: "probe", twice: 2 * step });
    assert.deepEqual((await run(4, true, probe({ steps: 3, end: true }, looks))).slice(1), [
      found(3, 1),
      found(4, 1),
    ]);
    await assert.rejects(run(5, true, probe({ end: true }, fails)), /after step 5: no pictures/);
    assert.deepEqual((await run(5, true, probe({ end: true }, looks))).at(-1), found(5, 2));
    await source.close();
    assert.equal(tf.memory().numTensors, tensors);
  }));
