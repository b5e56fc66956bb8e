/** The metrics of a very long run: no text may hold all of them. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { eachLine, openMetrics } from "../src/train/run/metrics_file.ts";
import { withFolder } from "../tests/with_folder.ts";

Deno.test("a run goes on however long its metrics are", () =>
  withFolder(async (folder) => {
    const path = join(folder, "metrics.jsonl"), lines = 540, pad = "x".repeat(1e6);
    using file = await Deno.create(path);
    for (let step = 1; step <= lines; step++) {
      const bytes = new TextEncoder().encode(JSON.stringify({ step, loss: 1, pad }) + "\n");
      for (let at = 0; at < bytes.length;) at += await file.write(bytes.subarray(at));
    }
    (await openMetrics(path, lines - 1)).close();
    let last = 0;
    await eachLine(path, ({ step }) => last = step);
    assert.equal(last, lines - 1);
  }));
