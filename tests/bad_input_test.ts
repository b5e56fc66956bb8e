/** What a user gets wrong: each is told in one line that says what, where and what to do, with an exit code. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { openSource } from "../src/data/open/open_data.ts";
import { writeShard } from "../src/data/sources/shards/write.ts";
import { pack } from "../src/data/pack.ts";
import { OBJECTS_VERSION } from "../src/data/sources/shards/format.ts";
import { readMetrics } from "../src/train/run/metrics_file.ts";
import { colourFolder } from "./eval/toy.ts";
import { evalTask } from "../tasks/eval.ts";
import { packTask } from "../tasks/pack.ts";
import { parityTask } from "../tasks/parity.ts";
import { trainTask } from "../tasks/train.ts";
import type { Task } from "../src/cli/command.ts";
import { capture } from "./cli/capture.ts";
import { assertNoTrace, deno, type Ended, ROOT, SMALL } from "./user.ts";

const folder = await Deno.makeTempDir();
const at = (...names: string[]) => join(folder, ...names);
const photos = at("photos"), config = at("small.json"), run = at("run");

const PERMISSIONS = ["--allow-read", "--allow-write", "--allow-ffi", "--allow-env", "--allow-sys"];

const TASKS: Readonly<Record<string, Task>> = {
  eval: evalTask,
  pack: packTask,
  parity: parityTask,
  train: trainTask,
};

/** A command in this process; with others around it, its program with the permissions of its task. */
async function command(name: string, args: readonly string[], wrap: readonly string[] = []): Promise<Ended> {
  if (wrap.length === 0 && Object.hasOwn(TASKS, name)) return await capture(TASKS[name], args);
  return await deno(ROOT, ["run", "--no-prompt", ...PERMISSIONS, `tasks/${name}.ts`, ...args], { wrap });
}

/** One command line and what it must end with. */
type Case = [line: string, code: number, message: RegExp];

/** Runs commands, one after the other in this process and two at a time elsewhere, and checks their one line of error. */
async function refused(cases: readonly Case[], wrap: readonly string[] = []): Promise<void> {
  const waiting = [...cases];
  const work = async () => {
    for (let next; (next = waiting.shift());) {
      const [line, code, message] = next;
      const [name, ...args] = line.split(" ");
      const ended = await command(name, args, wrap);
      assert.match(ended.err, message, line);
      assert.equal(ended.code, code, `${line}\n${ended.err}`);
      assertNoTrace(ended, line);
      const said = ended.err.trim().split("\n"), last = said.length - 1;
      assert.equal(said.findIndex((text) => text.startsWith("error: ")), last, `${line}\n${ended.err}`);
      assert.equal(ended.out, "", line);
    }
  };
  await Promise.all(wrap.length === 0 ? [work()] : [work(), work()]);
}

const train = (data: string, more = "") =>
  `train --data ${data} --config ${config} --out ${at("new")}${more}`;

Deno.test.beforeAll(async () => {
  await colourFolder(photos, 5);
  await Deno.writeTextFile(config, JSON.stringify(SMALL));
  await pack(await openSource(photos), at("shards"));
  const made = await command("train", ["--data", photos, "--config", config, "--out", run]);
  assert.equal(made.code, 0, made.err);
});
Deno.test.afterAll(() => Deno.remove(folder, { recursive: true }));

Deno.test("data that is not there, or none", async () => {
  await Deno.mkdir(at("empty"));
  await Deno.mkdir(at("text"));
  await Deno.writeTextFile(at("text", "readme.txt"), "no picture");
  const missing = /nowhere: no such file or folder; check the path/;
  const empty = /empty: an empty folder; it must hold pictures.*\.jpg/;
  const text = /text: no pictures among 1 files?; it must hold pictures.*\.jpg/;
  await refused([
    [train(at("nowhere")), 1, missing],
    [`pack ${at("nowhere")} ${at("packed")}`, 1, missing],
    [`eval ${run} --engine wasm --data ${at("nowhere")}`, 1, missing],
    [train(at("empty")), 1, empty],
    [`pack ${at("empty")} ${at("packed")}`, 1, empty],
    [`eval ${run} --engine wasm --data ${at("empty")}`, 1, empty],
    [train(at("text")), 1, text],
    [train(join(photos, "red", "0.png")), 1, /0\.png: a single picture; name the folder that it is in/],
    [`eval ${run} --engine wasm --data ${join(photos, "red")}`, 1, /red: has no labels; .*two folders/],
  ]);
  await assert.rejects(Deno.stat(at("new")), Deno.errors.NotFound);
  await assert.rejects(Deno.stat(at("packed")), Deno.errors.NotFound);
});

Deno.test("shards that are cut short, of a newer version, or none", async () => {
  const shard = at("shards", "shard-00000.lmdb"), bytes = await Deno.readFile(shard);
  for (const name of ["cut", "newer", "python"]) await Deno.mkdir(at(name));
  await Deno.writeFile(at("cut", "shard-00000.lmdb"), bytes.subarray(0, bytes.length >> 1));
  const writer = writeShard(at("newer", "shard-00000.lmdb"), 1 << 20);
  writer.add({ key: "a.png", bytes: new Uint8Array(9) });
  const version = OBJECTS_VERSION + 1;
  await writer.finish({
    format: "semantic-ae shard",
    version,
    source: "x",
    shard: 0,
    last: true,
    labels: [],
  });
  await Deno.writeTextFile(at("none.lmdb"), "not a database");
  const python = await Deno.readFile(new URL("fixtures/python-lmdb.mdb.gz", import.meta.url));
  await Deno.writeFile(at("python", "data.mdb"), gunzipSync(python));
  await refused([
    [train(at("cut")), 1, /cut\/shard-00000\.lmdb: LMDB file cut short: .* the file has \d+; copy it again/],
    [
      train(at("newer")),
      1,
      new RegExp(`version ${version}, but this program reads versions 1 to ${OBJECTS_VERSION}; update`),
    ],
    [train(at("none.lmdb")), 1, /none\.lmdb: no LMDB file: its 14 bytes .*; check the path/],
    // Python's format is read, but its three values are no pictures.
    [
      train(at("python"), " --batch-size 2"),
      1,
      /python: 2 of the first 2 pictures .* are bad.*; the last is 0+2/,
    ],
  ]);
  // That run had begun when it met them.
  await Deno.remove(at("new"), { recursive: true });
});

Deno.test("a flipped bit in a record is named and counted, or ends the run with --on-bad fail", async () => {
  const source = await openSource(at("shards"));
  const { bytes: picture } = await source.get(7);
  await source.close();
  const flipped = await Deno.readFile(at("shards", "shard-00000.lmdb"));
  const start = flipped.findIndex((_, i) => picture.every((byte, k) => flipped[i + k] === byte));
  assert.ok(start > 0);
  flipped[start + (picture.length >> 1)] ^= 4;
  await Deno.mkdir(at("flipped"));
  await Deno.writeFile(at("flipped", "shard-00000.lmdb"), flipped);

  const out = at("skips");
  const ended = await command("train", ["--data", at("flipped"), "--config", config, "--out", out]);
  assert.equal(ended.code, 0, ended.err);
  assert.equal(ended.err.match(/^skipped +.*#7: damaged: its bytes do not fit its checksum/gm)?.length, 1);
  assert.match(ended.err, /bad pictures were skipped \d times?\n/);
  assert.ok((await readMetrics(join(out, "metrics.jsonl"))).at(-1)!.bad > 0);
  await refused([[train(at("flipped"), " --on-bad fail"), 1, /#7: damaged: its bytes do not fit/]]);
  await Deno.remove(at("new"), { recursive: true });
});

Deno.test("checkpoints that are cut short, of another configuration, or none", async () => {
  const name = "step-00000006.safetensors", bytes = await Deno.readFile(join(run, "checkpoints", name));
  await Deno.mkdir(at("short", "checkpoints"), { recursive: true });
  await Deno.writeFile(at("short", "checkpoints", name), bytes.subarray(0, bytes.length >> 1));
  await Deno.copyFile(join(run, "config.json"), at("short", "config.json"));
  await Deno.writeTextFile(at("other.txt"), "hello, I am a text");
  const short = /short\/checkpoints\/step-00000006.*cut short\?.*there is none before it/;
  const test = `--engine wasm --data ${photos}`;
  await refused([
    [`train --resume --out ${at("short")}`, 1, short],
    [`eval ${at("short")} ${test}`, 1, short],
    [
      `train --resume --out ${run} --width 32`,
      1,
      /another configuration: width is 32, in the checkpoint 16\. Leave/,
    ],
    [
      `train --resume --out ${run} --data ${at("shards")} --lr 7`,
      1,
      /another configuration: lr is 7, in the checkpoint 0\.\d+\. .* new run in another --out/,
    ],
    [
      `eval ${join(run, "checkpoints", name)} --preset demo ${test}`,
      1,
      /is a run's own, which tells its sizes; key and preset are for weights from elsewhere/,
    ],
    [`eval ${at("nothing")} ${test}`, 1, /nothing: there is no such file or folder; name a run folder/],
    [`eval ${photos} ${test}`, 1, /photos: holds no checkpoint \(looked for checkpoints\/step-/],
    [
      `eval ${at("other.txt")} ${test}`,
      1,
      /other\.txt: neither a PyTorch file \(\.pth\) nor safetensors: its first bytes/,
    ],
    [`train --resume --out ${at("nothing")}`, 2, /--resume: .*nothing holds no run .*check --out/],
    [
      `train --data ${photos} --config ${config} --out ${run}`,
      2,
      /the folder is not empty.* add --resume; else name another/,
    ],
  ]);
});

Deno.test("settings that are unknown, of a wrong type, or do not go together", async () => {
  const files: Record<string, unknown> = {
    "typo.json": { ...SMALL, batchSise: 3 },
    "flag.json": { "crop-scale": [.3, 1] },
    "type.json": { ...SMALL, epochs: "20" },
    "pair.json": { ...SMALL, cropScale: [1] },
    "list.json": [SMALL],
  };
  for (const [name, value] of Object.entries(files)) {
    await Deno.writeTextFile(at(name), JSON.stringify(value));
  }
  await Deno.writeTextFile(at("syntax.json"), "{ epochs: 3 }");
  const with_ = (name: string) => `train --data ${photos} --out ${at("new")} --config ${at(name)}`;
  await refused([
    [with_("typo.json"), 2, /typo\.json: unknown setting "batchSise"; did you mean "batchSize"\?/],
    [with_("flag.json"), 2, /flag\.json: unknown setting "crop-scale"; did you mean "cropScale"\?/],
    [with_("type.json"), 2, /type\.json: epochs is "20", but it must be a number from 0 up/],
    [with_("pair.json"), 2, /pair\.json: cropScale is \[1\], but it must be two numbers from 0 to 1/],
    [with_("list.json"), 2, /list\.json: must hold a JSON object of settings/],
    [with_("syntax.json"), 2, /syntax\.json: cannot be read as configuration: .*JSON at position 2/],
    [with_("nowhere.json"), 2, /nowhere\.json: cannot be read as configuration: there is no such file/],
    [train(photos, " --batchsize 3"), 2, /unknown option --batchsize; did you mean --batch-size\?/],
    [train(photos, " --lr fast"), 2, /--lr is "fast", but it must be a number from 0 up/],
    [
      train(photos, " --batch-size 16"),
      2,
      /batchSize is 16, but .*photos has only 15 pictures; use --batch-size 15/,
    ],
    [train(photos, " --heads 3"), 2, /width 16 is not a multiple of heads 3; take width 15/],
    [
      train(photos, " --epochs 1 --warmup-epochs 2"),
      2,
      /warmupEpochs is 2, but epochs is only 1; add --warmup-epochs 0\.1/,
    ],
    [
      `train --preset tny --data ${photos}`,
      2,
      /--preset is "tny", but it must be one of demo, thumbnail, photo, tiny, small, base; did you mean tiny\?/,
    ],
    [`train ${photos}`, 2, /photos" is no option; write --name value; did you mean --data .*photos\?/],
    ["pack --shard-sise 3 a b", 2, /unknown option --shard-sise; did you mean --shard-size\?/],
    ["pack a", 2, /pack takes SRC DEST; DEST is missing, see --help/],
    [`pack ${photos} ${at("shards")}`, 1, /shards: exists already; nothing is overwritten/],
    ["eval", 2, /eval takes MODEL; MODEL is missing, see --help/],
    [`eval ${run}`, 2, /name labelled pictures: --data PATH/],
    ["parity", 2, /parity takes FILE…; FILE is missing, see --help/],
    ["parity --engin wasm x", 2, /unknown option --engin; did you mean --engine\?/],
  ]);
  await assert.rejects(Deno.stat(at("new")), Deno.errors.NotFound);
});

/** To root nothing is forbidden; this takes that power from the command. */
const POWERLESS = Deno.build.os === "windows" || Deno.uid() !== 0
  ? []
  : ["setpriv", "--bounding-set", "-dac_override,-dac_read_search"];

async function runs([name, ...args]: readonly string[]): Promise<boolean> {
  if (!name) return true;
  return await new Deno.Command(name, { args: [...args, "true"] }).output().then(
    ({ success }) => success,
    () => false,
  );
}

Deno.test({
  name: "no permission to read or to write",
  ignore: Deno.build.os === "windows" || !await runs(POWERLESS),
  async fn() {
    await Deno.mkdir(at("locked", "photos"), { recursive: true });
    await Deno.mkdir(at("locked", "run", "checkpoints"), { recursive: true });
    await Deno.copyFile(join(run, "config.json"), at("locked", "run", "config.json"));
    await Deno.copyFile(config, at("locked", "config.json"));
    const checkpoint = at("locked", "run", "checkpoints", "step-00000006.safetensors");
    await Deno.copyFile(join(run, "checkpoints", "step-00000006.safetensors"), checkpoint);
    const modes: [string, number][] = [
      [checkpoint, 0],
      [at("locked", "photos"), 0],
      [at("locked", "config.json"), 0],
      [at("locked"), 0o555],
    ];
    for (const [path, mode] of modes) await Deno.chmod(path, mode);
    try {
      await refused([
        [train(at("locked", "photos")), 1, /photos: no permission to read; check its owner and mode/],
        [
          `train --data ${photos} --config ${at("locked", "config.json")}`,
          2,
          /config\.json: .*no permission to read it/,
        ],
        [
          `eval ${at("locked", "run")} --data ${photos} --engine wasm`,
          1,
          /step-00000006\.safetensors: no permission to read/,
        ],
        [
          `train --data ${photos} --config ${config} --out ${at("locked", "new")}`,
          1,
          /locked\/new: no permission to write; check its owner and mode/,
        ],
        [
          `pack ${photos} ${at("locked", "packed")}`,
          1,
          /locked\/packed: no permission to write; check its owner and mode/,
        ],
        [
          `train --data ${photos} --config ${config} --out ${join(config, "run")}`,
          1,
          /small\.json\/run: cannot read: Not a directory; a part of this path is a file/,
        ],
      ], POWERLESS);
    } finally {
      for (const [path] of modes.reverse()) await Deno.chmod(path, 0o755);
    }
  },
});
