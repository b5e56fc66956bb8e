import assert from "node:assert/strict";
import { summaryLine, summaryOf } from "./summary.ts";

Deno.test("the last summary of a run is read, in colours or not, and those of several are added", () => {
  const first = "a ... ok (1ms)\nok | 3 passed | 0 failed (4s)\n";
  assert.deepEqual(summaryOf(first), { passed: 3, steps: 0, failed: 0, ignored: 0 });
  const second =
    `${first}\n\x1b[31mFAILED\x1b[0m | 857 passed (117 steps) | 1 failed | 11 ignored \x1b[90m(7m10s)\x1b[0m\n`;
  assert.deepEqual(summaryOf(second), { passed: 857, steps: 117, failed: 1, ignored: 11 });
  assert.deepEqual(summaryOf("ok | 1 passed (1 step) | 2 failed (1 step) (3s)"), {
    passed: 1,
    steps: 1,
    failed: 2,
    ignored: 0,
  });
  assert.equal(summaryOf("error: Type checking failed.\n"), undefined);
  const parts = [first, second].map((text) => summaryOf(text)!);
  const line = summaryLine(parts, false, 133.4);
  assert.equal(line, "FAILED | 860 passed (117 steps) | 1 failed | 11 ignored (2m13s)");
  assert.deepEqual(summaryOf(line), { passed: 860, steps: 117, failed: 1, ignored: 11 });
  assert.equal(summaryLine(parts.slice(0, 1), true, 9), "ok | 3 passed | 0 failed (9s)");
});
