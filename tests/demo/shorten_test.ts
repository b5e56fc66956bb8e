import assert from "node:assert/strict";
import { shortenDemo, shortenedNotes } from "../../src/demo/shorten.ts";
import { presetConfig } from "../../src/train/config/presets.ts";

Deno.test("the demo is shortened only where the user has not chosen its length", () => {
  const demo = presetConfig("demo");
  const short = shortenDemo(demo, { warmupEpochs: 0.1 });
  assert.ok(short.epochs < 1 && short.batchSize < 128);
  assert.equal(short.warmupEpochs, 0.1);
  assert.equal(shortenDemo(demo, { epochs: 20 }), demo);
  assert.equal(shortenDemo(demo, { steps: 5 }), demo);
});

Deno.test("a shorter demo is noted in its table, the whole one is not", () => {
  const demo = presetConfig("demo");
  assert.deepEqual(shortenedNotes(demo, "xla"), []);
  assert.deepEqual(shortenedNotes({ ...demo, epochs: 2 }, "xla"), [
    "shortened: 2 epochs (batches of 64) instead of 16",
  ]);
  assert.match(shortenedNotes({ ...demo, epochs: 2 }, "wasm")[0], /takes too long for more$/);
  assert.match(shortenedNotes({ ...demo, steps: 7 }, "xla")[0], /at most 7 steps/);
});
