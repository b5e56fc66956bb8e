import assert from "node:assert/strict";
import { join } from "node:path";
import {
  type CheckpointInfo,
  latestCheckpoint,
  readCheckpoint,
  saveCheckpoint,
} from "../../../src/train/run/checkpoint.ts";
import { checkSameConfig } from "../../../src/train/config/same_config.ts";
import { resolveConfig } from "../../../src/train/config/config.ts";
import { fullDisk } from "../../files/faulty_disk.ts";
import { decodeSafetensors, encodeSafetensors } from "../../../src/files/safetensors.ts";
import { float32 } from "../../../src/files/stored_tensor.ts";
import { withFolder } from "../../with_folder.ts";

const info = (step: number): CheckpointInfo => ({
  config: resolveConfig({ seed: 7 }),
  step,
  cursor: { epoch: 1, position: 96 },
  pictures: 100,
  bad: 2,
  engine: "wasm",
  time: "2024-01-01T00:00:00.000Z",
});
const tensors = {
  "head.slp.weight": float32([2, 2], Float32Array.of(1, -0, 1e-40, 3)),
  "optimizer.m.head.slp.weight": float32([2, 2], new Float32Array(4)),
};
const names = async (folder: string) =>
  (await Array.fromAsync(Deno.readDir(folder))).map(({ name }) => name).sort();

Deno.test("a checkpoint comes back bit for bit, and only the last ones are kept", () =>
  withFolder(async (run) => {
    assert.equal(await latestCheckpoint(run), null);
    for (const step of [5, 10, 9999999, 10000000]) {
      await saveCheckpoint(run, info(step), tensors, { keep: 2 });
    }
    const folder = join(run, "checkpoints");
    assert.deepEqual(await names(folder), ["step-09999999.safetensors", "step-10000000.safetensors"]);
    const read = await readCheckpoint(run);
    assert.equal(read.path, join(folder, "step-10000000.safetensors"));
    const { tensors: back, path: _, ...rest } = read;
    assert.deepEqual(rest, info(10000000));
    for (const [name, { shape, data }] of Object.entries(tensors)) {
      assert.deepEqual([...back[name].shape], [...shape]);
      assert.deepEqual(
        new Uint8Array(Float32Array.from(back[name].data as Float32Array).buffer),
        new Uint8Array(data.buffer as ArrayBuffer),
      );
    }
  }));

Deno.test("a write that fails leaves the last good checkpoint and no rubbish", () =>
  withFolder(async (run) => {
    const good = await saveCheckpoint(run, info(5), tensors, { keep: 1 });
    await assert.rejects(
      () => saveCheckpoint(run, info(6), tensors, { keep: 1, disk: fullDisk("step-00000006") }),
      (error: Error) =>
        /step 6 .*no space is left.*last good one is/.test(error.message) && error.message.includes(good),
    );
    assert.deepEqual(await names(join(run, "checkpoints")), ["step-00000005.safetensors"]);
    assert.equal((await readCheckpoint(run)).step, 5);
  }));

Deno.test("a checkpoint that is cut short, foreign or newer is refused, and the one before it named", () =>
  withFolder(async (run) => {
    await saveCheckpoint(run, info(5), tensors, { keep: 9 });
    const path = await saveCheckpoint(run, info(6), tensors, { keep: 9 });
    const { size } = await Deno.stat(path);
    for (const length of [size - 1, 100, 5, 0]) {
      await Deno.truncate(path, length);
      await assert.rejects(
        () => readCheckpoint(run),
        /step-00000006.*(cut short|has [05] bytes).*step-00000005/,
      );
    }
    await Deno.writeFile(path, encodeSafetensors(tensors, { version: "1" }));
    await assert.rejects(() => readCheckpoint(run), /not a checkpoint of a run/);
    await Deno.writeFile(path, encodeSafetensors(tensors, { format: "constructor", version: "1" }));
    await assert.rejects(() => readCheckpoint(run), /not a checkpoint of a run/);
    await Deno.writeFile(
      path,
      encodeSafetensors(tensors, { format: "semantic-ae checkpoint", version: "2" }),
    );
    await assert.rejects(() => readCheckpoint(path), /format version 2; this program reads up to 1/);
    await assert.rejects(() => readCheckpoint(join(run, "nothing")), /no such checkpoint/);
    await assert.rejects(() => readCheckpoint(join(run, "checkpoints")), /holds no checkpoint/);
  }));

Deno.test("a checkpoint whose metadata cannot be read is refused by name, and the one before it named", () =>
  withFolder(async (run) => {
    await saveCheckpoint(run, info(5), tensors, { keep: 9 });
    const path = await saveCheckpoint(run, info(6), tensors, { keep: 9 });
    const { metadata } = decodeSafetensors(await Deno.readFile(path));
    const odd: Record<string, (string | undefined)[]> = {
      config: [undefined, "", "{", "null", "[]", "5"],
      step: [undefined, "", "x", "-1", "1.5", "NaN", "null"],
      cursor: [undefined, "", "null", "{}", '{"epoch":0,"position":-1}', '{"epoch":"0","position":0}'],
      pictures: [undefined, "x"],
      bad: [undefined, "{}"],
      places: ["", "null", "[1]", '[["a"]]'],
      data: ["", "5", "{}", '{"epochs":[]}'],
    };
    for (const [name, values] of Object.entries(odd)) {
      for (const value of values) {
        const { [name]: _, ...rest } = metadata,
          changed = value === undefined ? rest : { ...rest, [name]: value };
        await Deno.writeFile(path, encodeSafetensors(tensors, changed));
        await assert.rejects(() => readCheckpoint(run), (error: Error) => {
          assert.match(
            error.message,
            new RegExp(`step-00000006.*: damaged: its metadata's "${name}" cannot be read.*step-00000005`),
          );
          return !(error instanceof TypeError);
        }, `${name}: ${value}`);
      }
    }
    await Deno.writeFile(path, encodeSafetensors(tensors, metadata));
    assert.equal((await readCheckpoint(run)).step, 6);
  }));

Deno.test("a checkpoint of another configuration is refused by naming what differs", () =>
  withFolder(async (run) => {
    await saveCheckpoint(run, info(5), tensors, { keep: 1 });
    const checkpoint = await readCheckpoint(run);
    checkSameConfig(checkpoint.config, checkpoint.path, {
      ...checkpoint.config,
      out: run,
      keep: 9,
      logEvery: 7,
    });
    assert.throws(
      () =>
        checkSameConfig(checkpoint.config, checkpoint.path, {
          ...checkpoint.config,
          width: 64,
          cropScale: [0.5, 1],
        }),
      (error: Error) =>
        error.message.includes("cropScale is [0.5,1], in the checkpoint [0.3,1]") &&
        error.message.includes("width is 64, in the checkpoint 128") && !error.message.includes("depth"),
    );
    // Another part of the data is other pictures, and has another number of steps in an epoch.
    assert.throws(
      () => checkSameConfig(checkpoint.config, checkpoint.path, { ...checkpoint.config, process: "0/2" }),
      /process is "0\/2", in the checkpoint ""/,
    );
  }));
