import assert from "node:assert/strict";
import { join } from "node:path";
import fc from "npm:fast-check@4.10.2";
import { openSource } from "../../src/data/open/open_data.ts";
import type { Source } from "../../src/data/types.ts";
import * as tf from "../../src/engine/tensors.ts";
import type { Engine } from "../../src/engine/types.ts";
import { openWasm } from "../../src/engine/wasm.ts";
import { embedder } from "../../src/eval/embed.ts";
import { resolveConfig } from "../../src/train/config/config.ts";
import type { RunConfig } from "../../src/train/config/settings.ts";
import { type Cadence, type Evaluator, EvaluatorError, isDue } from "../../src/train/evaluators.ts";
import { readCheckpoint } from "../../src/train/run/checkpoint.ts";
import { readEvaluations, readMetrics } from "../../src/train/run/metrics_file.ts";
import { openLines } from "../../src/cli/lines.ts";
import { runProgress, silent } from "../../src/train/show/progress.ts";
import { disposeTree } from "../../src/train/state.ts";
import { train, type TrainOptions } from "../../src/train/train.ts";
import { MINUSCULE, writePictures } from "./fixture.ts";

interface Given {
  engine: Engine;
  source: Source;
  /** Trains 9 steps, 3 an epoch, in a folder of this name; gives its path. */
  run(name: string, options: Partial<TrainOptions>, change?: Partial<RunConfig>): Promise<string>;
}

async function withRuns(test: (given: Given, folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir(), engine = await openWasm();
  await writePictures(join(folder, "pictures"), 13);
  const source = await openSource(join(folder, "pictures"));
  const run: Given["run"] = async (name, options, change) => {
    const out = join(folder, name), data = source.uri;
    const config = resolveConfig({ ...MINUSCULE, data, out, epochs: 3, keep: 9 }, change ?? {});
    disposeTree((await train(config, { engine, source, ...options })).state);
    return out;
  };
  try {
    await test({ engine, source, run }, folder);
  } finally {
    await source.close();
    await Deno.remove(folder, { recursive: true });
  }
}

/** An evaluator that notes after which steps it looked. */
function watcher(name: string, cadence: Cadence): Evaluator & { steps: number[] } {
  const steps: number[] = [];
  const evaluate: Evaluator["evaluate"] = ({ step, epoch, total }) => {
    assert.equal(total, 9);
    assert.equal(epoch, Math.ceil(step / 3) - 1);
    steps.push(step);
    return Promise.resolve({ [`${name}Value`]: step / 8 });
  };
  return { name, cadence, evaluate, steps };
}

/** The figures that do not depend on the clock. */
const figures = async (run: string) =>
  (await readMetrics(join(run, "metrics.jsonl"))).map(({ imagesPerSecond: _, waiting: __, ...rest }) => rest);

Deno.test("an evaluator changes no bit of the training, in one go or resumed", () =>
  withRuns(async ({ engine, source, run }) => {
    const plain = await run("plain", {}, { ema: true });
    const config = resolveConfig({ ...MINUSCULE, data: source.uri }), tensors = tf.memory().numTensors;
    const pixels = new Uint8Array(2 * 16 * 16 * 3).map((_, i) => i % 251), seen: number[] = [];
    const probe: Evaluator = {
      name: "probe",
      cadence: { steps: 2, checkpoints: true, end: true },
      evaluate: async ({ state }) => {
        const found = await embedder(engine, config, { batchSize: 2 }).pictures(state, pixels);
        seen.push(found.class.data[0]);
        return { feature: found.class.data[0] };
      },
    };
    const change = { ema: true, checkpointSteps: 3 };
    const looked = await run("looked", { evaluators: [probe] }, change);
    await run("parts", { evaluators: [probe] }, { ...change, steps: 4 });
    const parts = await run("parts", { evaluators: [probe] }, { ...change, resume: true });
    assert.equal(new Set(seen.slice(0, 6)).size, 6, "it sees the state of its own step");
    assert.equal(tf.memory().numTensors, tensors);
    const wanted = await readCheckpoint(plain);
    for (const other of [looked, parts]) {
      assert.deepEqual(await figures(other), await figures(plain));
      const { tensors } = await readCheckpoint(other);
      for (const [name, { data }] of Object.entries(wanted.tensors)) {
        assert.deepEqual(tensors[name].data, data, name);
      }
      const values = (await readEvaluations(join(other, "metrics.jsonl"))).map((
        line,
      ) => [line.step, line.feature]);
      const all = [2, 3, 4, 6, 8, 9].map((step, i) => [step, seen[i]]);
      // The part that ended after step 4 had its end there.
      assert.deepEqual(values, all);
    }
  }));

Deno.test("evaluators look at their cadences; what they find is in the metrics and in what is said", () =>
  withRuns(async ({ run }) => {
    const all = [
      watcher("often", { steps: 2 }),
      watcher("epochs", { epochs: 1 }),
      watcher("kept", { checkpoints: true }),
      watcher("late", { end: true }),
      watcher("mixed", { steps: 4, epochs: 2, end: true }),
    ];
    let said = "", time = 0;
    const progress = runProgress(openLines({
      write: (text) => said += text,
      terminal: false,
      now: () => time += 11_000,
    }));
    const out = await run("run", { evaluators: all, progress }, { checkpointSteps: 5 });
    assert.deepEqual(all.map(({ steps }) => steps), [[2, 4, 6, 8], [3, 6, 9], [5, 9], [9], [4, 6, 8, 9]]);
    const lines = await readEvaluations(join(out, "metrics.jsonl"));
    assert.deepEqual(
      lines.filter(({ step }) => step === 6).map(({ seconds, ...rest }) => [typeof seconds, rest]),
      [
        ["number", { step: 6, epoch: 1, evaluator: "often", oftenValue: 0.75 }],
        ["number", { step: 6, epoch: 1, evaluator: "epochs", epochsValue: 0.75 }],
        ["number", { step: 6, epoch: 1, evaluator: "mixed", mixedValue: 0.75 }],
      ],
    );
    assert.deepEqual((await readMetrics(join(out, "metrics.jsonl"))).map(({ step }) => step), [
      ...[1, 2, 3, 4, 5, 6, 7, 8, 9],
    ]);
    assert.match(said, /^often {6}step 4: oftenValue 0\.5$/m);
    assert.match(said, /^step 7\/9 .*\) {2}often oftenValue 0\.75 {2}epochs epochsValue 0\.75 .*images/m);
    // Those of the end look when the last checkpoint is there.
    assert.match(said, /step 9 of 9: .*step-00000009\.safetensors\n(.*\n)*late {7}step 9: lateValue 1\.125/);

    // A run that is complete is looked at again: that is how an evaluation that was stopped is made up for.
    await run("run", { evaluators: [all[3]] }, { resume: true });
    assert.deepEqual(all[3].steps, [9, 9]);
    const last = (await readEvaluations(join(out, "metrics.jsonl"))).filter(({ step }) => step === 9);
    assert.deepEqual(last.map(({ evaluator }) => evaluator).sort(), ["epochs", "kept", "late", "mixed"]);
  }));

Deno.test("epochs are counted in steps, also parts of them", () => {
  const counts = fc.record({
    perEpoch: fc.integer({ min: 1, max: 50 }),
    epochs: fc.oneof(fc.integer({ min: 1, max: 5 }), fc.constantFrom(0.5, 0.25, 0.1, 1.5)),
  });
  fc.assert(fc.property(counts, ({ perEpoch, epochs }) => {
    const steps = 20 * perEpoch, due: number[] = [];
    for (let step = 1; step <= steps; step++) if (isDue({ epochs }, step, perEpoch, true)) due.push(step);
    const span = Math.max(1, epochs * perEpoch);
    assert.deepEqual(due, Array.from({ length: due.length }, (_, i) => Math.round((i + 1) * span)));
    assert.ok(Math.round((due.length + 1) * span) > steps);
  }));
});

Deno.test("an evaluator that fails ends the run with a checkpoint of the state that it saw", () =>
  withRuns(async ({ run }, folder) => {
    const failing: Evaluator = {
      name: "probe",
      cadence: { steps: 4 },
      evaluate: () => Promise.reject(new Error("no pictures")),
    };
    const drawn: number[] = [];
    const draws: Evaluator = {
      ...{ name: "draws", cadence: { steps: 2 } },
      evaluate: ({ step }) => (drawn.push(step), Promise.resolve({})),
    };
    const before = tf.memory().numTensors;
    await assert.rejects(
      run("run", { evaluators: [failing, draws] }),
      (e) => e instanceof EvaluatorError && e.message === "evaluator probe, after step 4: no pictures",
    );
    assert.equal(tf.memory().numTensors, before);
    assert.equal((await readCheckpoint(join(folder, "run"))).step, 4);
    // A resume begins with the looks that are missing, those behind the one that failed too, and with no other one.
    const probe = watcher("probe", { steps: 4 }), late = watcher("late", { checkpoints: true });
    await run("run", { evaluators: [probe, draws, late] }, { resume: true });
    assert.deepEqual([probe.steps, drawn, late.steps], [[4, 8], [2, 4, 6, 8], [9]]);
    await run("run", {}, { resume: true });
    await run("whole", {});
    assert.deepEqual(await figures(join(folder, "run")), await figures(join(folder, "whole")));
    // What a program throws may be anything.
    const bare: Evaluator = { ...failing, evaluate: () => Promise.reject("no pictures") };
    await assert.rejects(run("bare", { evaluators: [bare] }), /evaluator probe, after step 4: no pictures$/);
    const made = watcher("probe", { steps: 4 });
    await run("bare", { evaluators: [made] }, { resume: true });
    assert.deepEqual(made.steps, [4, 8]);
    const ends: Evaluator = { ...failing, cadence: { end: true } };
    await assert.rejects(run("end", { evaluators: [ends] }), /after step 9: no pictures/);
    assert.equal((await readCheckpoint(join(folder, "end"))).step, 9);
    const greedy: Evaluator = {
      ...failing,
      evaluate: ({ state }) => {
        state.params["head.mask_feat"].dispose();
        return Promise.resolve({});
      },
    };
    await assert.rejects(
      run("greedy", { evaluators: [greedy] }),
      /disposed tensors of the state, .*only read/,
    );
  }));

Deno.test("a run that is asked to stop is not evaluated any more", () =>
  withRuns(async ({ run }, folder) => {
    const stop = new AbortController(),
      late = watcher("late", { end: true }),
      after = watcher("after", { end: true });
    const progress = { ...silent, step: ({ step }: { step: number }) => step === 5 && stop.abort() };
    await run("run", { evaluators: [late], progress, signal: stop.signal });
    assert.deepEqual(late.steps, []);
    const first: Evaluator = { ...late, evaluate: (at) => (again.abort(), late.evaluate(at)) };
    const again = new AbortController();
    await run("run", { evaluators: [first, after], signal: again.signal }, { resume: true });
    assert.deepEqual([late.steps, after.steps], [[9], []]);
    assert.equal((await readCheckpoint(join(folder, "run"))).step, 9);
  }));

Deno.test("evaluators that cannot be used are refused before anything is written", () =>
  withRuns(async ({ run }, folder) => {
    const refused = async (evaluators: Evaluator[], message: RegExp) => {
      await assert.rejects(
        run("run", { evaluators }),
        (e) => e instanceof RangeError && message.test(e.message),
      );
      await assert.rejects(Deno.stat(join(folder, "run")), Deno.errors.NotFound);
    };
    await refused([watcher("a", {})], /a would never look.*steps, epochs, checkpoints or end/);
    await refused([watcher("a", { steps: 0 })], /steps is 0/);
    await refused([watcher("a", { epochs: -1 })], /epochs is -1/);
    await refused([watcher("a", { end: true }), watcher("a", { end: true })], /two evaluators are named "a"/);
    const evaluate = () => Promise.resolve({ loss: 1 });
    await assert.rejects(
      run("taken", { evaluators: [{ name: "a", cadence: { steps: 1 }, evaluate }] }),
      /a gives "loss", a name that is taken/,
    );
  }));
