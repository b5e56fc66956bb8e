import assert from "node:assert/strict";
import { join } from "node:path";
import { openSource } from "../../../src/data/open/open_data.ts";
import { openWasm } from "../../../src/engine/wasm.ts";
import { resolveConfig } from "../../../src/train/config/config.ts";
import type { Evaluator } from "../../../src/train/evaluators.ts";
import { readCheckpoint } from "../../../src/train/run/checkpoint.ts";
import { readMetrics } from "../../../src/train/run/metrics_file.ts";
import { disposeTree } from "../../../src/train/state.ts";
import { train } from "../../../src/train/train.ts";
import { withFolder } from "../../with_folder.ts";
import { MINUSCULE, writePictures } from "../fixture.ts";

Deno.test("a run whose folder is moved away under it says so and loses nothing", () =>
  withFolder(async (folder) => {
    const data = join(folder, "pictures"), out = join(folder, "run"), elsewhere = join(folder, "elsewhere");
    await writePictures(data, 8);
    const engine = await openWasm(), source = await openSource(data);
    const config = resolveConfig({ ...MINUSCULE, warmupEpochs: 0, epochs: 3, data, out, checkpointSteps: 2 });
    const move: Evaluator = {
      name: "move",
      cadence: { steps: 3 },
      evaluate: async ({ step }) => {
        if (step === 3) await Deno.rename(out, elsewhere);
        return {};
      },
    };
    await assert.rejects(
      train(config, { engine, source, evaluators: [move] }),
      /was moved or removed while the run wrote into it .* The state of step 4 is in .*step-00000004/,
    );
    const kept = join("checkpoints", "step-00000004.safetensors");
    await Deno.rename(join(out, kept), join(elsewhere, kept));
    assert.equal((await readCheckpoint(elsewhere)).step, 4);
    const again = await train({ ...config, out: elsewhere, resume: true }, { engine, source });
    disposeTree(again.state);
    const steps = (await readMetrics(join(elsewhere, "metrics.jsonl"))).map(({ step }) => step);
    assert.deepEqual(steps, [1, 2, 3, 4, 5, 6]);
    await source.close();
  }));
