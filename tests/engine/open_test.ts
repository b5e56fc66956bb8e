import assert from "node:assert/strict";
import { openEngine } from "../../src/engine/open.ts";
import type { EngineName } from "../../src/engine/types.ts";

Deno.test("an engine that there is not, and a number of devices that is none, are refused", async () => {
  await assert.rejects(openEngine("cuda" as EngineName), {
    name: "RangeError",
    message: 'there is no engine "cuda"; take xla, tensorflow, webgpu, wasm, auto',
  });
  for (const devices of [0, -1, 1.5, NaN]) {
    await assert.rejects(
      openEngine("wasm", { devices }),
      /^RangeError: devices is .*; it must be a whole number/,
    );
  }
});
