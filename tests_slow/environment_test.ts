/** The commands where a machine is not as ours: little in the environment, nothing writable, no network, one core. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { readMetrics } from "../src/train/run/metrics_file.ts";
import { colourFolder } from "../tests/eval/toy.ts";
import { assertNoTrace, copyProgram, type Ended, SMALL } from "../tests/user.ts";

const folder = await Deno.makeTempDir();
const at = (...names: string[]) => join(folder, ...names);
const program = at("program"), photos = at("photos"), config = at("small.json");
const unix = Deno.build.os !== "windows";

/** Where Deno keeps what it has fetched; all of these commands use it, and none needs a network. */
const denoDir: string = JSON.parse(
  new TextDecoder().decode(
    (await new Deno.Command(Deno.execPath(), { args: ["info", "--json"] }).output()).stdout,
  ),
).denoDir;

interface How {
  /** The whole environment, but for Deno's own folder. */
  env?: Record<string, string>;
  /** A command around it. */
  wrap?: readonly string[];
  cwd?: string;
}

/** `deno task …` with nothing in the environment but what is given. */
async function task(
  args: readonly string[],
  { env = {}, wrap = [], cwd = program }: How = {},
): Promise<Ended> {
  const [command, ...rest] = [...wrap, Deno.execPath(), "task", "-q", ...args];
  const { code, stdout, stderr } = await new Deno.Command(command, {
    args: rest,
    cwd,
    clearEnv: true,
    env: { DENO_DIR: denoDir, NO_COLOR: "1", ...env },
    stdin: "null",
  }).output();
  const text = new TextDecoder();
  return { code, out: text.decode(stdout), err: text.decode(stderr) };
}

let made = 0;

/** Arguments of a short training into a new folder. */
function training(engine = "wasm"): { out: string; args: string[] } {
  const out = at("runs", String(made++));
  return { out, args: ["train", "--data", photos, "--config", config, "--engine", engine, "--out", out] };
}

const losses = async (out: string) => (await readMetrics(join(out, "metrics.jsonl"))).map(({ loss }) => loss);

/** Trains, and finds the same losses as everywhere. */
async function trains(how: How, engine?: string): Promise<Ended> {
  const { out, args } = training(engine), ended = await task(args, how);
  assert.equal(ended.code, 0, ended.err);
  assertNoTrace(ended, "train");
  assert.deepEqual(await losses(out), usual);
  return ended;
}

/** True where a command can be run around another. */
async function works(...wrap: string[]): Promise<boolean> {
  if (!unix) return false;
  return await new Deno.Command(wrap[0], { args: [...wrap.slice(1), "true"] }).output()
    .then(({ success }) => success, () => false);
}

let usual: number[] = [];
Deno.test.beforeAll(async () => {
  await copyProgram(program);
  await colourFolder(photos, 5);
  await Deno.writeTextFile(config, JSON.stringify({ ...SMALL, epochs: 1 }));
  const { out, args } = training(), ended = await task(args);
  assert.equal(ended.code, 0, ended.err);
  usual = await losses(out);
});
Deno.test.afterAll(() => Deno.remove(folder, { recursive: true }));

Deno.test("a cache that cannot be had: auto goes on to what needs none, and the demo says what to do", async () => {
  await Deno.mkdir(at("home"));
  await Deno.writeTextFile(at("home", ".cache"), "a file");
  const nothing = at("no-programs");
  await Deno.mkdir(nothing);
  const env = { HOME: at("home"), PATH: nothing };
  const ended = await trains({ env }, "auto");
  assert.match(ended.err, /taking engine wasm/);
  const demo = await task(["train", "--engine", "wasm"], { env });
  assert.equal(demo.code, 1);
  assert.match(demo.err, /^error: .*\.cache.*a part of this path is a file; or set SEMANTIC_AE_CACHE/m);
  assertNoTrace(demo, "demo");
});

Deno.test({
  name: "a Python without pip is no Python: auto goes on",
  ignore: !unix,
  async fn() {
    await Deno.mkdir(at("bin"));
    const script = "#!/bin/sh\necho 'No module named pip' >&2; exit 1\n";
    await Deno.writeTextFile(at("bin", "python3"), script, { mode: 0o755 });
    const env = { PATH: at("bin"), SEMANTIC_AE_CACHE: at("cache") };
    assert.match((await trains({ env }, "auto")).err, /taking engine wasm/);
  },
});

Deno.test({
  name: "what a strict umask forbids is forbidden in all that is made",
  ignore: !unix,
  async fn() {
    const strict = ["sh", "-c", 'umask 077; exec "$0" "$@"'], wide: string[] = [];
    const { out, args } = training();
    for (const words of [args, ["pack", photos, at("packed")]]) {
      const ended = await task(words, { wrap: strict });
      assert.equal(ended.code, 0, ended.err);
    }
    const look = (path: string) => {
      const { mode, isDirectory } = Deno.lstatSync(path);
      if ((mode! & 0o077) !== 0) wide.push(`${path} ${(mode! & 0o777).toString(8)}`);
      if (isDirectory) { for (const { name } of Deno.readDirSync(path)) look(join(path, name)); }
    };
    [out, at("packed")].forEach(look);
    assert.deepEqual(wide, []);
  },
});

/** Without this a user root may write everywhere. */
const ORDINARY = unix && Deno.uid() === 0
  ? ["setpriv", "--bounding-set", "-dac_override,-dac_read_search"]
  : [];

Deno.test({
  name: "a program and a current folder that may not be written to",
  ignore: !unix || (ORDINARY.length > 0 && !await works(...ORDINARY)),
  async fn() {
    const all: string[] = [];
    const collect = (path: string) => {
      all.push(path);
      if (!Deno.lstatSync(path).isDirectory) return;
      for (const { name } of Deno.readDirSync(path)) collect(join(path, name));
    };
    collect(program);
    for (const path of all) Deno.chmodSync(path, Deno.lstatSync(path).isDirectory ? 0o555 : 0o444);
    try {
      const how = { wrap: ORDINARY };
      await trains(how);
      const sheet = await task(["data", photos], how);
      assert.equal(sheet.code, 1);
      assert.match(
        sheet.err,
        /^error: contact-sheet\.png: no permission to write.*--no-sheet writes none\n$/,
      );
      assert.equal((await task(["data", photos, "--no-sheet"], how)).code, 0);
      const run = await task(["train", "--data", photos, "--config", config], how);
      assert.equal(run.code, 1);
      assert.match(run.err, /^error: runs\/demo: no permission to write; check its owner and mode$/m);
    } finally {
      for (const path of all) Deno.chmodSync(path, 0o755);
    }
  },
});

Deno.test({
  name: "no network at all",
  ignore: !await works("unshare", "-n"),
  fn: async () => void await trains({ wrap: ["unshare", "-n"] }),
});

Deno.test({
  name: "one core",
  ignore: !await works("taskset", "-c", "0"),
  fn: async () => void await trains({ wrap: ["taskset", "-c", "0"] }),
});

Deno.test({
  name: "readers that go away, outputs that are closed or full",
  ignore: !await works("bash", "-c"),
  async fn() {
    const shell = (script: string) => ["bash", "-c", `set -o pipefail; ${script}`];
    // Nobody hears how the training goes on; it does.
    await trains({ wrap: shell('"$0" "$@" 2>&1 | true') });
    await trains({ wrap: shell('exec "$0" "$@" >&- 2>&-') });
    const table = ["eval", at("runs", "0"), "--data", photos, "--engine", "wasm"];
    const gone = await task(table, { wrap: shell('"$0" "$@" | head -n 1') });
    assert.deepEqual([gone.code, /^features/.test(gone.out)], [0, true], gone.err);
    const full = await task(table, { wrap: shell('exec "$0" "$@" > /dev/full') });
    assert.equal(full.code, Deno.build.os === "linux" ? 1 : full.code);
    assert.match(full.err, /error: the result cannot be written to the standard output: No space left/);
  },
});

Deno.test({
  name: "a terminal of forty columns",
  ignore: Deno.build.os !== "linux" || !await works("script", "-q", "/dev/null", "-c"),
  async fn() {
    const { out, args } = training();
    const words = ["task", "-q", ...args].map((word) => `'${word}'`).join(" ");
    const line = `stty cols 40; '${Deno.execPath()}' ${words}; '${Deno.execPath()}' task -q pack --help`;
    const { stdout, success } = await new Deno.Command("script", {
      args: ["-qec", line, "/dev/null"],
      cwd: program,
      env: { TERM: "xterm", SEMANTIC_AE_ALLOCATOR: "off" },
      stdin: "null",
    }).output();
    const text = new TextDecoder().decode(stdout);
    assert.ok(success, text);
    assert.deepEqual(await losses(out), usual);
    const states = text.split("\r\x1b[K").slice(1).map((state) => state.split(/\r?\n/)[0]);
    // Quick steps are not all shown.
    assert.ok(states.length >= 1 && states.every((state) => [...state].length < 40), text);
    const help = text.slice(text.indexOf("Packs pictures")).split(/\r?\n/);
    assert.ok(
      help.length > 40 && help.every((shown) => shown.length <= 40 || shown.startsWith("  deno task")),
      help.join("\n"),
    );
  },
});
