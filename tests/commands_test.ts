/** The README's commands as a user runs them: `deno task …`, with the permissions that deno.json gives and no more. */
import assert from "node:assert/strict";
import { dirname, join } from "node:path";
import { SHARD_VERSION } from "../src/data/sources/shards/format.ts";
import { EMOJI_VERSION } from "../src/demo/fetch.ts";
import { prepareDemo } from "../src/demo/pack.ts";
import { readMetrics } from "../src/train/run/metrics_file.ts";
import { flagName } from "../src/cli/command.ts";
import { SETTINGS } from "../src/train/config/settings.ts";
import type { Task } from "../src/cli/command.ts";
import { ENGINES } from "../src/engine/types.ts";
import { evalTask } from "../tasks/eval.ts";
import { packTask } from "../tasks/pack.ts";
import { parityTask } from "../tasks/parity.ts";
import { trainTask } from "../tasks/train.ts";
import { capture } from "./cli/capture.ts";
import { fakeOptions } from "./demo/fake.ts";
import { colourFolder } from "./eval/toy.ts";
import { assertNoTrace, copyProgram, deno, type Ended, SMALL } from "./user.ts";

/** Everything lies in here, under names as people give them: the program, photos, a configuration, shards and a run. */
const folder = join(await Deno.makeTempDir(), "Bücher & Bilder");
const program = join(folder, "semantic ae"), cache = join(folder, "cache"), bin = join(folder, "bin");
const photos = join(folder, "my phötos"), config = join(folder, "small.json");
const shards = join(folder, "shards"), run = join(folder, "run");

/** Another language, in which numbers have commas and capitals other letters, and half an hour of time zone. */
const ABROAD = { LANG: "tr_TR.UTF-8", LC_ALL: "tr_TR.UTF-8", TZ: "Asia/Kolkata" };

/** `deno task …`; the line in which Deno repeats the command is left out. */
async function task(...args: string[]): Promise<Ended> {
  const ended = await deno(program, ["task", ...args], { env: { ...ABROAD, SEMANTIC_AE_CACHE: cache } });
  const err = ended.err.split("\n").filter((line) => !line.startsWith("Task ")).join("\n");
  return { ...ended, err };
}

/** The same command in this process, which costs no start. */
async function here(task: Task, ...args: string[]): Promise<Ended> {
  const ended = await capture(task, args);
  assert.equal(ended.code, 0, ended.err);
  return ended;
}

/** A command that must succeed. */
async function good(...args: string[]): Promise<Ended> {
  const ended = await task(...args);
  assert.equal(ended.code, 0, `deno task ${args.join(" ")}\n${ended.out}${ended.err}`);
  return ended;
}

const namesIn = (path: string) => [...Deno.readDirSync(path)].map(({ name }) => name).sort();
const isPng = (path: string) => Deno.readFileSync(path).subarray(1, 4).join() === "80,78,71";

Deno.test.beforeAll(async () => {
  await copyProgram(program);
  await colourFolder(photos, 5);
  await Deno.mkdir(bin);
  await Deno.writeTextFile(config, JSON.stringify(SMALL));
});
Deno.test.afterAll(() => Deno.remove(dirname(folder), { recursive: true }));

Deno.test("--help explains every setting of every command", async () => {
  const [train, tiny, pack, evaluate, parity] = await Promise.all([
    good("train", "--help"),
    here(trainTask, "--help", "--preset", "tiny"),
    here(packTask, "--help"),
    here(evalTask, "--help"),
    here(parityTask, "--help"),
  ]);
  const whole = (text: string) => text.replaceAll(/\n {8,}/g, " ");
  for (const key of Object.keys(SETTINGS)) {
    assert.match(whole(train.out), new RegExp(`^ +--(\\[no-\\])?${flagName(key)} .*\\[.+\\]$`, "m"));
  }
  assert.match(train.out, /--image-size .*\[64\]/);
  assert.match(tiny.out, /--image-size .*\[224\]/);
  assert.match(train.out, /--config FILE/);
  assert.match(pack.out, /deno task pack SRC DEST[^]*--shard-size SIZE .*\[1GiB\]/);
  assert.match(whole(evaluate.out), /deno task eval MODEL[^]*--k LIST .*\[10,20,100,200\]/);
  assert.match(parity.out, /deno task parity FILE[^]*--engine NAME [^-]*\[auto\]/);
});

Deno.test("pack: a folder becomes shards and a report", async () => {
  const { out, err } = await good("pack", photos, shards);
  assert.match(out, /shards: 15 pictures, \d+\.\d KiB, 1 shard, 3 classes/);
  assert.match(err, /15 of 15 pictures: .*0 bad/);
  assert.deepEqual(namesIn(shards), ["report.json", "shard-00000.lmdb"]);
  assert.equal(JSON.parse(Deno.readTextFileSync(join(shards, "report.json"))).records, 15);
});

Deno.test("train: a folder of photos gives a whole run folder, and lines for what is no terminal", async () => {
  const ended = await good("train", "--data", photos, "--out", run, "--config", config, "--seed", "3");
  assertNoTrace(ended, "train");
  assert.equal(ended.out, "");
  assert.ok(!ended.err.includes("\r") && !ended.err.includes("\x1b"));
  assert.match(ended.err, /^engine +wasm: .*\nmodel .*parameters\ndata .*15 pictures, 3 steps of 4/);
  assert.match(
    ended.err,
    /step 6\/6 {2}loss \d.*\(rec .*class .*patch .*images\/s {2}waiting \d+ % {2}left 0:00/,
  );
  assert.match(ended.err, /wrote .*reconstruction\.png\n$/);

  assert.deepEqual(namesIn(run), [
    ...[
      "checkpoints",
      "config.json",
      "data.json",
      "figures",
      "machine.json",
      "metrics.jsonl",
      "reconstruction.png",
    ],
  ]);
  assert.deepEqual(namesIn(join(run, "checkpoints")), ["step-00000006.safetensors"]);
  const stored = JSON.parse(Deno.readTextFileSync(join(run, "config.json")));
  assert.deepEqual({ ...stored, ...SMALL, seed: 3 }, stored, "the file's settings and the flag's");
  assert.deepEqual((await readMetrics(join(run, "metrics.jsonl"))).map(({ step }) => step), [
    1,
    2,
    3,
    4,
    5,
    6,
  ]);
  assert.ok(isPng(join(run, "reconstruction.png")));
});

Deno.test("train: --resume goes on to the same end", async () => {
  const parts = join(folder, "parts");
  const settings = ["--out", parts, "--data", photos, "--config", config, "--seed", "3"];
  const first = await here(trainTask, ...settings, "--steps", "4");
  assert.match(first.err, /step 4 of 4: /);
  const second = await here(trainTask, "--resume", "--out", parts, "--steps", "0", "--json");
  const { run: where, step, stopped, checkpoint } = JSON.parse(second.out);
  assert.deepEqual([where, step, stopped, /step-00000006/.test(checkpoint)], [parts, 6, false, true]);
  assert.match(second.err, /run .*6 steps, going on after 4 \(.*step-00000004\.safetensors\)/);
  const losses = async (path: string) =>
    (await readMetrics(join(path, "metrics.jsonl"))).map(({ step, loss }) => [step, loss]);
  assert.deepEqual(await losses(parts), await losses(run));
});

Deno.test("train: shards give the losses of their folder", async () => {
  const out = join(folder, "from-shards");
  await here(trainTask, "--data", shards, "--out", out, "--config", config, "--seed=3", "--keep", "1");
  const losses = async (path: string) =>
    (await readMetrics(join(path, "metrics.jsonl"))).map(({ loss }) => loss);
  assert.deepEqual(await losses(out), await losses(run));
});

Deno.test("eval: a run and its checkpoint on a folder and on shards", async () => {
  const [table, json] = await Promise.all([
    good("eval", run, "--data", photos, "--engine", "wasm"),
    here(
      evalTask,
      ...[join(run, "checkpoints", "step-00000006.safetensors"), "--data", shards],
      ...["--engine", "wasm", "--json", "--k", "5"],
    ),
  ]);
  assert.match(table.out, /features +k +top-1\nclass token +10 +\d+\.\d %/);
  const { knn, classes } = JSON.parse(json.out);
  assert.equal(classes, 3);
  assert.deepEqual(knn.map(({ k }: { k: number }) => k), [5, 5]);
});

Deno.test("data, engine and parity run with what their tasks allow them", async () => {
  const [data, engine, parity] = await Promise.all([
    good("data", photos, "--sheet", join(folder, "sheet.png")),
    good("engine", "--json"),
    task("parity", "none.safetensors", "--engine", "wasm"),
  ]);
  assert.match(data.out, /^pictures +15, 0 bad$/m);
  assert.ok(isPng(join(folder, "sheet.png")));
  const names: string[] = JSON.parse(engine.out).map(({ name }: { name: string }) => name);
  assert.ok(ENGINES.every((name) => names.includes(name)), engine.out);
  assert.equal(parity.code, 1);
  assert.match(
    parity.err,
    /^engine wasm: .*\nerror: none\.safetensors: no such file or folder; check the path\n/,
  );
  assertNoTrace(parity, "parity");
});

Deno.test("train without --data: the demo, where neither XLA nor a network can be had", async () => {
  // Two hands' pictures are in the cache already, so that nothing is fetched.
  const options = { ...await fakeOptions(folder, 40), progress: () => {} };
  await prepareDemo(undefined, {
    ...options,
    shards: join(cache, `emoji-${EMOJI_VERSION}-shards-${SHARD_VERSION}`),
  });
  // The demo's own pictures of 64 pixels and its own length, but a smaller model.
  const { engine: _, imageSize: __, epochs: ___, warmupEpochs: ____, ...sizes } = SMALL;
  const demo = join(folder, "demo.json");
  await Deno.writeTextFile(demo, JSON.stringify({ ...sizes, depth: 1, batchSize: 16 }));
  const env = { SEMANTIC_AE_CACHE: cache, PATH: bin };
  const { code, out, err } = await deno(program, ["task", "train", "--config", demo], { env });
  assert.equal(code, 0, out + err);
  assert.match(err, /engine xla is not available: [^]*taking engine wasm/);
  assert.match(
    err,
    /shortened: [\d.]+ epochs \(batches of 16\) instead of [\d.]+: the engine wasm takes too long/,
  );

  const made = join(program, "runs", "demo");
  assert.deepEqual(namesIn(made), [
    "checkpoints",
    "config.json",
    "data.json",
    "figures",
    "machine.json",
    "metrics.jsonl",
    "reconstruction.png",
    "table.json",
  ]);
  assert.ok(isPng(join(made, "reconstruction.png")));
  const rows = [
    ...["trained", "random"].flatMap((encoder) =>
      ["class token", "mean patch token"].map((kind) => `${encoder} +${kind}`)
    ),
    "pixels +8×8 or 64×64",
  ];
  const share = "\\d+\\.\\d %", interval = "\\(\\d+–\\d+\\)";
  for (const row of rows) {
    assert.match(out, new RegExp(`^${row}( +${share} ${interval}){2}( +${share}){2}$`, "m"));
  }
  assert.match(out, new RegExp(`^chance( +${share}){4}$`, "m"));
  assert.match(out, /Note: shortened/);
  const table = JSON.parse(Deno.readTextFileSync(join(made, "table.json")));
  // Both sizes of pixels have a row in the file.
  assert.equal(table.rows.length, rows.length + 1);

  // The same table again from the run, and the next run gets a folder of its own.
  const again = await good("eval", "runs/demo", "--engine", "wasm", "--json");
  assert.deepEqual(JSON.parse(again.out).rows, table.rows);
  await good("train", "--data", photos, "--config", config, "--steps", "1");
  assert.deepEqual(namesIn(join(program, "runs")), ["demo", "demo-2"]);
});
