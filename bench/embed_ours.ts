/**
 * The process that bench embed measures: what `deno task embed` does, and a line in a file of marks after each batch.
 * Its one argument is an {@linkcode EmbedOrder} as JSON.
 */
import { closeData } from "../src/data/open/data.ts";
import { openData } from "../src/data/open/open_data.ts";
import { openEngine } from "../src/engine/open.ts";
import { embedData } from "../src/eval/embedding/embed_data.ts";
import { readModel } from "../src/eval/stored_model.ts";
import type { ModelPreset } from "../src/model/config.ts";

/** What is embedded, and where the results go. */
export interface EmbedOrder {
  preset: ModelPreset;
  /** The file of weights, under our names. */
  weights: string;
  /** The folder of pictures. */
  pictures: string;
  /** A safetensors file, for class tokens and means. */
  out: string;
  marks: string;
  batch: number;
}

if (import.meta.main) {
  const order = JSON.parse(Deno.args[0]) as EmbedOrder;
  const model = await readModel(order.weights, { preset: order.preset }),
    data = await openData(order.pictures);
  const engine = await openEngine("xla"), state = await model.load();
  const marks = await Deno.open(order.marks, { append: true, create: true });
  let images = 0;
  await embedData({
    engine,
    config: model.config,
    state,
    model: model.name,
    data,
    out: order.out,
    tokens: ["class", "mean"],
    batchSize: order.batch,
    progress({ embedded }) {
      if (embedded > images) marks.writeSync(new TextEncoder().encode(`{"images": ${images = embedded}}\n`));
    },
  });
  marks.close();
  await engine.close();
  await closeData(data);
}
