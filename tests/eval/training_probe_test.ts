import assert from "node:assert/strict";
import { join } from "node:path";
import { openSource } from "../../src/data/open/open_data.ts";
import * as tf from "../../src/engine/tensors.ts";
import { openWasm } from "../../src/engine/wasm.ts";
import { openTrainingProbe, trainingProbe } from "../../src/eval/training_probe.ts";
import { resolveConfig, storedConfig } from "../../src/train/config/config.ts";
import type { RunConfig } from "../../src/train/config/settings.ts";
import { type Best, readBest } from "../../src/train/run/best.ts";
import { readCheckpoint } from "../../src/train/run/checkpoint.ts";
import { planRun } from "../../src/train/run/plan.ts";
import { readEvaluations, readMetrics } from "../../src/train/run/metrics_file.ts";
import { disposeTree } from "../../src/train/state.ts";
import { train } from "../../src/train/train.ts";
import { MINUSCULE, writePictures } from "../train/fixture.ts";
import { colourFolder, withFolder } from "./toy.ts";

const engine = await openWasm();

/** What a run's evaluators have found, by step. */
const found = async (run: string) =>
  (await readEvaluations(join(run, "metrics.jsonl"))).map(({ seconds: _, ...line }) => line);

/** The figures of its steps that do not depend on the clock. */
const figures = async (run: string) =>
  (await readMetrics(join(run, "metrics.jsonl"))).map(({ imagesPerSecond: _, waiting: __, ...rest }) => rest);

Deno.test("a run is measured while it trains, no bit of it changes, and its best state is kept, resumed or not", () =>
  withFolder(async (folder) => {
    await writePictures(join(folder, "pictures"), 13);
    const evalTrain = await colourFolder(join(folder, "gallery"), 3);
    const evalData = await colourFolder(join(folder, "queries"), 2, ["green", "red"]);
    const source = await openSource(join(folder, "pictures"));
    const named: Best[][] = [];
    const run = async (name: string, change: Partial<RunConfig>) => {
      const out = join(folder, name),
        base = { ...MINUSCULE, data: source.uri, out, epochs: 2, keep: 1, ema: true };
      const config = resolveConfig(base, change);
      const probe = await openTrainingProbe(config, () => {});
      const evaluators = await probe?.evaluators(engine);
      const { state, best } = await train(config, { engine, source, evaluators });
      disposeTree(state);
      named.push(best);
      await probe?.close();
      return out;
    };
    const plain = await run("plain", {}), tensors = tf.memory().numTensors;
    const looking = { evalData, evalTrain, evalEvery: .7, evalLinear: true };
    const looked = await run("looked", looking);
    // Stopped after step 3, and gone on with from there.
    await run("parts", { ...looking, steps: 3 });
    const parts = await run("parts", { ...looking, resume: true });
    assert.equal(tf.memory().numTensors, tensors, "tensors are left over");
    const lines = await found(looked);
    assert.deepEqual(
      lines.map(({ step, evaluator }) => [step, evaluator]),
      [2, 4, 6].flatMap((step) => [
        [step, "knn"],
        [step, "linear"],
      ]),
    );
    for (const { top1, top5 } of lines) assert.ok(Number(top1) > .4 && top5 === 1, `${top1} ${top5}`);
    // The part that ended after step 3 had its end there.
    assert.deepEqual((await found(parts)).filter(({ step }) => step !== 3), lines);
    const wanted = await readCheckpoint(plain), best = (await readBest(looked, "knn top1"))!;
    for (const other of [looked, parts]) {
      assert.deepEqual(await figures(other), await figures(plain));
      const { tensors } = await readCheckpoint(other);
      for (const [name, { data }] of Object.entries(wanted.tensors)) {
        assert.deepEqual(tensors[name].data, data, name);
      }
    }
    const shares = lines.filter(({ evaluator }) => evaluator === "knn").map(({ step, top1 }) => ({
      step,
      top1: top1 as number,
    }));
    const highest = Math.max(...shares.map(({ top1 }) => top1));
    assert.deepEqual([best.value, best.step], [highest, shares.find(({ top1 }) => top1 === highest)!.step]);
    assert.equal(best.path, join(looked, "checkpoints", "best-knn-top1.safetensors"));
    assert.equal((await readCheckpoint(best.path)).step, best.step);
    // `keep` leaves it, and a resumed run does not begin there.
    assert.deepEqual([...Deno.readDirSync(join(looked, "checkpoints"))].map(({ name }) => name).sort(), [
      "best-knn-top1.safetensors",
      "step-00000006.safetensors",
    ]);
    const last = (await readBest(parts, "knn top1"))!;
    assert.equal(last.value, highest);
    assert.deepEqual([named[0], named[1], named.at(-1)], [[], [best], [last]], "the result names it");
    await source.close();
  }));

Deno.test("the best state: a higher figure replaces it, an equal one does not, other pictures begin anew", () =>
  withFolder(async (folder) => {
    await writePictures(join(folder, "pictures"), 13);
    const source = await openSource(join(folder, "pictures")), out = join(folder, "run"), said: string[] = [];
    const values = [.5, .25, .5, .75, NaN, .1];
    const run = async (steps: number, on: string, resume: boolean) => {
      const config = resolveConfig({ ...MINUSCULE, data: source.uri, out, epochs: 2, steps, resume });
      const evaluate = ({ step }: { step: number }) => Promise.resolve({ share: values[step - 1] });
      const evaluator = { name: "x/y", cadence: { steps: 1 }, best: { value: "share", on }, evaluate };
      const progress = {
        line: (text: string) => void said.push(text),
        status: () => {},
        step: () => {},
        close: () => {},
      };
      const result = await train(config, { engine, source, evaluators: [evaluator], progress });
      disposeTree(result.state);
      const kept = await readBest(out, "x/y share");
      assert.deepEqual(result.best, kept?.on === on ? [kept] : []);
      return kept;
    };
    assert.deepEqual([(await run(3, "a", false))!.step, (await readBest(out, "x/y share"))!.value], [1, .5]);
    const best = (await run(5, "a", true))!;
    assert.deepEqual([best.step, best.value, best.path.endsWith("best-x-y-share.safetensors")], [
      4,
      .75,
      true,
    ]);
    assert.deepEqual(said.filter((text) => text.startsWith("best")).map((text) => text.split(":")[0]), [
      "best       x/y share 0.5 after step 1",
      "best       x/y share 0.75 after step 4",
    ]);
    assert.equal((await run(6, "b", true))!.value, .1);
    await source.close();
  }));

Deno.test("evaluation while training: what cannot be measured is refused before the run", () =>
  withFolder(async (folder) => {
    const settings = (change: Partial<RunConfig>) =>
      resolveConfig({ ...MINUSCULE, data: "elsewhere" }, change);
    assert.throws(() => settings({ evalLinear: true }), /--eval-linear needs --eval-data/);
    assert.throws(() => settings({ evalTrain: "x" }), /--eval-train needs --eval-data/);
    assert.throws(() => settings({ evalData: "x", evalLinear: true }), /--eval-linear needs --eval-train/);
    assert.throws(() => settings({ evalData: "x", evalTeacher: true }), /only a run with --ema has/);
    assert.equal(await openTrainingProbe(settings({}), () => {}), null);
    // Secrets of these addresses are not stored either, and are asked for again.
    const evalData = "https://me:pw@host/a.tar",
      stored = storedConfig(settings({ evalData, evalTrain: evalData }));
    assert.deepEqual([stored.evalData, stored.evalTrain], Array(2).fill("https://REDACTED@host/a.tar"));
    await assert.rejects(planRun({ ...stored, evalData: "" }, {}), /--eval-train needs --eval-data/);
    await assert.rejects(
      planRun({ ...stored, evalTrain: "" }, {}),
      /Give the whole address again, with --eval-data/,
    );
    await assert.rejects(
      openTrainingProbe(settings({ evalData: join(folder, "none") }), () => {}),
      /no such file/,
    );
    const one = await openSource(await colourFolder(join(folder, "one"), 2, ["red"]));
    const look = { engine, config: settings({}), every: 1 };
    await assert.rejects(trainingProbe({ ...look, test: one }), /has one class only, "red"/);
    const two = await openSource(await colourFolder(join(folder, "two"), 2, ["red", "green"]));
    await assert.rejects(
      trainingProbe({ ...look, test: two, linear: true }),
      /needs training pictures apart/,
    );
    // Each against all others, fewer than twenty.
    const [knn] = await trainingProbe({ ...look, test: two });
    assert.deepEqual([knn.name, knn.cadence], ["knn", { epochs: 1, end: true }]);
    for (const source of [one, two]) await source.close();
  }));
