import assert from "node:assert/strict";
import { join } from "node:path";
import { openSource } from "../../src/data/open/open_data.ts";
import type { Source } from "../../src/data/types.ts";
import { openWasm } from "../../src/engine/wasm.ts";
import { resolveConfig } from "../../src/train/config/config.ts";
import { latestCheckpoint, readCheckpoint } from "../../src/train/run/checkpoint.ts";
import { readMetrics } from "../../src/train/run/metrics_file.ts";
import { disposeTree } from "../../src/train/state.ts";
import { train } from "../../src/train/train.ts";
import { withFolder } from "../with_folder.ts";
import { MINUSCULE, writePictures } from "./fixture.ts";

Deno.test("a run whose pictures are gone in mid-run keeps what it has learned, and goes on as an unbroken one", () =>
  withFolder(async (folder) => {
    const data = join(folder, "pictures");
    await writePictures(data, 12);
    const engine = await openWasm(), whole = await openSource(data);
    const settings = { ...MINUSCULE, width: 8, warmupEpochs: 0, epochs: 2, data, prefetch: 1, workers: 0 };
    const config = (out: string) => resolveConfig({ ...settings, out: join(folder, out) });
    const figures = async (out: string) =>
      (await readMetrics(join(folder, out, "metrics.jsonl"))).map(({ step, loss }) => [step, loss]);
    const end = async (out: string, source: Source, resume = false) => {
      const { state, step } = await train({ ...config(out), resume }, { engine, source });
      disposeTree(state);
      return step;
    };
    assert.equal(await end("whole", whole), 6);

    // The third batch does not come: not for a bad picture, but for a disk that does not answer.
    let asked = 0;
    const broken: Source = {
      ...whole,
      place: undefined,
      get: (index) => ++asked > 9 ? Promise.reject(new Error("the disk is gone")) : whole.get(index),
    };
    await assert.rejects(end("parts", broken), /the disk is gone/);
    const { step } = await readCheckpoint(join(folder, "parts"));
    assert.equal(step, 2);
    assert.equal((await figures("parts")).length, step);
    assert.equal(await end("parts", whole, true), 6);
    assert.deepEqual(await figures("parts"), await figures("whole"));

    // Where nothing was learned there is nothing to keep.
    asked = 9;
    await assert.rejects(end("never", broken), /the disk is gone/);
    assert.equal(await latestCheckpoint(join(folder, "never")), null);
    await whole.close();
  }));
