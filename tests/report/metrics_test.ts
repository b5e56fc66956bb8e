import assert from "node:assert/strict";
import { join } from "node:path";
import { publishFile } from "../../src/files/publish.ts";
import { metricsReader } from "../../src/report/metrics.ts";
import { withFolder } from "../with_folder.ts";
import { stepLine } from "./run_folder.ts";

const steps = (from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_, i) => stepLine(from + i)).join("");

Deno.test("a file is read on as it grows, whatever its lines are cut into, and anew when another takes its place", () =>
  withFolder(async (folder) => {
    const path = join(folder, "metrics.jsonl"), reader = metricsReader(path);
    const seen = () => reader.curves().training.steps;
    assert.equal(await reader.read(), false, "there is no file yet");
    const text = steps(1, 3);
    await Deno.writeTextFile(path, text.slice(0, -20));
    assert.equal(await reader.read(), true);
    assert.deepEqual(seen(), [1, 2]);
    assert.deepEqual(reader.curves().notes, [], "a line that is being written is no fault");
    await Deno.writeTextFile(path, text.slice(-20), { append: true });
    await reader.read();
    assert.deepEqual(seen(), [1, 2, 3]);
    assert.equal(await reader.read(), false);
    // A resumed run goes on after its checkpoint.
    await publishFile(path, steps(1, 2) + stepLine(3, { loss: 77 }));
    assert.equal(await reader.read(), true);
    assert.deepEqual([seen(), reader.curves().training.last.loss], [[1, 2, 3], 77]);
    await Deno.truncate(path, 0);
    await reader.read();
    assert.deepEqual(seen(), []);
    await Deno.remove(path);
    assert.equal(await reader.read(), true);
  }));

Deno.test("what is broken is left out and counted; evaluators have curves of their own", () =>
  withFolder(async (folder) => {
    const path = join(folder, "metrics.jsonl"), reader = metricsReader(path);
    const found = JSON.stringify({ step: 2, epoch: 0, evaluator: "knn", seconds: 3, top1: 0.5, odd: null });
    const parts = [
      ...[steps(1, 2), found, "\n", "{ torn\n", "[]\n", "null\n", '"text"\n', '{"step":"3"}\n', "\n"],
      ...[stepLine(2), "\0\xff\n", `{"long":"${"x".repeat(2 ** 20)}"}\n`, steps(3, 3)],
    ];
    await Deno.writeTextFile(path, parts.join(""));
    await reader.read();
    const { training, evaluators, notes } = reader.curves();
    assert.deepEqual(training.steps, [1, 2, 3]);
    assert.deepEqual(evaluators.knn.values, { top1: [0.5] });
    assert.match(notes.join("\n"), /8 lines cannot be read and left out \(line 4, 5, 6, 7, 8, …\)/);
    assert.match(notes.join("\n"), /1 line of a step that is not after the one before/);
  }));

Deno.test("an evaluation of the last step that was made once more is no fault: the last one counts", () =>
  withFolder(async (folder) => {
    const path = join(folder, "metrics.jsonl"), reader = metricsReader(path);
    const found = (top1: number) =>
      JSON.stringify({ step: 2, epoch: 0, evaluator: "knn", seconds: 3, top1 }) + "\n";
    await Deno.writeTextFile(path, steps(1, 2) + found(0.5) + found(0.75));
    await reader.read();
    const { evaluators, notes } = reader.curves();
    assert.deepEqual([evaluators.knn.values, evaluators.knn.last, notes], [
      { top1: [0.75] },
      { top1: 0.75 },
      [],
    ]);
  }));

Deno.test("a line longer than a chunk is passed over, and the file goes on after it", () =>
  withFolder(async (folder) => {
    const path = join(folder, "metrics.jsonl"), reader = metricsReader(path);
    await Deno.writeTextFile(path, stepLine(1) + "x".repeat(3 * 2 ** 20) + "\n" + stepLine(2) + "oops\n");
    await reader.read();
    const { training, notes } = reader.curves();
    assert.deepEqual(training.steps, [1, 2]);
    assert.match(notes.join("\n"), /1 line longer than 1 MiB/);
    assert.match(notes.join("\n"), /line 4\)/);
  }));

Deno.test("a long run takes one pass and few numbers, and its peaks stay", () =>
  withFolder(async (folder) => {
    const path = join(folder, "metrics.jsonl"), reader = metricsReader(path);
    const lines = Array.from(
      { length: 20_000 },
      (_, i) => stepLine(i + 1, i === 12_344 ? { loss: 999 } : {}),
    );
    await Deno.writeTextFile(path, lines.join(""));
    await reader.read();
    const { lines: count, steps, values } = reader.curves().training;
    assert.equal(count, 20_000);
    assert.ok(steps.length <= 2000 && steps.length >= 1000, String(steps.length));
    assert.equal(Math.max(...values.loss.map(Number)), 999);
  }));
