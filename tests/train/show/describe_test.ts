/** What a run says of itself at its start. */
import assert from "node:assert/strict";
import { openData } from "../../../src/data/open/open_data.ts";
import { closeData } from "../../../src/data/open/data.ts";
import type { Bfloat16Units } from "../../../src/engine/processor.ts";
import type { Engine } from "../../../src/engine/types.ts";
import { resolveConfig } from "../../../src/train/config/config.ts";
import type { RunConfig } from "../../../src/train/config/settings.ts";
import { describeRun } from "../../../src/train/show/describe.ts";
import { ROOT } from "../../user.ts";

/** Asks for the notes of runs with these settings on such a device. */
type Notes = (
  memory: ReturnType<Engine["deviceMemory"]>,
  settings: Partial<RunConfig>,
  run?: { resumed?: boolean; units?: Bfloat16Units },
) => string[];

async function withNotes(work: (notes: Notes) => void): Promise<void> {
  const source = await openData(`${ROOT}/tests/fixtures/sources/labels.parquet`, { classes: false });
  try {
    work((memory, settings, { resumed, units } = {}) => {
      const engine = { name: "xla", description: "made up", deviceMemory: () => memory } as unknown as Engine;
      const from = { step: 3, path: "a checkpoint", engine: "xla" } as const;
      const lines = describeRun(resolveConfig(settings), {
        ...{ engine, source, parameters: 1, plan: { pictures: 1, perEpoch: 1, total: 1 }, warm: false },
        resumed: resumed ? from : null,
        units,
      });
      return lines.filter(([label]) => label === "note").map(([, text]) => text);
    });
  } finally {
    await closeData(source);
  }
}

Deno.test("a run in float32 says that there is a faster way where there is one", () =>
  withNotes((notes) => {
    const float32 = { preset: "tiny", precision: "float32" } as const,
      bfloat16 = { preset: "tiny", precision: "bfloat16" } as const,
      card = { limit: 1e9 };
    assert.match(notes(card, float32).join(), /--precision bfloat16 takes a fraction of the time/);
    assert.deepEqual(notes(card, bfloat16), []);
    assert.deepEqual(notes("host", float32), []);
    assert.deepEqual(notes(undefined, float32), []);
    assert.deepEqual(notes(card, float32, { resumed: true }), []);
    assert.match(notes("host", float32, { units: "AMX" }).join(), /units for bfloat16 \(AMX\)/);
    assert.deepEqual(notes("host", bfloat16, { units: "AMX" }), []);
    assert.deepEqual(notes("host", float32, { resumed: true, units: "AMX" }), []);
    assert.deepEqual(notes(undefined, float32, { units: "AMX" }), [], "op by op there is no bfloat16");
  }));

Deno.test("a run whose batch raises Muon's rate far beyond what was tried says which rate to give", () =>
  withNotes((notes) => {
    assert.deepEqual(notes("host", { preset: "photo" }), [], "the preset's own");
    assert.match(
      notes("host", { preset: "photo", batchSize: 1024 }).join(),
      /to 0\.16; Muon was tried with up to 0\.02, which here is --lr 0\.005$/,
    );
    assert.deepEqual(notes("host", { preset: "photo", batchSize: 1024, lr: 0.005 }), []);
    assert.deepEqual(notes("host", { preset: "base", batchSize: 65536 }), [], "AdamW");
  }));
