/** Another Deno project, with nothing but a path to mod.ts: no import map, no settings of ours, few permissions. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { decodePicture } from "../src/data/picture/decode.ts";
import { openSource } from "../src/data/open/open_data.ts";
import { evaluationPicture } from "../src/data/picture/resize.ts";
import { streamBatches } from "../src/data/stream.ts";
import { openWasm } from "../src/engine/wasm.ts";
import { embedder } from "../src/eval/embed.ts";
import { readCheckpoint } from "../src/train/run/checkpoint.ts";
import { readMetrics } from "../src/train/run/metrics_file.ts";
import { writeModel } from "../src/train/state.ts";
import { DEFAULT_VIEWS } from "../src/views/sample.ts";
import { colourFolder, withFolder } from "./eval/toy.ts";
import { deno, ROOT, SMALL } from "./user.ts";

const MOD = pathToFileURL(join(ROOT, "mod.ts")).href;

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

Deno.test("a project of one's own imports mod.ts by its path", (t) =>
  withFolder(async (folder) => {
    // What the user has: photos, a run, and a project that knows nothing of ours.
    const photos = await colourFolder(join(folder, "photos"), 4), run = join(folder, "run");
    const config = join(folder, "small.json"), project = join(folder, "project");
    await Deno.writeTextFile(config, JSON.stringify(SMALL));
    const allow = ["--allow-read", "--allow-write", "--allow-ffi", "--allow-env", "--allow-sys"];
    const trained = await deno(ROOT, [
      ...["run", "--no-prompt", ...allow, "tasks/train.ts"],
      ...["--data", photos, "--out", run, "--config", config],
    ]);
    assert.equal(trained.code, 0, trained.err);
    await Deno.mkdir(project);
    await Deno.writeTextFile(join(project, "deno.json"), '{ "imports": {} }\n');
    // The versions that were fetched for this test run, so that no network is needed.
    await Deno.copyFile(join(ROOT, "deno.lock"), join(project, "deno.lock"));
    const programs = { "stream.ts": STREAM, "embed.ts": EMBED, "loop.ts": LOOP };
    for (const [name, text] of Object.entries(programs)) {
      await Deno.writeTextFile(join(project, name), text);
    }
    const info = await deno(project, ["info", "--json"]);
    const packages: string = JSON.parse(info.out).npmCache;

    /** Runs a program that may read what it is given and the packages' own files, and write nothing. */
    const start = async (name: keyof typeof programs, ...args: string[]): Promise<unknown> => {
      const { code, out, err } = await deno(project, [
        ...["run", "--no-prompt", "--cached-only", `--allow-read=${[...args, packages].join(",")}`],
        ...[`--allow-ffi=${packages}`, "--allow-env", "--allow-sys", name, ...args],
      ]);
      assert.equal(code, 0, `${name}: ${err}`);
      return JSON.parse(out);
    };

    await t.step("the types fit under the settings of any project", async () => {
      const { code, err } = await deno(project, ["check", "--cached-only", ...Object.keys(programs)]);
      assert.equal(code, 0, err);
    });

    await t.step("a folder as batches of view pairs", async () => {
      const found = await start("stream.ts", photos) as {
        labels: string[];
        batches: { epoch: number; keys: string[]; base: number; crop: Record<string, number> }[];
      };
      assert.deepEqual(found.labels, ["blue", "green", "red"]);
      assert.deepEqual(found.batches.map(({ epoch }) => epoch), [0, 0, 0, 1]);
      const first = found.batches.slice(0, 3).flatMap(({ keys }) => keys);
      assert.equal(new Set(first).size, 12);
      for (const { crop } of found.batches) {
        assert.ok(crop.width >= 1 && crop.left >= 0 && crop.left + crop.width <= 16, JSON.stringify(crop));
      }
      const source = await openSource(photos), views = { ...DEFAULT_VIEWS, imageSize: 16 };
      const ours = streamBatches(source, { imageSize: 16, batchSize: 4, seed: 1, views });
      const { keys, base } = (await ours.next()).value!;
      await ours.return();
      await source.close();
      assert.deepEqual(found.batches[0].keys, keys);
      assert.equal(found.batches[0].base, base.reduce((sum, byte) => (sum * 31 + byte) % 2 ** 32, 0));
    });

    await t.step("pictures embedded by a checkpoint", async () => {
      const found = await start("embed.ts", run, photos) as { width: number; data: number[] };
      assert.deepEqual([found.width, found.data.length], [16, 12 * 16]);
      const engine = await openWasm(),
        checkpoint = await readCheckpoint(run),
        source = await openSource(photos);
      const picture = evaluationPicture(await decodePicture((await source.get(11)).bytes), 16);
      const { class: ours } = await embedder(engine, checkpoint.config, { batchSize: 1 })
        .pictures(writeModel(checkpoint.tensors), picture);
      await source.close();
      const theirs = found.data.slice(11 * 16);
      ours.data.forEach((value, i) => assert.ok(Math.abs(value - theirs[i]) < 1e-5, `${value} ${theirs[i]}`));
      assert.ok(theirs.some((value, i) => Math.abs(value - found.data[i]) > 1e-3), "all pictures alike");
    });

    await t.step("a training loop of one's own has the losses of the command's", async () => {
      const losses = await start("loop.ts", run, photos);
      const lines = await readMetrics(join(run, "metrics.jsonl"));
      assert.equal(lines.length, 6);
      assert.deepEqual(losses, lines.map(({ loss }) => loss));
    });
  }));
