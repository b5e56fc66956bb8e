import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { checkSettings, ConfigError, readConfig, resolveConfig } from "../../../src/train/config/config.ts";
import { type Command, flagName } from "../../../src/cli/command.ts";
import { helpText } from "../../../src/cli/help.ts";
import { parse } from "../../../src/cli/parse.ts";
import { UsageError } from "../../../src/cli/usage_error.ts";
import { SETTING_OPTIONS, settingsIn, shownSettings } from "../../../src/train/config/flags.ts";
import { presetConfig } from "../../../src/train/config/presets.ts";
import { type RunConfig, SETTINGS } from "../../../src/train/config/settings.ts";
import { resolveDetectConfig } from "../../../src/detect/config.ts";
import { detectPreset } from "../../../src/detect/presets.ts";
import { resolveFinetuneConfig } from "../../../src/finetune/config.ts";
import { finetunePreset } from "../../../src/finetune/presets.ts";

const TRAIN: Command = {
  name: "train",
  summary: "Trains.",
  options: SETTING_OPTIONS,
  shown: shownSettings,
  stray: "data",
};

const flags = (...args: string[]) => parse(TRAIN, args).given;

const fails = (args: string[], pattern: RegExp) =>
  assert.throws(() => flags(...args), (error) => {
    assert.ok(error instanceof UsageError);
    assert.match(error.message, pattern);
    return true;
  });

Deno.test("every preset's values pass the table's own checks, and every setting has a default", () => {
  for (const preset of ["demo", "thumbnail", "photo", "tiny", "small", "base"] as const) {
    const config = presetConfig(preset);
    checkSettings({ ...config }, preset);
    assert.deepEqual(Object.keys(config).sort(), Object.keys(SETTINGS).sort());
  }
  assert.equal(presetConfig("demo").lr * presetConfig("demo").batchSize / 256, 1.5e-3);
});

Deno.test("a preset's rate is for its own optimiser; AdamW gets one of its own, unless it is given", () => {
  assert.equal(resolveConfig({ preset: "thumbnail" }).lr, 0.04);
  assert.equal(resolveConfig({ preset: "thumbnail" }, { optimizer: "adamw" }).lr, 0.006);
  assert.equal(resolveConfig({ preset: "photo", lr: 0.01 }, { optimizer: "adamw" }).lr, 0.01);
  assert.equal(resolveConfig({ preset: "demo", optimizer: "adamw" }).lr, 0.006);
  assert.equal(resolveConfig({ preset: "tiny", optimizer: "muon" }).lr, presetConfig("tiny").lr);
});

Deno.test("views keep the preset's share of other pictures, in whole patches, unless their size is given", () => {
  const view = (settings: Partial<RunConfig>) => resolveConfig(settings).viewSize;
  assert.equal(view({}), 48);
  assert.equal(view({ imageSize: 128, patchSize: 16 }), 96);
  assert.equal(view({ imageSize: 32, patchSize: 4 }), 24);
  // 36 pixels, of which 32 are whole patches.
  assert.equal(view({ imageSize: 48, patchSize: 8 }), 32);
  // A single patch is no view.
  assert.equal(view({ imageSize: 16, patchSize: 8 }), 0);
  assert.equal(view({ imageSize: 128, viewSize: 64 }), 64);
  assert.equal(view({ viewSize: 0 }), 0);
  assert.equal(view({ preset: "tiny", imageSize: 96 }), 0);
  assert.equal(view({ preset: "photo", imageSize: 128 }), 96);
});

Deno.test("flags of every kind are read", () => {
  const given = flags(
    ...["--batch-size", "64", "--lr=1e-3", "--crop-scale", "0.2,0.9", "--ema", "--no-head-batch-norm"],
    ...["--flip-rule", "channels", "--data", "./my photos", "--labels=", "--config", "a.json"],
  );
  assert.deepEqual(settingsIn(given), {
    batchSize: 64,
    lr: 1e-3,
    cropScale: [0.2, 0.9],
    ema: true,
    headBatchNorm: false,
    flipRule: "channels",
    data: "./my photos",
    labels: "",
  });
  assert.equal(given.config, "a.json");
  assert.deepEqual(settingsIn(flags()), {});
  assert.deepEqual(settingsIn(parse(TRAIN, [], () => "wasm").given), { engine: "wasm" });
});

Deno.test("a wrong flag says which, what was given and what is expected", () => {
  fails(["--batchsize", "3"], /^unknown option --batchsize; did you mean --batch-size\?$/);
  fails(["--epoch", "3"], /did you mean --epochs\?/);
  fails(["--zzzzzzzzzz", "3"], /^unknown option --zzzzzzzzzz; see --help$/);
  fails(
    ["--batch-size", "many"],
    /^--batch-size is "many", but it must be a whole number from 1 up, or auto \(in a file: 0\)$/,
  );
  fails(["--batch-size", "2.5"], /--batch-size is "2.5"/);
  fails(["--batch-size", "-4"], /--batch-size is "-4"/);
  fails(["--batch-size"], /--batch-size needs a value: a whole number from 1 up/);
  fails(
    ["--crop-scale", "0.9,0.2"],
    /--crop-scale is "0.9,0.2", but .*two numbers from 0 to 1, the smaller first/,
  );
  fails(["--hue", "0.7"], /--hue is "0.7", but it must be a number from 0 to 0.5/);
  fails(["--engine", "cuda"], /--engine is "cuda", but it must be one of auto, xla/);
  fails(["--preset", "tny"], /--preset is "tny", .*; did you mean tiny\?/);
  fails(["--no-lr"], /unknown option --no-lr/);
  fails(["--ema=maybe"], /--ema is "maybe", but it must be true or false/);
  fails(["photos"], /"photos" is no option; .*did you mean --data photos\?/);
});

Deno.test("a configuration file is checked like flags, and flags win over it, it over the preset", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const path = join(folder, "c.json");
    const write = (value: unknown) => Deno.writeTextFile(path, JSON.stringify(value));
    const rejects = (pattern: RegExp) =>
      assert.rejects(
        () => readConfig(path),
        (error) => error instanceof ConfigError && pattern.test(error.message),
      );

    await rejects(/c\.json: cannot be read as configuration: there is no such file/);
    await Deno.writeTextFile(path, "{");
    await rejects(/c\.json: cannot be read as configuration/);
    await write([1]);
    await rejects(/must hold a JSON object/);
    await write({ batchSise: 3 });
    await rejects(/c\.json: unknown setting "batchSise"; did you mean "batchSize"\?/);
    await write({ "batch-size": 3 });
    await rejects(/did you mean "batchSize"\?/);
    await write({ batchSize: "64" });
    await rejects(/c\.json: batchSize is "64", but it must be a whole number from 1 up/);
    await write({ ema: 1 });
    await rejects(/ema is 1, but it must be true or false/);

    // As editors and shells of Windows write it.
    for (const form of ["utf8", "utf16le"] as const) {
      await Deno.writeFile(path, Buffer.from('\uFEFF{"lr": 0.5}', form));
      assert.deepEqual(await readConfig(path), { lr: 0.5 }, form);
    }
    await write({ preset: "tiny", lr: 0.5, epochs: 50 });
    const config = resolveConfig(await readConfig(path), settingsIn(flags("--epochs", "60")));
    assert.equal(config.epochs, 60);
    assert.equal(config.lr, 0.5);
    assert.equal(config.width, 192);
    assert.equal(config.minLr, presetConfig("tiny").minLr);
    assert.throws(() => resolveConfig({ epochs: 1, warmupEpochs: 2 }), /warmupEpochs is 2/);
    assert.throws(
      () => resolveConfig({ preset: "thumbnail", headWidth: 512 }),
      /heads of one layer .* have none; add --head-layers 2/,
    );
    assert.equal(resolveConfig({ preset: "thumbnail", headWidth: 512, headLayers: 2 }).headWidth, 512);
    assert.throws(() => resolveConfig({ imageSize: 65 }), /imageSize 65 is not a multiple of patchSize 8/);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("the config.json of a run of an earlier version begins such a run again, not one by today's defaults", async () => {
  const old = fileURLToPath(new URL("../../fixtures/run-of-version-0/run/config.json", import.meta.url));
  const stored: Partial<RunConfig> = JSON.parse(await Deno.readTextFile(old));
  assert.equal(stored.optimizer, undefined);
  const { optimizer, viewSize, stem } = resolveConfig(await readConfig(old), { imageSize: 64, out: "again" });
  assert.deepEqual([optimizer, viewSize, stem], ["adamw", 0, "patches"]);
  // What a flag says wins here too.
  assert.equal(resolveConfig(await readConfig(old), { optimizer: "muon" }).optimizer, "muon");
  assert.deepEqual([resolveConfig({}).optimizer, resolveConfig({}).viewSize], ["muon", 48]);
});

Deno.test("the help names every setting with its default", () => {
  const help = helpText(TRAIN, 120, { preset: "tiny" });
  for (const key of Object.keys(SETTINGS)) {
    assert.match(help, new RegExp(`--(\\[no-\\])?${flagName(key)}\\s`));
  }
  assert.match(help, /--batch-size N\|auto [^[]*\[32\]/);
  assert.match(help, /--crop-scale X,X .*\[0.14,1\]/);
});

Deno.test("a program's settings are checked as those of a file are, and what is undefined was not given", () => {
  const refuses = (settings: Record<string, unknown>, pattern: RegExp) => {
    for (const resolve of [resolveConfig, resolveFinetuneConfig, resolveDetectConfig]) {
      assert.throws(
        () => resolve(settings),
        (error) => error instanceof ConfigError && pattern.test(error.message),
      );
    }
  };
  refuses({ batchSize: -1 }, /^settings: batchSize is -1, but it must be a whole number/);
  refuses({ lr: NaN }, /^settings: lr is NaN, but it must be a number/);
  refuses({ batch_size: 4 }, /^settings: unknown setting "batch_size"; did you mean "batchSize"\?$/);
  refuses({ preset: "bse" }, /^settings: preset is "bse", but it must be one of demo, .*base/);
  assert.deepEqual(resolveConfig({ epochs: undefined, lr: undefined }), resolveConfig());
  assert.equal(resolveConfig({ epochs: 7 }, { epochs: undefined }).epochs, 7);
  for (const preset of [presetConfig, finetunePreset, detectPreset]) {
    assert.throws(() => preset("bse" as "base"), /^RangeError: there is no preset "bse"; take demo, .*base$/);
  }
});
