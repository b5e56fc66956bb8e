/** Values that are none of what a function takes: an error that names them, where there was none or one of the language. */
import assert from "node:assert/strict";
import { openAblationData } from "../src/ablate/data.ts";
import { map, range } from "../src/data/iter.ts";
import { openSource } from "../src/data/open/open_data.ts";
import { select } from "../src/data/sources/select.ts";
import { streamBatches } from "../src/data/stream.ts";
import type { Engine } from "../src/engine/types.ts";
import { openWasm } from "../src/engine/wasm.ts";
import { embedder } from "../src/eval/embed.ts";
import { nearest } from "../src/eval/nearest.ts";
import { formatMeasures } from "../src/eval/protocols/table.ts";
import { unitRows } from "../src/eval/rows.ts";
import { rankedClasses } from "../src/finetune/predict.ts";
import { CARDS } from "../src/plan/cards.ts";
import { plan } from "../src/plan/plan.ts";
import { PRESETS } from "../src/model/config.ts";
import { initModel } from "../src/model/init.ts";
import { resolveConfig } from "../src/train/config/config.ts";
import { stepScalars } from "../src/train/schedule.ts";
import { disposeTree } from "../src/train/state.ts";
import { DEFAULT_VIEWS } from "../src/views/sample.ts";

/** What a program without types may hand over. */
// deno-lint-ignore no-explicit-any
type Loose = any;

const refuses = async (work: () => unknown, name: string, message: RegExp) =>
  await assert.rejects(async () => await work(), { name, message });

Deno.test("probabilities, rows, reports and engines that are none", async () => {
  for (const wrong of [undefined, Promise.resolve(Float64Array.of(1)), "1"] as Loose[]) {
    await refuses(() => rankedClasses(wrong), "TypeError", /`probabilities` must be a Float64Array/);
    await refuses(() => unitRows(wrong), "TypeError", /features must be rows/);
    await refuses(() => formatMeasures(wrong, "text"), "TypeError", /`report` must be what `await measure/);
  }
  assert.deepEqual(rankedClasses(Float64Array.of(0.2, 0.6, 0.2)), [1, 0, 2]);
  const report: Loose = { rows: [] };
  await refuses(
    () => formatMeasures(report, "html" as Loose),
    "RangeError",
    /no table as html; take one of text/,
  );
  const rows = { rows: 1, width: 1, data: Float32Array.of(1) };
  for (const engine of [undefined, "wasm", Promise.resolve({})] as (Engine & Loose)[]) {
    await refuses(() => nearest(engine, rows, rows, 1), "TypeError", /`engine` must be an opened engine/);
  }
});

Deno.test("data that is named by nothing, or by words for another function", async () => {
  for (
    const [data, what] of [[undefined, "undefined"], [7, "7"], [Promise.resolve("x"), "a promise"]] as Loose[]
  ) {
    const message = new RegExp(`^data is named by a path or an address, not by ${what}$`);
    await refuses(() => openAblationData({ data }, () => {}), "TypeError", message);
    await refuses(() => openSource(data), "TypeError", message);
  }
  const message =
    /^coco:nowhere: no such file or folder; check the path\. coco:PATH is for openData; openSource takes/;
  await refuses(() => openSource("coco:nowhere"), "Error", message);
});

Deno.test("a plan for no card, without a compiler, settings or pictures is refused before anything is compiled", async () => {
  const good: Loose = { card: CARDS.h100, compiler: {}, settings: { preset: "demo" }, pictures: 10 };
  const of = (more: object) => () => plan({ ...good, ...more });
  for (const card of [undefined, "h100", {}]) {
    await refuses(of({ card }), "TypeError", /`card` must be a card/);
  }
  for (const compiler of [undefined, "xla", Promise.resolve({})]) {
    await refuses(of({ compiler }), "TypeError", /`compiler` must be what `await findCompiler/);
  }
  await refuses(of({ settings: undefined }), "TypeError", /`settings` must be/);
  for (const pictures of [undefined, 0, NaN, 1.5]) {
    await refuses(of({ pictures }), "RangeError", /pictures must be a whole number/);
  }
});

Deno.test("streams, selections and schedules are refused what they cannot use", async () => {
  const source: Loose = {
    uri: "memory",
    length: 2,
    labels: [],
    get: () => {},
    key: () => {},
    close: () => {},
  };
  const options: Loose = { imageSize: 8, batchSize: 1, seed: 0, views: { ...DEFAULT_VIEWS, imageSize: 8 } };
  const stream = (more: object) => () => streamBatches(source, { ...options, ...more });
  await refuses(
    () => streamBatches(source, undefined as Loose),
    "TypeError",
    /needs options: at least imageSize/,
  );
  await refuses(stream({ concurrency: NaN }), "RangeError", /concurrency must be a whole number .* not NaN/);
  await refuses(stream({ onBad: "ignore" }), "RangeError", /onBad must be "skip" or "fail", not "ignore"/);
  for (const wrong of ["photos", Promise.resolve(source), undefined] as Loose[]) {
    await refuses(() => select(wrong, [0]), "TypeError", /must be pictures by index/);
    await refuses(
      () => map(wrong === "photos" ? 5 as Loose : wrong, (x) => x).next(),
      "TypeError",
      /from an iterable/,
    );
  }
  await refuses(() => select(source, undefined as Loose), "TypeError", /`indices` must be a list/);
  await refuses(() => [...range(3, undefined as Loose)], "RangeError", /two numbers, not 3 and undefined/);
  const config = resolveConfig({});
  await refuses(
    () => stepScalars(config, 10, undefined as Loose),
    "RangeError",
    /step must be .* not undefined/,
  );
  await refuses(() => stepScalars(config, NaN, 0), "RangeError", /stepsPerEpoch is NaN/);
});

Deno.test("an embedder names what is no model and what are no bytes; what it compiled can be given back", async () => {
  const sizes = { ...PRESETS.demo, imageSize: 16, patchSize: 8, width: 16, depth: 1, heads: 1, headWidth: 8 };
  const engine = await openWasm(), model = initModel(sizes, 0), grey = new Uint8Array(16 * 16 * 3).fill(128);
  try {
    await refuses(
      () => embedder(engine, undefined as Loose),
      "TypeError",
      /`config` must be the model's sizes/,
    );
    const embed = embedder(engine, sizes, { batchSize: 1 });
    for (const wrong of [undefined, Promise.resolve(model)] as Loose[]) {
      await refuses(() => embed.pictures(wrong, grey), "TypeError", /`state` must be a model/);
      await refuses(
        () => embed.views(wrong, grey, new Float32Array(32)),
        "TypeError",
        /`state` must be a model/,
      );
    }
    for (const wrong of [undefined, [...grey], Float32Array.from(grey), grey.buffer] as Loose[]) {
      await refuses(
        () => embed.pictures(model, wrong),
        "TypeError",
        /`pictures` must be a Uint8Array of count × 16/,
      );
    }
    await refuses(
      () => embed.views(model, grey, undefined as Loose),
      "RangeError",
      /take 32 numbers, not undefined/,
    );
    const before = (await embed.pictures(model, grey)).class.data;
    embed.close();
    assert.deepEqual((await embed.pictures(model, new Uint8ClampedArray(grey) as Loose)).class.data, before);
    embed.close();
  } finally {
    disposeTree([model.params, model.frozen, model.buffers]);
    await engine.close();
  }
});
