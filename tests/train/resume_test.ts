import assert from "node:assert/strict";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { flagName } from "../../src/cli/command.ts";
import { lockRun } from "../../src/train/run/folder.ts";
import { readCheckpoint } from "../../src/train/run/checkpoint.ts";
import { type MetricsLine, readMetrics } from "../../src/train/run/metrics_file.ts";
import { trainTask } from "../../tasks/train.ts";
import { capture } from "../cli/capture.ts";
import { withFolder as withTemporary } from "../with_folder.ts";
import { MINUSCULE, writePictures } from "./fixture.ts";

const TASK = fileURLToPath(new URL("../../tasks/train.ts", import.meta.url));
const ENGINE = Deno.env.get("SEMANTIC_AE_TEST_ENGINE") ?? "wasm";
const STEPS = 30;

/** Arguments of the command that trains the minuscule model. */
function flags(data: string, out: string, more: readonly string[]): string[] {
  const settings = { ...MINUSCULE, epochs: 10, engine: ENGINE, checkpointSteps: 3, data, out };
  return [...Object.entries(settings).map(([key, value]) => `--${flagName(key)}=${value}`), ...more];
}

/** The command as a process of its own. */
function command(data: string, out: string, ...more: string[]): { path: string; args: string[] } {
  const args = ["run", "-A", "--no-check", "--quiet", TASK, ...flags(data, out, more)];
  return { path: Deno.execPath(), args };
}

/** The command to its end in this process, which costs no start. */
async function here(data: string, out: string, ...more: string[]): Promise<void> {
  const { code, err } = await capture(trainTask, flags(data, out, more));
  assert.equal(code, 0, err);
}

/** Starts it as a process of its own. */
function start(data: string, out: string, ...more: string[]): Deno.ChildProcess {
  const { path, args } = command(data, out, ...more);
  return new Deno.Command(path, { args, stdin: "null", stdout: "piped", stderr: "piped" }).spawn();
}

/** Waits for the end of a process; the output is for the messages of failed assertions. */
async function end(child: Deno.ChildProcess): Promise<{ code: number; signal: string | null; text: string }> {
  const { code, signal, stdout, stderr } = await child.output();
  const decoder = new TextDecoder();
  return { code, signal, text: decoder.decode(stdout) + decoder.decode(stderr) };
}

/** Resolves when the run has logged a step, or has ended. */
async function untilStep(out: string, step: number, ended: () => boolean): Promise<void> {
  while (!ended()) {
    const text = await Deno.readTextFile(join(out, "metrics.jsonl")).catch(() => "");
    if (text.includes(`"step":${step},`)) return;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** The figures that do not depend on the clock. */
const figures = (lines: MetricsLine[]) =>
  lines.map(({ imagesPerSecond: _, waiting: __, ...rest }) => JSON.stringify(rest));

const withFolder = (test: (folder: string, data: string) => Promise<void>) =>
  withTemporary(async (folder) => {
    const data = join(folder, "pictures");
    await writePictures(data, 13);
    await test(folder, data);
  });

Deno.test("a run killed at random moments and resumed has the losses of an unbroken one, bit for bit", () =>
  withFolder(async (folder, data) => {
    const whole = join(folder, "whole"), broken = join(folder, "broken");
    await here(data, whole);

    const kills: string[] = [];
    let begun = false;
    for (let round = 0; round < 3; round++) {
      const child = start(data, broken, ...(begun ? ["--resume"] : []));
      let over = false;
      child.status.then(() => over = true);
      const step = 1 + round * 7 + Math.floor(Math.random() * 7);
      // The first round may die before its first step, the others soon after some step.
      if (round > 0 || Math.random() < 0.8) await untilStep(broken, step, () => over);
      const delay = Math.random() * 80;
      await new Promise((resolve) => setTimeout(resolve, delay));
      if (!over) child.kill("SIGKILL");
      const { code, signal, text } = await end(child);
      const lines = (await readMetrics(join(broken, "metrics.jsonl"))).length;
      kills.push(`after step ${step} + ${delay.toFixed(0)} ms: ${signal}, ${lines} lines`);
      begun = await Deno.stat(join(broken, "config.json")).then(() => true, () => false);
      // A fast engine may be through before the signal comes; what must not happen is an error.
      if (signal !== "SIGKILL" && code !== 0) assert.fail(`${kills.join("; ")}\n${text}`);
    }
    const last = await end(start(data, broken, ...(begun ? ["--resume"] : [])));
    assert.equal(last.code, 0, last.text);

    const wanted = figures(await readMetrics(join(whole, "metrics.jsonl")));
    assert.equal(wanted.length, STEPS);
    assert.deepEqual(figures(await readMetrics(join(broken, "metrics.jsonl"))), wanted, kills.join("; "));
    const [a, b] = [await readCheckpoint(whole), await readCheckpoint(broken)];
    for (const [name, { data }] of Object.entries(a.tensors)) {
      assert.deepEqual(b.tensors[name].data, data, name);
    }
  }));

for (
  const [signal, code] of Deno.build.os === "windows" ? [] : [["SIGTERM", 143], ["SIGINT", 130]] as const
) {
  Deno.test(`${signal} finishes the step, writes a checkpoint and says how to go on`, () =>
    withFolder(async (folder, data) => {
      const out = join(folder, "a run");
      const child = start(data, out, "--checkpoint-steps=0");
      let over = false;
      child.status.then(() => over = true);
      await untilStep(out, 2, () => over);
      // A fast engine may be through by now.
      const told = over ? "" : await lockRun({ out, resume: true }).then(
        (lock) => lock.release(),
        (error: Error) => error.message,
      );
      if (told) {
        assert.match(
          told,
          new RegExp(`in use by process ${child.pid} on .* \\(deno task train .*since `),
        );
      }
      child.kill(signal);
      const ended = await end(child);
      assert.equal(ended.code, code, ended.text);
      assert.match(ended.text, /stopped; to go on: deno task train --resume --out '.*a run'$/m);
      const checkpoint = await readCheckpoint(out);
      const lines = await readMetrics(join(out, "metrics.jsonl"));
      assert.ok(checkpoint.step >= 2 && checkpoint.step < STEPS);
      assert.equal(lines.length, checkpoint.step);
    }));
}

Deno.test({
  name: "where the disk takes no more, the run ends with an error and its last checkpoint stays",
  ignore: Deno.build.os === "windows",
  fn: () =>
    withFolder(async (folder, data) => {
      const out = join(folder, "run");
      await here(data, out, "--steps=2");
      // Files of at most 50 kB stand for the full disk; a checkpoint has 150.
      const { args, path } = command(data, out, "--resume", "--steps=0");
      const script = `trap '' XFSZ; ulimit -f 100; exec "$0" "$@"`;
      const shell = new Deno.Command("sh", {
        args: ["-c", script, path, ...args],
        stdout: "piped",
        stderr: "piped",
      });
      const second = await end(shell.spawn());
      assert.equal(second.code, 1, second.text);
      assert.match(
        second.text,
        /error: the checkpoint of step 3 .*could not be written.*last good one is .*step-00000002/,
      );
      assert.equal((await readCheckpoint(out)).step, 2);
    }),
});

Deno.test("a run that is past the steps it is now to have is refused, and stays as it was", () =>
  withFolder(async (folder, data) => {
    const out = join(folder, "run");
    await here(data, out, "--steps=3");
    const files = () =>
      Promise.all(
        ["config.json", "metrics.jsonl", "machine.json"].map((name) => Deno.readTextFile(join(out, name))),
      );
    const before = await files();
    const { code, err } = await capture(trainTask, ["--resume", `--out=${out}`, "--steps=2"]);
    assert.match(err, /error: the run has done 3 steps .* is now to end after 2; .* --steps 3 or more/);
    assert.equal(code, 2);
    assert.deepEqual(await files(), before);
    // One that is just there is complete.
    await here(data, out, "--resume", "--steps=3");
  }));
