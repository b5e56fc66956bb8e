import assert from "node:assert/strict";
import { join } from "node:path";
import { openEngine } from "../../src/engine/open.ts";
import { openSource } from "../../src/data/open/open_data.ts";
import { resolveConfig } from "../../src/train/config/config.ts";
import { withMinutes } from "../../src/train/minutes.ts";
import { readMetrics } from "../../src/train/run/metrics_file.ts";
import { trainTask } from "../../tasks/train.ts";
import { capture } from "../cli/capture.ts";
import { withFolder } from "../with_folder.ts";
import { MINUSCULE, writePictures } from "./fixture.ts";

/** The settings of a model that trains in milliseconds a step, as a file. */
async function settingsFile(folder: string): Promise<string> {
  const path = join(folder, "settings.json");
  await Deno.writeTextFile(path, JSON.stringify({ ...MINUSCULE, warmupEpochs: undefined, engine: "wasm" }));
  return path;
}

const names = (folder: string) => [...Deno.readDirSync(folder)].map(({ name }) => name).sort();

Deno.test("task train --minutes: a measured rate becomes epochs, which the run keeps", () =>
  withFolder(async (folder) => {
    const data = join(folder, "data"), out = join(folder, "out"), config = await settingsFile(folder);
    await writePictures(data, 13);
    // What a killed measurement leaves does no harm.
    await Deno.mkdir(join(out, ".partial-rate", "checkpoints"), { recursive: true });
    const args = ["--config", config, "--data", data, "--out", out, "--workers", "1"];
    const made = await capture(trainTask, [...args, "--minutes", "0.03", "--no-figures"]);
    assert.equal(made.code, 0, made.err);
    const said = /length +([\d.]+) pictures\/s: 0.03 minutes are (\d+) pictures, --epochs ([\d.]+)/.exec(
      made.err,
    );
    assert.ok(said, made.err);
    const [rate, pictures, epochs] = said.slice(1).map(Number);
    assert.ok(pictures <= Math.max(8, 0.03 * 60 * rate), "measuring is part of the time");
    const kept = JSON.parse(await Deno.readTextFile(join(out, "config.json")));
    assert.deepEqual([kept.epochs, kept.steps, kept.minutes], [epochs, 0, undefined]);
    assert.ok(Math.abs(kept.warmupEpochs - Math.min(2, epochs / 10)) < 1e-9, "as --epochs would give it");
    assert.equal((await readMetrics(join(out, "metrics.jsonl"))).at(-1)!.step, pictures / 4);
    assert.ok(!names(out).some((name) => name.includes("rate")), names(out).join());

    // With another run's configuration: its epochs and their warm-up are not this one's.
    const other = join(folder, "other"), stored = join(out, "config.json");
    const like = ["--config", stored, "--data", data, "--out", other, "--minutes", "0.02"];
    const second = await capture(trainTask, like);
    assert.equal(second.code, 0, second.err);
    const own = JSON.parse(await Deno.readTextFile(join(other, "config.json")));
    assert.ok(second.err.includes(`--epochs ${own.epochs}\n`) && own.warmupEpochs <= own.epochs / 10 + 1e-9);

    const again = await capture(trainTask, ["--resume", "--out", out, "--data", data]);
    assert.equal(again.code, 0, again.err);
    assert.equal((await readMetrics(join(out, "metrics.jsonl"))).at(-1)!.step, pictures / 4);
  }));

Deno.test("task train --minutes: refused beside another length, before anything is done", () =>
  withFolder(async (folder) => {
    const out = join(folder, "out");
    for (
      const [more, why] of [
        [["--epochs", "2"], /--minutes and --epochs exclude each other/],
        [["--steps", "2"], /--minutes and --steps exclude each other/],
        [["--nodes", "2", "--coordinator", "127.0.0.1:1"], /--minutes is measured on one node/],
        [["--resume"], /a run's length is fixed when it begins/],
      ] as const
    ) {
      const { code, err } = await capture(trainTask, ["--out", out, "--minutes", "1", ...more]);
      assert.equal(code, 2, err);
      assert.match(err, why);
    }
    for (const none of ["0", "-1", "NaN"]) {
      assert.equal((await capture(trainTask, ["--out", out, "--minutes", none])).code, 2);
    }
    assert.deepEqual(names(folder), []);
  }));

Deno.test("minutes: a stop while the rate is measured begins no run", () =>
  withFolder(async (folder) => {
    const data = join(folder, "data"), out = join(folder, "out");
    await writePictures(data, 13);
    const engine = await openEngine("wasm"), source = await openSource(data), stop = new AbortController();
    try {
      const config = resolveConfig({ ...MINUSCULE, warmupEpochs: 0.1, out });
      stop.abort();
      assert.equal(await withMinutes(config, 0.02, { engine, source, signal: stop.signal }), null);
      assert.deepEqual(names(out), []);
      await assert.rejects(withMinutes(config, 0, { engine, source }), /it must be above 0/);
      await assert.rejects(withMinutes({ ...config, nodes: 2 }, 1, { engine, source }), /with several/);
      const kept = await withMinutes(config, 0.02, { engine, source, keepWarmup: true });
      assert.equal(kept!.warmupEpochs, 0.1);
      assert.ok(kept!.epochs >= 2 / 3);
      // A rate that only a warm-up makes bearable: the trial has none, and is to measure the time alone.
      const steep = { ...config, lr: 1e32, clipGrad: 0 };
      assert.ok((await withMinutes(steep, 0.02, { engine, source }))!.epochs >= 2 / 3);
      const long = { ...config, warmupEpochs: 1e6 };
      await assert.rejects(withMinutes(long, 0.02, { engine, source, keepWarmup: true }), /warmupEpochs is/);
    } finally {
      await source.close();
      await engine.close();
    }
  }));

Deno.test("task train --minutes: a warm-up longer than the preset's run, and pictures that stop it", () =>
  withFolder(async (folder) => {
    const data = join(folder, "data"), out = join(folder, "out"), config = await settingsFile(folder);
    await writePictures(data, 13);
    const args = ["--config", config, "--workers", "1", "--no-figures", "--minutes", "0.03", "--out", out];
    // Longer than 16 epochs, the preset's: whether it is longer than this run is known later.
    const warm = await capture(trainTask, [...args, "--data", data, "--warmup-epochs", "1e6"]);
    assert.equal(warm.code, 2, warm.err);
    assert.match(warm.err, /warmupEpochs is 1000000, but 0\.03 minutes are [\d.]+ epochs/);

    for (const name of ["a", "b", "c"]) await Deno.writeTextFile(join(data, `${name}.jpg`), "no picture");
    const bad = await capture(trainTask, [...args, "--data", data]);
    assert.equal(bad.code, 1, bad.err);
    assert.match(bad.err, /^skipped +[abc]\.jpg: /m);
    assert.doesNotMatch(bad.err, /partial-rate/);
    assert.ok(!names(folder).includes("out") || names(out).length === 0, "the folder is free again");
  }));
