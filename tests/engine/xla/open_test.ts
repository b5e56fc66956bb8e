import assert from "node:assert/strict";
import { openXla } from "../../../src/engine/xla/open.ts";
import * as tf from "../../../src/engine/xla/tf.ts";
import { PLUGIN } from "./plugin.ts";

Deno.test("a second opening is refused before a client takes memory; what was closed closes nothing that came later", async () => {
  const first = await openXla(PLUGIN);
  // A client would have refused the option.
  await assert.rejects(openXla(PLUGIN, { client: { no_such_option: 1 } }), /already open in this process/);
  await assert.rejects(openXla("/no/such/plugin.so"), /Cannot load the PJRT plugin/);
  first.close();
  first.close();
  const second = await openXla(PLUGIN);
  first.close();
  assert.equal(tf.getBackend(), "xla");
  assert.deepEqual([...tf.add(tf.tensor1d([1, 2]), 1).dataSync()], [2, 3]);
  second.close();
  assert.equal(tf.findBackend("xla"), null);
});
