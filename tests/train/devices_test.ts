import assert from "node:assert/strict";
import { join } from "node:path";
import { openSource } from "../../src/data/open/open_data.ts";
import { openWasm } from "../../src/engine/wasm.ts";
import { checkDevices } from "../../src/train/check_running.ts";
import { ConfigError, resolveConfig } from "../../src/train/config/config.ts";
import { train } from "../../src/train/train.ts";
import { withFolder } from "../with_folder.ts";
import { MINUSCULE, writePictures } from "./fixture.ts";

Deno.test("settings of other devices or nodes than there are are refused before anything is written", () =>
  withFolder(async (folder) => {
    const data = join(folder, "pictures"), out = join(folder, "run");
    await writePictures(data, 8);
    const engine = await openWasm(), source = await openSource(data);
    const run = (more: object) =>
      train(resolveConfig({ ...MINUSCULE, batchSize: 4, epochs: 1, data, out, ...more }), { engine, source });
    const refused = (message: RegExp) => (error: unknown) =>
      error instanceof ConfigError && message.test(error.message);
    await assert.rejects(
      run({ devices: 2 }),
      refused(/devices is 2, but the engine was opened with 1; open it/),
    );
    await assert.rejects(
      run({ nodes: 2, nodeId: 0, coordinator: "localhost:1" }),
      refused(/nodes is 2, but `hosts` is missing/),
    );
    await assert.rejects(Deno.stat(out), Deno.errors.NotFound);
    await source.close();
    // An engine that is opened with hosts counts the devices of all.
    checkDevices({ devices: 2, nodes: 2 }, { devices: 4 }, { nodes: 2 });
    assert.throws(
      () => checkDevices({ devices: 4, nodes: 1 }, { devices: 4 }, { nodes: 2 }),
      /2 have joined/,
    );
    assert.throws(
      () => checkDevices({ devices: 1, nodes: 2 }, { devices: 4 }, { nodes: 2 }),
      refused(/devices is 1, but the engine was opened with 2/),
    );
  }));
