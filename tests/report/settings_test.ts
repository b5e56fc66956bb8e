import assert from "node:assert/strict";
import { parse } from "../../src/cli/parse.ts";
import { settingsReport } from "../../src/report/settings.ts";
import { resolveConfig } from "../../src/train/config/config.ts";
import { settingsIn } from "../../src/train/config/flags.ts";
import type { RunConfig } from "../../src/train/config/settings.ts";
import { trainTask } from "../../tasks/train.ts";

/** The words of a command as a shell would cut them. */
function words(command: string): string[] {
  const found = command.matchAll(/(?:'(?:[^']|'\\'')*'|[^\s'])+/g);
  return [...found].map(([word]) => word.startsWith("'") ? word.slice(1, -1).replaceAll(`'\\''`, "'") : word);
}

Deno.test("the command that is shown does the same run again", () => {
  const given: Partial<RunConfig> = {
    preset: "tiny",
    data: "/photos/it's a $(holiday)*",
    ema: true,
    patchSymmetric: true,
    headBatchNorm: false,
    blurRadius: [0.1, 0.5],
    lr: 1e-7,
    epochs: 3,
  };
  const config = { ...resolveConfig(given), out: "runs/mine" };
  const { command, differences, preset } = settingsReport({ ...config });
  assert.equal(preset, "tiny");
  const [deno, task, train, ...args] = words(command);
  assert.deepEqual([deno, task, train], ["deno", "task", "train"]);
  const again = resolveConfig(settingsIn(parse(trainTask.command, args).given));
  assert.deepEqual({ ...again, out: config.out }, config);
  const keys = differences.map(({ key }) => key).sort();
  assert.deepEqual(keys, [...Object.keys(given).filter((key) => key !== "preset"), "warmupEpochs"].sort());
});

Deno.test("the command has the run's warm-up, also where it is the preset's own in a shorter run", () => {
  for (const warmupEpochs of [undefined, 0, 0.5, 2, 3]) {
    const config = resolveConfig({
      preset: "demo",
      epochs: 5,
      ...warmupEpochs === undefined ? {} : { warmupEpochs },
    });
    const [, , , ...args] = words(settingsReport({ ...config }).command);
    assert.deepEqual(
      resolveConfig(settingsIn(parse(trainTask.command, args).given)),
      config,
      `${warmupEpochs}`,
    );
  }
});

Deno.test("the command has what follows other settings, also where it is the preset's own", () => {
  const runs: Partial<RunConfig>[] = [
    { preset: "thumbnail", imageSize: 48, viewSize: 24 },
    { preset: "demo", patchSize: 16, viewSize: 48 },
    { preset: "photo", optimizer: "adamw", lr: 0.04 },
    { preset: "photo", optimizer: "adamw" },
    { preset: "thumbnail", imageSize: 48 },
  ];
  for (const given of runs) {
    const config = resolveConfig(given), [, , , ...args] = words(settingsReport({ ...config }).command);
    assert.deepEqual(resolveConfig(settingsIn(parse(trainTask.command, args).given)), config);
  }
});

Deno.test("a run of before a setting existed is done again as it was", async () => {
  const path = new URL("../fixtures/run-of-version-0/run/config.json", import.meta.url);
  const config = JSON.parse(await Deno.readTextFile(path)), { command } = settingsReport(config);
  assert.equal(config.optimizer, undefined);
  const [, , , ...args] = words(command);
  const again = resolveConfig(settingsIn(parse(trainTask.command, args).given));
  assert.deepEqual([again.optimizer, again.attention, again.batchSize], ["adamw", "plain", config.batchSize]);
});

Deno.test("a configuration may hold anything", () => {
  for (const task of ["constructor", "toString", "__proto__", "nothing"]) {
    assert.match(settingsReport({ task, preset: "tiny" }).command, /^deno task train --preset tiny/);
  }
  const report = settingsReport({ preset: "__proto__", unknown: { a: 1 }, batchSize: "<b>", toString: null });
  assert.equal(report.preset, "demo");
  assert.deepEqual(report.differences.find(({ key }) => key === "unknown"), {
    key: "unknown",
    value: '{"a":1}',
    preset: "",
  });
  assert.ok(!report.command.includes("unknown"));
  assert.ok(report.command.includes("'<b>'"));
});
