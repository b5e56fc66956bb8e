/** Values that are none of what a function takes: an error that names them, where there was none or one of the language. */
import assert from "node:assert/strict";
import { openAblationData } from "../src/ablate/data.ts";
import { openSource } from "../src/data/open/open_data.ts";
import type { Engine } from "../src/engine/types.ts";
import { nearest } from "../src/eval/nearest.ts";
import { formatMeasures } from "../src/eval/protocols/table.ts";
import { unitRows } from "../src/eval/rows.ts";
import { rankedClasses } from "../src/finetune/predict.ts";
import { CARDS } from "../src/plan/cards.ts";
import { plan } from "../src/plan/plan.ts";

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
