import assert from "node:assert/strict";
import { join } from "node:path";
import { commonSettings } from "../../src/ablate/plan.ts";
import { flagName } from "../../src/cli/command.ts";
import { SETTING_OPTIONS } from "../../src/train/config/flags.ts";
import { ablateTask } from "../../tasks/ablate.ts";
import { readMetrics } from "../../src/train/run/metrics_file.ts";
import { capture } from "../cli/capture.ts";
import { colourFolder } from "../eval/toy.ts";
import { assertNoTrace } from "../user.ts";
import { withFolder } from "../with_folder.ts";

/** A model that trains in milliseconds; 12 of 15 pictures are trained on, 4 at once. */
const SMALL = [
  ...[
    "--engine",
    "wasm",
    "--image-size",
    "16",
    "--patch-size",
    "8",
    "--width",
    "16",
    "--depth",
    "1",
    "--heads",
    "2",
  ],
  ...[
    "--head-width",
    "16",
    "--code-width",
    "8",
    "--decoder-depth",
    "1",
    "--decoder-heads",
    "2",
    "--batch-size",
    "4",
  ],
  ...["--blur-radius", "0.1,0.5", "--workers", "1"],
];

const run = (...args: string[]) => capture(ablateTask, args);
const losses = async (folder: string) =>
  (await readMetrics(join(folder, "metrics.jsonl"))).map(({ step, loss }) => [step, loss]);
const names = (folder: string) => [...Deno.readDirSync(folder)].map(({ name }) => name).sort();

Deno.test("task ablate: runs, table and page; more seeds and variants go on from what is there", () =>
  withFolder(async (folder) => {
    const data = await colourFolder(join(folder, "data"), 5), out = join(folder, "out");
    // As from another run's folder: the length in it does not hold beside --pictures.
    const config = join(folder, "config.json");
    await Deno.writeTextFile(config, JSON.stringify({ epochs: 200, warmupEpochs: 40 }));
    const begun = [
      "--data",
      data,
      "--out",
      out,
      ...SMALL,
      "--config",
      config,
      "--pictures",
      "35",
      "--seeds",
      "1",
    ];
    const first = await run(...begun, "--variants", "full,no-aligner,pixels,random", "--json");
    assert.equal(first.code, 0, first.err);
    const { rows, results, caption } = JSON.parse(first.out);
    // 35 pictures for two runs are 17 each: four batches of four.
    assert.deepEqual(
      results.map(({ variant, steps, pictures }: { variant: string; steps: number; pictures: number }) => [
        variant,
        steps,
        pictures,
      ]),
      [["pixels", 0, 0], ["random", 0, 0], ["full", 4, 16], ["no-aligner", 4, 16]],
    );
    assert.deepEqual(results[0].measured, { k: 12, probeEpochs: 100, gallery: 12, queries: 3, classes: 3 });
    assert.equal(rows.length, 8);
    assert.match(caption[2], /One seed: there are no spreads and no intervals/);
    assert.deepEqual(names(out), [
      ...[
        "ablate.json",
        "full-0",
        "no-aligner-0",
        "pixels-0",
        "random-0",
        "report.html",
        "table.json",
        "table.md",
      ],
    ]);
    // Each run is a run folder of its own; the same seed has the same views, but other losses.
    const before = await losses(join(out, "full-0"));
    assert.equal(before.length, 4);
    assert.notDeepEqual(await losses(join(out, "no-aligner-0")), before);
    assert.match(await Deno.readTextFile(join(out, "report.html")), /"title":"Ablation"/);

    // Again without --resume: refused, and nothing is lost. With it: nothing is left to do, the same table.
    assert.match((await run(...begun)).err, /there is an ablation; to go on with it, add --resume/);
    const again = await run("--resume", "--out", out);
    assert.equal(again.code, 0, again.err);
    assert.doesNotMatch(again.err, /engine|full, seed/);
    assert.match(again.out, /no-aligner +class token +1 +\d+\.\d % +[+−]\d+\.\d /);

    const more = await run(
      "--resume",
      "--out",
      out,
      "--seeds",
      "2",
      "--variants",
      "same-view",
      "--table",
      "markdown",
    );
    assert.equal(more.code, 0, more.err);
    assert.match(more.err, /same-view, seed 0 \(5 of 9\)/);
    assert.match(
      more.out,
      /\| same-view \| class token \| 2 \| \d+\.\d ± \d+\.\d % \| [+−]\d+\.\d \(.* … .*\) \|/,
    );
    assert.deepEqual(await losses(join(out, "full-0")), before, "what is finished is not done again");
    assert.notDeepEqual(await losses(join(out, "full-1")), before);
  }));

Deno.test("task ablate: stopped in the middle of a run, it goes on to the same figures", () =>
  withFolder(async (folder) => {
    const data = await colourFolder(join(folder, "data"), 5);
    const args = [
      "--data",
      data,
      ...SMALL,
      "--pictures",
      "64",
      "--seeds",
      "1",
      "--variants",
      "full,contrast-only",
      "--json",
    ];
    const whole = await run(...args, "--out", join(folder, "whole"));
    assert.equal(whole.code, 0, whole.err);
    const out = join(folder, "two parts"), interrupt = new AbortController();
    // Stopped as soon as the first run has begun.
    const looking = setInterval(() => {
      try {
        if (Deno.statSync(join(out, "full-0", "metrics.jsonl")).size > 0) interrupt.abort();
      } catch { /* it is not there yet */ }
    }, 1);
    const stopped = await capture(ablateTask, [...args, "--out", out], { interrupt: interrupt.signal })
      .finally(() => clearInterval(looking));
    assert.equal(stopped.code, 130, stopped.err);
    assert.match(stopped.err, /stopped; to go on: deno task ablate --resume --out '.*two parts'$/m);
    // A kill would leave the same: no result of the run under way.
    assert.ok(!names(join(out, "full-0")).includes("result.json"));
    const resumed = await run("--resume", "--out", out, "--json");
    assert.equal(resumed.code, 0, resumed.err);
    const { results } = JSON.parse(resumed.out);
    assert.deepEqual(results, JSON.parse(whole.out).results);
    assert.deepEqual(await losses(join(out, "full-0")), await losses(join(folder, "whole", "full-0")));
  }));

Deno.test("task ablate: minutes become pictures once, by a measured rate that is kept", () =>
  withFolder(async (folder) => {
    const data = await colourFolder(join(folder, "data"), 5), out = join(folder, "out");
    const queries = await colourFolder(join(folder, "queries"), 2);
    const args = [
      "--data",
      data,
      "--eval-data",
      queries,
      "--out",
      out,
      ...SMALL,
      "--seeds",
      "1",
      "--variants",
      "full",
    ];
    const made = await run(...args, "--minutes", "0.02", "--json");
    assert.equal(made.code, 0, made.err);
    const plan = JSON.parse(await Deno.readTextFile(join(out, "ablate.json")));
    const { total, picturesPerSecond } = plan.budget;
    assert.ok(picturesPerSecond > 0);
    assert.deepEqual([total, plan.pictures], [0.02, Math.floor(0.02 * 60 * picturesPerSecond)]);
    assert.ok(!names(out).some((name) => name.includes("rate")), names(out).join());
    const [{ measured, steps }] = JSON.parse(made.out).results;
    assert.deepEqual([measured.gallery, measured.queries, steps], [15, 6, Math.floor(plan.pictures / 4)]);
  }));

Deno.test("task ablate: what is wrong is said in one line before any work, and leaves nothing", () =>
  withFolder(async (folder) => {
    const data = await colourFolder(join(folder, "data"), 5), out = join(folder, "out");
    const plain = await colourFolder(join(folder, "one"), 5, ["red"]);
    const other = join(folder, "other");
    await Deno.mkdir(other);
    await Deno.writeTextFile(join(other, "x"), "");
    const base = ["--data", data, ...SMALL],
      cases: [string[], RegExp, number][] = [
        [[...base, "--out", out, "--variants", "ful"], /there is no variant "ful"; did you mean full\?/, 2],
        [
          [...base, "--out", out, "--pictures", "7", "--seeds", "1", "--variants", "full,same-view"],
          /the budget comes to 3 pictures for each of 2 runs, less than a batch of 4 \(full\); take a larger budget \(8 pictures or more\)/,
          2,
        ],
        [
          [...base, "--out", out, "--pictures", "9", "--minutes", "1"],
          /--pictures and --minutes exclude each other/,
          2,
        ],
        [
          [...base, "--out", out, "--epochs", "1", "--minutes", "1"],
          /--minutes and --epochs exclude each other/,
          2,
        ],
        [
          [...base, "--out", out, "--eval-data", data, "--holdout", "0.5"],
          /--holdout draws queries from --data/,
          2,
        ],
        [
          ["--data", `${data}*0.5,${plain}*0.5`, ...SMALL, "--out", out],
          /shares say how often pictures are trained on, so a part of them cannot be held out; name the queries by --eval-data/,
          2,
        ],
        [
          [...SMALL, "--out", out, "--holdout", "0.5"],
          /--holdout draws queries from --data, which is missing/,
          2,
        ],
        [
          [...base, "--out", out, "--batch-size", "auto", "--pictures", "100"],
          /--batch-size auto: engine wasm does not tell what a step takes; give a number instead/,
          2,
        ],
        [[...base, "--out", out, "--seeds", "0"], /--seeds is "0"/, 2],
        [[...base, "--out", out, "--steps", "3"], /unknown option --steps/, 2],
        [[...base, "--out", out, "--also", join(folder, "none.json")], /there is no such file/, 2],
        [[...base, "--out", other], /the folder is not empty \(x\)/, 2],
        [["--resume", "--out", out], /holds no ablation/, 2],
        [["--data", plain, ...SMALL, "--out", out], /class/, 1],
        [["--data", join(folder, "none"), ...SMALL, "--out", out], /none/, 1],
      ];
    for (const [args, message, code] of cases) {
      const ended = await run(...args);
      assert.match(ended.err, message, args.join(" "));
      assert.equal(ended.code, code, ended.err);
      assertNoTrace(ended, args.join(" "));
      assert.deepEqual(names(folder), ["data", "one", "other"], args.join(" "));
    }
    // The smallest budget, a batch for each run; then resumed with another setting, or another length.
    const begun = await run(
      ...base,
      "--out",
      out,
      "--pictures",
      "8",
      "--seeds",
      "1",
      "--variants",
      "full,same-view",
    );
    assert.equal(begun.code, 0, begun.err);
    assert.match(
      (await run("--resume", "--out", out, "--width", "32", "--seeds", "2")).err,
      /width is 32, in the checkpoint 16/,
    );
    assert.match(
      (await run("--resume", "--out", out, "--pictures", "64")).err,
      /each run's length and the queries stay/,
    );
  }));

Deno.test("task ablate: the help names the options of train that are none here", async () => {
  const help = (await run("--help")).out, ours = Object.keys(ablateTask.command.options ?? {});
  const [, named] = /hold for every variant, except (.*?); these are ignored/.exec(
    help.replace(/\s+/g, " "),
  )!;
  const missing = Object.keys(SETTING_OPTIONS).filter((key) => !ours.includes(key));
  assert.deepEqual(named.split(", ").sort(), missing.map((key) => `--${flagName(key)}`).sort());
  assert.ok(missing.includes("init") && missing.includes("nodes"), missing.join());
  // A file, such as a run's config.json, may have them.
  assert.deepEqual(commonSettings({ init: "a", steps: 3, nodes: 2, evalLinear: true, width: 32 }), {
    width: 32,
  });
});
