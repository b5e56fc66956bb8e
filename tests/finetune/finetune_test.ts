import assert from "node:assert/strict";
import { join } from "node:path";
import { type MetricsLine, readEvaluations, readMetrics } from "../../src/train/run/metrics_file.ts";
import { readBest } from "../../src/train/run/best.ts";
import { latestCheckpoint } from "../../src/train/run/checkpoint.ts";
import { readClassifier } from "../../src/finetune/classifier_file.ts";
import { decodeSafetensors } from "../../src/files/safetensors.ts";
import { runReader } from "../../src/report/run.ts";
import { finetuneTask } from "../../tasks/finetune.ts";
import { predictTask } from "../../tasks/predict.ts";
import { capture } from "../cli/capture.ts";
import { withFolder } from "../with_folder.ts";
import { colourFolders, encoderRun, QUICK, spoil } from "./fixture.ts";

/** Runs the command and expects success. */
async function good(args: readonly string[]): Promise<string> {
  const { code, out, err } = await capture(finetuneTask, args);
  assert.equal(code, 0, err);
  return out;
}

/** The figures that do not depend on the clock. */
const figures = (lines: MetricsLine[]) =>
  lines.map(({ imagesPerSecond: _, waiting: __, ...rest }) => JSON.stringify(rest));

const tensorsOf = async (run: string) => {
  const path = (await latestCheckpoint(run))!;
  return decodeSafetensors(await Deno.readFile(path), path).tensors;
};

Deno.test("an encoder becomes a classifier that knows colours; its run folder, report and predictions", () =>
  withFolder(async (folder) => {
    const encoder = await encoderRun(folder), { train, test } = await colourFolders(folder);
    const out = join(folder, "run");
    const said = await good([
      encoder,
      "--data",
      train,
      "--eval-data",
      test,
      "--out",
      out,
      "--json",
      ...QUICK,
    ]);
    const result = JSON.parse(said);
    assert.deepEqual([result.step, result.total, result.stopped], [15, 15, false]);
    assert.ok(result.found["test top1"] === 1 && result.found["average top5"] === 1, said);

    const lines = await readMetrics(join(out, "metrics.jsonl"));
    assert.equal(lines.length, 15);
    assert.ok(lines.every(({ accuracy, gradNorm }) => accuracy !== undefined && gradNorm !== undefined));
    const found = await readEvaluations(join(out, "metrics.jsonl"));
    assert.equal(found.filter(({ evaluator }) => evaluator === "test").length, 5);
    assert.equal((await readBest(out, "test top1"))?.value, 1);
    const { command, preset, metrics } = await (await runReader(out)).read();
    assert.ok(command.startsWith(`deno task finetune ${encoder} --preset demo `), command);
    assert.ok(preset === "demo" && command.includes("--cutmix 0.5") && !command.includes("--model"));
    assert.equal(metrics.training.lines, 15);

    const { classes, config } = await readClassifier(out, { best: true });
    assert.deepEqual([classes, config.width], [["blue", "green", "red"], 16]);
    const pictures = [join(test, "red/0.png"), join(test, "blue/1.png")];
    const predicted = await capture(predictTask, [out, ...pictures, "--format=csv", "--engine=wasm"]);
    assert.equal(predicted.code, 0, predicted.err);
    const rows = predicted.out.trim().split("\n").map((line) => line.split(","));
    assert.deepEqual(rows.map((row) => row.slice(0, 2)), [
      ["picture", "class"],
      [pictures[0], "red"],
      [pictures[1], "blue"],
    ]);
    const judged = await capture(predictTask, [out, "--data", test, "--json", "--teacher", "--engine=wasm"]);
    const { top1, confusion, ece } = JSON.parse(judged.out);
    assert.deepEqual([top1, confusion], [1, [[2, 0, 0], [0, 2, 0], [0, 0, 2]]]);
    assert.ok(ece >= 0 && ece < 1);

    // NaN is no class, and the most probable one least of all.
    await spoil(out, "backbone.blocks.0.norm1.weight");
    for (const asked of [pictures, ["--data", test]]) {
      const { code, err } = await capture(predictTask, [out, ...asked, "--engine=wasm"]);
      assert.match(err, /(blue|red)\/[01]\.png: its scores by this classifier are not finite numbers/);
      assert.equal(code, 1, err);
    }
  }));

Deno.test("a fine-tuning that was stopped and resumed is an unbroken one, bit for bit", () =>
  withFolder(async (folder) => {
    const encoder = await encoderRun(folder), { train, test } = await colourFolders(folder);
    const whole = join(folder, "whole"), parts = join(folder, "parts");
    const args = ["--data", train, "--eval-data", test, ...QUICK, "--eval-every=3"];
    await good([encoder, ...args, "--out", whole]);
    await good([encoder, ...args, "--out", parts, "--steps=4"]);
    await good(["--resume", "--out", parts, "--steps=10"]);
    const back = await capture(finetuneTask, ["--resume", "--out", parts, "--steps=4"]);
    assert.equal(back.code, 2);
    assert.match(back.err, /has done 10 steps .* is now to end after 4;/);
    await good(["--resume", "--out", parts, "--steps=0", encoder]);
    const lines = (run: string) => readMetrics(join(run, "metrics.jsonl")).then(figures);
    assert.deepEqual(await lines(parts), await lines(whole));
    const [a, b] = [await tensorsOf(whole), await tensorsOf(parts)];
    assert.deepEqual(Object.keys(b).sort(), Object.keys(a).sort());
    for (const [name, { data }] of Object.entries(a)) assert.deepEqual(b[name].data, data, name);
  }));

Deno.test("freezing: what is frozen stays as it was, all else moves; the control begins from random weights", () =>
  withFolder(async (folder) => {
    const encoder = await encoderRun(folder), { train } = await colourFolders(folder);
    const path = (await latestCheckpoint(encoder))!;
    const before = decodeSafetensors(await Deno.readFile(path), path).tensors;
    const args = ["--data", train, ...QUICK, "--steps=2", "--lr=0.5", "--warmup-epochs=0"];
    const half = join(folder, "half"), all = join(folder, "all"), scratch = join(folder, "scratch");
    await good([encoder, ...args, "--out", half, "--freeze=1", "--pool=class"]);
    await good([encoder, ...args, "--out", all, "--freeze=2", "--drop-path=0", "--per-class=3"]);
    await good([encoder, ...args, "--out", scratch, "--from-scratch"]);
    const moved = async (run: string) => {
      const after = await tensorsOf(run);
      return Object.keys(after).filter((name) =>
        name.startsWith("backbone.") && !after[name].data.every((value, i) => value === before[name].data[i])
      );
    };
    const of = (names: string[], pattern: RegExp) => names.filter((name) => pattern.test(name)).length;
    const some = await moved(half);
    assert.ok(of(some, /^backbone\.blocks\.1\./) >= 11 && of(some, /^backbone\.norm\./) === 2, some.join());
    assert.equal(of(some, /blocks\.0\.|cls_token|pos_embed|patch_embed/), 0);
    assert.deepEqual(await moved(all), []);
    assert.ok((await moved(scratch)).includes("backbone.patch_embed.proj.weight"));
    assert.ok(Object.hasOwn(await tensorsOf(all), "fc_norm.weight"));
    assert.ok(!Object.hasOwn(await tensorsOf(half), "fc_norm.weight"));
  }));
