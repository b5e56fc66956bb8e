/** What a run says of itself at its start. */
import assert from "node:assert/strict";
import { openData } from "../../../src/data/open/open_data.ts";
import { closeData } from "../../../src/data/open/data.ts";
import type { Engine } from "../../../src/engine/types.ts";
import { resolveConfig } from "../../../src/train/config/config.ts";
import type { RunConfig } from "../../../src/train/config/settings.ts";
import { describeRun } from "../../../src/train/show/describe.ts";
import { ROOT } from "../../user.ts";

Deno.test("a run in float32 says that there is a faster way where there is one", async () => {
  const source = await openData(`${ROOT}/tests/fixtures/sources/labels.parquet`, { classes: false });
  try {
    const notes = (
      memory: ReturnType<Engine["deviceMemory"]>,
      precision: "float32" | "bfloat16",
      resumed = false,
      units?: "AMX" | "AVX-512",
    ) => {
      const engine = { name: "xla", description: "made up", deviceMemory: () => memory } as unknown as Engine;
      const from = { step: 3, path: "a checkpoint", engine: "xla" } as const;
      const lines = describeRun(resolveConfig({ preset: "tiny", precision }), {
        ...{ engine, source, parameters: 1, plan: { pictures: 1, perEpoch: 1, total: 1 }, warm: false },
        resumed: resumed ? from : null,
        units,
      });
      return lines.filter(([label]) => label === "note").map(([, text]) => text);
    };
    assert.match(
      notes({ limit: 1e9 }, "float32").join(),
      /--precision bfloat16 takes a fraction of the time/,
    );
    assert.deepEqual(notes({ limit: 1e9 }, "bfloat16"), []);
    assert.deepEqual(notes("host", "float32"), []);
    assert.deepEqual(notes(undefined, "float32"), []);
    assert.deepEqual(notes({ limit: 1e9 }, "float32", true), []);
    assert.match(notes("host", "float32", false, "AMX").join(), /units for bfloat16 \(AMX\)/);
    assert.deepEqual(notes("host", "bfloat16", false, "AMX"), []);
    assert.deepEqual(notes("host", "float32", true, "AMX"), []);
    assert.deepEqual(notes(undefined, "float32", false, "AMX"), [], "op by op there is no bfloat16");
  } finally {
    await closeData(source);
  }
});

Deno.test("a run whose batch raises Muon's rate far beyond what was tried says which rate to give", async () => {
  const source = await openData(`${ROOT}/tests/fixtures/sources/labels.parquet`, { classes: false });
  try {
    const notes = (settings: Partial<RunConfig>) => {
      const engine = {
        name: "xla",
        description: "made up",
        deviceMemory: () => "host",
      } as unknown as Engine;
      const plan = { pictures: 1, perEpoch: 1, total: 1 };
      const run = { engine, source, parameters: 1, plan, resumed: null, warm: false };
      return describeRun(resolveConfig(settings), run).filter(([label]) => label === "note");
    };
    assert.deepEqual(notes({ preset: "photo" }), [], "the preset's own");
    assert.match(
      notes({ preset: "photo", batchSize: 1024 }).join(),
      /to 0\.16; Muon was tried with up to 0\.02, which here is --lr 0\.005$/,
    );
    assert.deepEqual(notes({ preset: "photo", batchSize: 1024, lr: 0.005 }), []);
    assert.deepEqual(notes({ preset: "base", batchSize: 65536 }), [], "AdamW");
  } finally {
    await closeData(source);
  }
});
