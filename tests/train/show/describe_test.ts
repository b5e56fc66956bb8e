/** What a run says of itself at its start. */
import assert from "node:assert/strict";
import { openData } from "../../../src/data/open/open_data.ts";
import { closeData } from "../../../src/data/open/data.ts";
import type { Engine } from "../../../src/engine/types.ts";
import { resolveConfig } from "../../../src/train/config/config.ts";
import { describeRun } from "../../../src/train/show/describe.ts";
import { ROOT } from "../../user.ts";

Deno.test("a run on a card in float32 says that there is a faster way; others do not", async () => {
  const source = await openData(`${ROOT}/tests/fixtures/sources/labels.parquet`, { classes: false });
  try {
    const notes = (
      memory: ReturnType<Engine["deviceMemory"]>,
      precision: "float32" | "bfloat16",
      resumed = false,
    ) => {
      const engine = { name: "xla", description: "made up", deviceMemory: () => memory } as unknown as Engine;
      const from = { step: 3, path: "a checkpoint", engine: "xla" } as const;
      const lines = describeRun(resolveConfig({ preset: "tiny", precision }), {
        ...{ engine, source, parameters: 1, plan: { pictures: 1, perEpoch: 1, total: 1 }, warm: false },
        resumed: resumed ? from : null,
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
  } finally {
    await closeData(source);
  }
});
