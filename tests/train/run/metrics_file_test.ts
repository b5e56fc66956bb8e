import assert from "node:assert/strict";
import { join } from "node:path";
import {
  evaluationLine,
  failedLine,
  type MetricsLine,
  openMetrics,
  readEvaluations,
  readMetrics,
} from "../../../src/train/run/metrics_file.ts";
import { openLines } from "../../../src/cli/lines.ts";
import { runProgress } from "../../../src/train/show/progress.ts";
import { openMeter } from "../../../src/train/show/meter.ts";

const line = (step: number): MetricsLine => ({
  step,
  epoch: 0,
  loss: 12.3456,
  reconstruction1: 1,
  reconstruction2: 2,
  class: 3,
  patch: 4,
  gradNorm: 5,
  lr: 0.1,
  wd: 0.2,
  imagesPerSecond: 100,
  waiting: 0.25,
  bad: 0,
});

Deno.test("metrics go on after the checkpoint's step; later and torn lines are dropped", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const path = join(folder, "metrics.jsonl");
    const first = await openMetrics(path, 0);
    for (const step of [1, 2, 3, 4]) first.write(line(step));
    await first.sync();
    first.close();
    await Deno.writeTextFile(path, '{"step":5,"lo', { append: true });
    assert.deepEqual((await readMetrics(path)).map(({ step }) => step), [1, 2, 3, 4]);
    const second = await openMetrics(path, 2);
    second.write(line(3));
    second.close();
    const text = await Deno.readTextFile(path);
    assert.deepEqual(text.trim().split("\n").map((row) => JSON.parse(row).step), [1, 2, 3]);

    await Deno.writeTextFile(path, "{}\noh\n{}\n");
    await assert.rejects(() => readMetrics(path), /metrics\.jsonl: line 2 is no JSON/);
    for (const odd of ["5", "null", '"x"', "[]", "\0\0\0"]) {
      await Deno.writeTextFile(path, `{"step":1}\n${odd}\n{"step":2}\n`);
      await assert.rejects(
        () => readMetrics(path),
        /metrics\.jsonl: line 2 is no JSON object; repair or remove it/,
      );
      await assert.rejects(() => openMetrics(path, 9), /metrics\.jsonl: line 2 is no JSON object/);
      // A torn line is dropped, whatever is left of it.
      await Deno.writeTextFile(path, `{"step":1}\n${odd}`);
      (await openMetrics(path, 9)).close();
      assert.equal(await Deno.readTextFile(path), '{"step":1}\n', odd);
    }
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("an evaluator that looks once more at the step that a run goes on from has one line there", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const path = join(folder, "metrics.jsonl");
    const look = (step: number, evaluator: string, top1: number) =>
      evaluationLine({ step, epoch: 0, evaluator, seconds: 1 }, { top1 });
    const first = await openMetrics(path, 0);
    for (const one of [look(1, "knn", 0.1), line(2), look(2, "knn", 0.2), look(2, "other", 0.5)]) {
      first.write(one);
    }
    first.write(failedLine({ step: 2, epoch: 0, evaluator: "third", seconds: 0 }, "no reason"));
    first.close();
    const second = await openMetrics(path, 2);
    assert.deepEqual(second.missed, ["third"]);
    for (const [evaluator, top1] of [["knn", 0.3], ["third", 0.4]] as const) {
      await second.again(evaluator, 2);
      second.write(look(2, evaluator, top1));
    }
    // A step that is done now is no second look.
    await second.again("other", 3);
    second.write(look(3, "other", 0.6));
    second.close();
    assert.deepEqual(
      (await readEvaluations(path)).map((
        { step, evaluator, top1, failed },
      ) => [step, evaluator, top1 ?? failed]),
      [[1, "knn", 0.1], [2, "other", 0.5], [2, "third", "no reason"], [2, "knn", 0.3], [2, "third", 0.4], [
        3,
        "other",
        0.6,
      ]],
    );
    assert.equal((await readMetrics(path)).length, 1);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("a file of many parts is read and kept as it stands, wherever a part ends", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const path = join(folder, "metrics.jsonl"), rows: string[] = [];
    // Letters of two and three bytes at every place of a mebibyte's end, and long lines.
    for (let step = 1; step <= 600; step++) {
      rows.push(JSON.stringify({ step, evaluator: "knn", warning: "é…".repeat(step) }));
      rows.push(JSON.stringify({ ...line(step), warning: "…é".repeat(1200 + step) }));
    }
    await Deno.writeTextFile(path, rows.join("\n"));
    assert.ok((await Deno.stat(path)).size > 4 * 2 ** 20);
    assert.deepEqual(
      (await readMetrics(path)).map((line) => JSON.stringify(line)),
      rows.filter((_, i) => i % 2),
    );
    assert.equal((await readEvaluations(path)).length, 600);
    (await openMetrics(path, 500)).close();
    assert.equal(await Deno.readTextFile(path), rows.slice(0, 1000).join("\n") + "\n");
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("progress is a line now and then where there is no terminal", () => {
  let out = "", time = 0;
  const progress = runProgress(openLines({ write: (text) => out += text, terminal: false, now: () => time }));
  progress.line("hello");
  for (let step = 1; step <= 40; step++) {
    time += 1000;
    progress.step(line(step), 40, 61);
  }
  const lines = out.trimEnd().split("\n");
  assert.deepEqual(lines.map((text) => /step +(\d+)/.exec(text)?.[1]), [
    undefined,
    "1",
    "11",
    "21",
    "31",
    "40",
  ]);
  assert.match(lines[1], /loss 12\.346 .*100 images\/s {2}waiting 25 % {2}left 1:01/);
  assert.ok(!out.includes("\r"));
});

Deno.test("on a terminal the status is one line that fits, and lines said meanwhile stay whole", () => {
  let out = "", time = 0;
  const progress = runProgress(openLines({
    write: (text) => out += text,
    terminal: true,
    columns: () => 90,
    now: () => time += 1000,
  }));
  progress.step(line(1), 2, 1);
  progress.line("note");
  progress.step(line(2), 2, 0);
  progress.close();
  const parts = out.split("\r\x1b[K");
  assert.equal(parts.length, 4);
  assert.ok(parts.every((part) => part.trimEnd().length < 90));
  assert.match(
    parts[1],
    /^\[████····\] 1\/2 0:01 left 100\/s wait 25 % loss 12\.35 \(rec 1\.00 2\.00 class 3\.00 patch 4\.00\)$/,
  );
  assert.equal(parts[2], "note\n");
  assert.ok(out.endsWith("\n"));
});

Deno.test("waiting counts only time in which the device was idle", () => {
  const meter = openMeter(8);
  meter.start();
  const begin = performance.now();
  meter.wait(begin, Infinity, begin + 500); // A step was still under way.
  meter.wait(begin + 500, begin + 600, begin + 800); // It ended after 100 ms; idle for 200.
  const { waiting, imagesPerSecond } = meter.tick(begin + 1000);
  assert.ok(Math.abs(waiting - 0.2) < 0.01);
  assert.ok(Math.abs(imagesPerSecond - 8) < 0.1);
  // Time in which no step was under way, such as an evaluation, does not count.
  meter.pause(3000);
  const after = meter.tick(begin + 5000);
  assert.ok(Math.abs(after.imagesPerSecond - 8) < 0.1 && Math.abs(after.waiting - 0.1) < 0.01);
});
