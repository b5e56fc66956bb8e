/** What a program is told that makes models before it opens an engine. A file of its own: an engine that was open stays known. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { openEngine } from "../../src/engine/open.ts";
import * as tf from "../../src/engine/tensors.ts";
import { readModel } from "../../src/eval/stored_model.ts";
import { PRESETS } from "../../src/model/config.ts";
import { initModel } from "../../src/model/init.ts";
import { fixture } from "../weights/fixtures.ts";

Deno.test("models that are made before an engine is open say so", async () => {
  const config = { ...PRESETS.demo, imageSize: 16, width: 16, headWidth: 16, depth: 1 };
  const stored = await readModel(join(fixture("hf"), "model.safetensors"), { heads: 2 });
  const none = /^no engine is open, .*`await openEngine\(\)` first$/;
  assert.throws(() => initModel(config, 0), ({ message }: Error) => none.test(message));
  await assert.rejects(() => stored.load(), ({ message }: Error) => none.test(message));

  const engine = await openEngine("wasm");
  tf.dispose([initModel(config, 0), await stored.load()].map((state) => ({ ...state })));
  // Other faults are told as they are.
  assert.throws(() => tf.tensor([1, 2, 3], [2, 2]), ({ message }: Error) => !none.test(message));
  await engine.close();
});
