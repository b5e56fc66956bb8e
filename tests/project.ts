/** Another Deno project, with nothing but a path to mod.ts: no import map, no settings of ours, few permissions. */
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { ROOT } from "./user.ts";

/** Where the project finds the program. */
export const MOD = pathToFileURL(join(ROOT, "mod.ts")).href;

/** Streams view pairs of a folder: `stream.ts PHOTOS`. */
const STREAM = `
import { type Batch, DEFAULT_VIEWS, openSource, streamBatches, unpackView, VIEW_FIELDS } from "${MOD}";

const source = await openSource(Deno.args[0]);
const options = { imageSize: 16, batchSize: 4, seed: 1, views: { ...DEFAULT_VIEWS, imageSize: 16 } };
const batches: Batch[] = [];
for await (const batch of streamBatches(source, options)) {
  batches.push(batch);
  if (batches.length === 4) break;
}
await source.close();
console.log(JSON.stringify({
  labels: source.labels,
  batches: batches.map(({ epoch, keys, base, views }) => ({
    epoch,
    keys,
    base: base.reduce((sum, byte) => (sum * 31 + byte) % 2 ** 32, 0),
    crop: unpackView(views, 4 * VIEW_FIELDS).crop,
  })),
}));
`;

/** Embeds pictures by a checkpoint: `embed.ts RUN PHOTOS`. */
const EMBED = `
import { decodePicture, embedder, evaluationPicture, openEngine, openSource, readModel } from "${MOD}";

const [run, photos] = Deno.args;
const model = await readModel(run);
const source = await openSource(photos);
const size = model.config.imageSize;
const pictures = new Uint8Array(source.length * size * size * 3);
for (let i = 0; i < source.length; i++) {
  const { bytes } = await source.get(i);
  pictures.set(evaluationPicture(await decodePicture(bytes), size), i * size * size * 3);
}
await source.close();
const engine = await openEngine("wasm");
const { class: tokens } = await embedder(engine, model.config).pictures(await model.load(), pictures);
await engine.close();
console.log(JSON.stringify({ width: tokens.width, data: [...tokens.data] }));
`;

/** A training loop of one's own, with the settings of a run: `loop.ts RUN PHOTOS`. */
const LOOP = `
import {
  batchTensors, initialState, openEngine, openSource, readValues, type RunConfig, scalarTensors, streamBatches, trainStep,
} from ${Deno.build.os === "windows" ? `"${MOD}"` : `"${join(ROOT, "mod.ts")}"`};

const [run, photos] = Deno.args;
const config: RunConfig = JSON.parse(await Deno.readTextFile(\`\${run}/config.json\`));
const engine = await openEngine("wasm");
const source = await openSource(photos);
const perEpoch = Math.floor(source.length / config.batchSize), total = config.epochs * perEpoch;
const step = engine.jit(trainStep(config), { donate: ["state"] });
let state = initialState(config, config.seed), done = 0;
const losses: number[] = [];
for await (const batch of streamBatches(source, { ...config, views: config })) {
  const tensors = batchTensors(engine, config, batch, done), scalars = scalarTensors(config, perEpoch, done);
  const result = step({ state, batch: tensors, scalars });
  state = result.state;
  losses.push((await readValues(result.metrics)).loss);
  for (const tensor of [...Object.values(tensors), ...Object.values(scalars)]) tensor.dispose();
  if (++done === total) break;
}
await source.close();
await engine.close();
console.log(JSON.stringify(losses));
`;

/** The project's programs by their files' names. */
export const PROGRAMS = { "stream.ts": STREAM, "embed.ts": EMBED, "loop.ts": LOOP } as const;

/** Writes the project. */
export async function writeProject(project: string): Promise<void> {
  await Deno.mkdir(project);
  await Deno.writeTextFile(join(project, "deno.json"), '{ "imports": {} }\n');
  // The versions that were fetched for this test run, so that no network is needed.
  await Deno.copyFile(join(ROOT, "deno.lock"), join(project, "deno.lock"));
  for (const [name, text] of Object.entries(PROGRAMS)) await Deno.writeTextFile(join(project, name), text);
}
