/** Tables of the documentation that repeat what the program holds: presets, recipes, cards, packages, defaults. */
import assert from "node:assert/strict";
import { flagName } from "../src/cli/command.ts";
import { detectPreset } from "../src/detect/presets.ts";
import {
  ALLOCATOR,
  CPU_PLUGIN,
  CUDA12_PLUGIN,
  CUDA13_COMPILER,
  CUDA13_PLUGIN,
} from "../src/engine/install/packages.ts";
import { RECIPE, type RecipeName, RECIPES } from "../src/eval/protocols/recipes.ts";
import { finetunePreset } from "../src/finetune/presets.ts";
import { PRESETS } from "../src/model/config.ts";
import { inventory } from "../src/model/inventory.ts";
import { CARDS } from "../src/plan/cards.ts";
import { COMMANDS } from "./command_lines.ts";
import { readPages, tableOf } from "./pages.ts";

const pages = new Map(readPages().map((page) => [page.path, page]));
const page = (name: string) => pages.get(`docs/${name}.md`)!;
/** Numbers as pages write them: `.05` is 0.05, `1,024` is 1024. */
const number = (text: string) => Number(text.replaceAll(",", ""));
const numbers = (text: string) => Array.from(text.matchAll(/[\d.]*\d(?:e-?\d+)?/g), ([one]) => Number(one));

Deno.test("training.md has the presets' sizes", () => {
  const rows = tableOf(page("training"), "preset", "picture, patch");
  assert.deepEqual([...rows.keys()], Object.keys(PRESETS));
  const widths: Record<string, number> = { "ViT-Ti": 192, "ViT-S": 384, "ViT-B": 768 };
  for (const [name, config] of Object.entries(PRESETS)) {
    const [sizes, encoder] = rows.get(name)!;
    assert.deepEqual(numbers(sizes), [config.imageSize, config.patchSize], name);
    const all = inventory(config).reduce((sum, { shape }) => sum + shape.reduce((a, b) => a * b, 1), 0);
    if (encoder in widths) assert.equal(config.width, widths[encoder], name);
    else assert.ok(encoder.startsWith(`${(all / 1e6).toFixed(1)} M parameters in all`), `${name}: ${all}`);
    assert.equal(/convolutions first/.test(encoder), config.stem === "convolutions", name);
  }
});

Deno.test("finetuning.md and detection.md have the presets' settings", () => {
  const names = ["base", "small", "tiny", "demo"] as const, first = (text: string) => text.split(/[ :]/)[0];
  const tuning = tableOf(page("finetuning"), "preset", "epochs", "lr", "layer decay", "drop path", "batch");
  const found = (rows: Map<string, string[]>) =>
    [...rows].map((
      [name, cells],
    ) => [first(name), ...cells.map((cell) => number(first(cell).replace(/,$/, "")))]);
  assert.deepEqual(
    found(tuning),
    names.map((name) => {
      const { epochs, lr, layerDecay, dropPath, batchSize } = finetunePreset(name);
      return [name, epochs, lr, layerDecay, dropPath, batchSize];
    }),
  );
  const rows = tableOf(
    page("detection"),
    "preset",
    "canvas",
    "batch",
    "lr",
    "layer decay",
    "channels, tower",
  );
  for (const [i, [name, cells]] of [...rows].entries()) {
    const { imageSize, batchSize, lr, layerDecay, pyramidWidth, towerDepth } = detectPreset(names[i]);
    assert.equal(first(name), names[i]);
    const settings = [imageSize, batchSize, lr, layerDecay, pyramidWidth, towerDepth];
    assert.deepEqual(numbers(cells.join(" ")).slice(0, settings.length), settings, name);
  }
  assert.equal(rows.size, names.length);
});

Deno.test("evaluation.md has the recipes of linear probes", () => {
  const rows = tableOf(page("evaluation"), "recipe", "features", "head", "optimiser");
  assert.deepEqual([...rows.keys()].map((name) => name.split(" ")[0]), [...RECIPES]);
  for (const [name, [features, head, optimiser]] of rows) {
    const recipe = RECIPE[name.split(" ")[0] as RecipeName];
    const { lrs, batchSize, epochs, warmupEpochs, schedule, blocks, pool, norm } = recipe;
    const rates = lrs.length === 1 ? lrs : [lrs.length, lrs[0], lrs.at(-1)];
    const warm = warmupEpochs > 0 ? [warmupEpochs] : [];
    assert.deepEqual(numbers(optimiser.replaceAll(",", "")), [...rates, batchSize, epochs, ...warm], name);
    assert.ok(optimiser.startsWith(recipe.optimizer.toUpperCase()), name);
    assert.ok(optimiser.endsWith(`cosine by ${schedule}`), name);
    assert.deepEqual(features.startsWith("class") ? [1] : numbers(features), [...blocks], name);
    assert.deepEqual([features.includes("patch"), /batch norm/.test(head)], [
      pool.includes(true),
      norm.includes(true),
    ]);
  }
});

Deno.test("planning.md has the cards", () => {
  const rows = tableOf(page("planning"), "name", "memory, GB", "GB/s", "bfloat16, TFLOP/s");
  assert.deepEqual(
    [...rows].map(([name, [memory, rate, products]]) => [name, memory, number(rate), number(products)]),
    Object.values(CARDS).map(({ name, memory, bandwidth, teraflops }) => [
      ...[name, (memory / 1e9).toFixed(1), Math.round(bandwidth / 1e9), Math.round(teraflops.bfloat16)],
    ]),
  );
});

Deno.test("engines.md has the packages' sizes", () => {
  const rows = tableOf(page("engines"), "name", "size", "needs");
  for (
    const [name, { wheels }] of Object.entries({
      "xla-cpu": CPU_PLUGIN,
      "xla-cuda13": CUDA13_PLUGIN,
      "xla-cuda12": CUDA12_PLUGIN,
      "xla-cuda13-compiler": CUDA13_COMPILER,
      "mimalloc": ALLOCATOR,
    })
  ) {
    const bytes = wheels.reduce((sum, wheel) => sum + wheel.bytes, 0), mega = bytes / 1e6;
    const size = mega < 1
      ? `${mega.toFixed(1)} MB`
      : mega < 1000
      ? `${Math.round(mega)} MB`
      : `${(mega / 1000).toFixed(1)} GB`;
    assert.equal(rows.get(name)?.[0], size, name);
  }
});

Deno.test("defaults that pages name beside options are those of a command", () => {
  const defaults = new Map<string, Set<string>>();
  for (const { options = {}, shown } of COMMANDS.values()) {
    const presets = options.preset?.kind.kind === "choice" ? options.preset.kind.of : [""];
    for (const preset of shown ? presets : [""]) {
      const values = shown?.({ preset }) ?? {};
      for (const [key, { default: own = values[key], usually }] of Object.entries(options)) {
        const flag = flagName(key), known = defaults.get(flag) ?? new Set();
        defaults.set(flag, known.add(String(own)).add(String(usually)));
      }
    }
  }
  const found = [...pages.values()].flatMap(({ path, text }) =>
    Array.from(
      text.matchAll(/`--([\w-]+)`(?:, |[^`.|(]*\()default ([^\s)]+)|`--([\w-]+)` is (\S+) by default/g),
      ([whole, a, value, b, other]) => ({
        path,
        whole,
        flag: a ?? b,
        value: (value ?? other).replaceAll("`", ""),
      }),
    )
  );
  const wrong = found.filter(({ flag, value }) => !defaults.get(flag)?.has(value));
  assert.deepEqual(wrong.map(({ path, whole }) => `${path}: ${whole}`), []);
  assert.ok(found.length >= 4, `${found.length} defaults`);
});
