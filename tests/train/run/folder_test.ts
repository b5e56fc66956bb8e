import assert from "node:assert/strict";
import { join } from "node:path";
import { saveCheckpoint } from "../../../src/train/run/checkpoint.ts";
import { lockRun, prepareFolder } from "../../../src/train/run/folder.ts";
import { claimRun, planRun } from "../../../src/train/run/plan.ts";
import { float32 } from "../../../src/files/stored_tensor.ts";
import { withFolder } from "../../with_folder.ts";

const names = async (folder: string) => (await Array.fromAsync(Deno.readDir(folder))).map(({ name }) => name);

Deno.test("a run folder in use is refused, and --resume takes its configuration from there", () =>
  withFolder(async (parent) => {
    const out = join(parent, "run");
    await assert.rejects(() => planRun({}, { out, resume: true }), /holds no run \(no config\.json\)/);
    const config = await planRun({ epochs: 7 }, { out, seed: 3 });
    assert.equal(await prepareFolder(config), null);
    await assert.rejects(() => prepareFolder(config), /not empty.*add --resume/);
    assert.deepEqual(JSON.parse(await Deno.readTextFile(join(out, "config.json"))), config);

    const resumed = await planRun({}, { out, resume: true, keep: 8 });
    assert.deepEqual(resumed, { ...config, keep: 8, resume: true });
    assert.equal(await prepareFolder(resumed), null);
    const info = {
      step: 4,
      cursor: { epoch: 1, position: 96 },
      pictures: 100,
      bad: 2,
      engine: "wasm",
      time: "",
    };
    await saveCheckpoint(out, { ...info, config }, { x: float32([1], Float32Array.of(1)) }, { keep: 1 });
    await Deno.writeTextFile(join(out, "checkpoints", ".partial-step-00000009.safetensors"), "x");
    assert.equal((await prepareFolder(resumed))?.step, 4);
    assert.ok(!(await names(join(out, "checkpoints"))).some((name) => name.startsWith(".")));
    const other = await planRun({}, { out, resume: true, seed: 4 });
    await assert.rejects(() => prepareFolder(other), /another configuration: seed is 4, in the checkpoint 3/);
  }));

Deno.test("a run that dies while its folder is made can be resumed or begun anew, whatever was made by then", () =>
  withFolder(async (parent) => {
    const out = join(parent, "run"), config = await planRun({}, { out });
    // Where the folder cannot be made whole, what stops it stands for death.
    await Deno.mkdir(out);
    await Deno.writeTextFile(join(out, ".partial-config.json-0"), "{");
    assert.equal(await prepareFolder(config), null);
    await Deno.remove(join(out, "checkpoints"));
    assert.equal(await prepareFolder(await planRun({}, { out, resume: true })), null);
    assert.deepEqual((await names(out)).sort(), ["checkpoints", "config.json"]);
    // The configuration is there before anything else is.
    await Deno.remove(out, { recursive: true });
    await Deno.mkdir(join(out, "config.json"), { recursive: true });
    await assert.rejects(() => prepareFolder({ ...config, resume: true }));
    assert.deepEqual(await names(out), ["config.json"]);
  }));

Deno.test("a folder that is named is claimed; of the default ones the first that nobody uses", () =>
  withFolder(async (parent) => {
    const runs = join(parent, "runs"), at = (name: string) => join(runs, name);
    await Deno.mkdir(at("demo-2"), { recursive: true });
    await Deno.writeTextFile(at("demo-2/.lock"), "of a process that died");
    await Deno.mkdir(at("demo-3"));
    await Deno.writeTextFile(at("demo-3/config.json"), "{}");
    const plan = await planRun({}, {});
    assert.equal(plan.out, "");
    // At the same moment, as two commands do.
    const claimed = await Promise.all([1, 2, 3].map(() => claimRun(plan, undefined, runs)));
    assert.deepEqual(claimed.map(({ config }) => config.out).sort(), ["demo", "demo-2", "demo-4"].map(at));
    const named = { ...plan, out: at("demo") };
    await assert.rejects(
      claimRun(named),
      /^InUseError: the run folder .*demo is in use by this very process/,
    );
    for (const { lock } of claimed) await lock.release();
    // Those that were made go, as no run began in them.
    assert.deepEqual((await names(runs)).sort(), ["demo-2", "demo-3"]);
    // Also where another made it, and only this one got it.
    const other = await lockRun({ out: at("demo"), resume: false });
    await assert.rejects(lockRun({ out: at("demo"), resume: false }), /InUseError/);
    await Deno.writeTextFile(at("demo-2/.partial-made"), "");
    const got = await lockRun({ out: at("demo-2"), resume: false });
    await other.release();
    await got.release();
    assert.deepEqual(await names(runs), ["demo-3"]);
    await assert.rejects(claimRun({ ...plan, out: at("demo-3") }), /not empty.*add --resume/);
    assert.deepEqual(await names(at("demo-3")), ["config.json"]);
    await (await claimRun({ ...plan, out: at("demo-3"), resume: true })).lock.release();
  }));

Deno.test("passwords and signatures are not stored with a run, and asked for when it goes on", () =>
  withFolder(async (parent) => {
    const out = join(parent, "run"), data = "https://me:s3cret@host/d-{0..9}.tar?sig=s3cret&v=2";
    const shown = "https://REDACTED@host/d-{0..9}.tar?sig=REDACTED&v=2";
    const config = await planRun({}, { out, data });
    assert.equal(config.data, data);
    await prepareFolder(config);
    const stored = await Deno.readTextFile(join(out, "config.json"));
    assert.equal(JSON.parse(stored).data, shown);
    await assert.rejects(
      planRun({}, { out, resume: true }),
      (error: Error) =>
        error.message.includes(`the data is at ${shown}: `) && /again, with --data/.test(error.message),
    );
    assert.equal((await planRun({}, { out, resume: true, data })).data, data);
    assert.equal((await planRun({ data }, { out, resume: true })).data, data);
  }));

Deno.test({
  name: "a run folder that is a link to nowhere is told as such",
  ignore: Deno.build.os === "windows",
  fn: () =>
    withFolder(async (folder) => {
      const out = join(folder, "run");
      await Deno.symlink(join(folder, "nowhere"), out);
      await assert.rejects(
        lockRun({ out, resume: false }),
        /run: cannot write: something has this name already, perhaps a link that leads nowhere; choose another name or/,
      );
    }),
});

Deno.test("a folder that may not be written gives an error, not a run", () =>
  withFolder(async (parent) => {
    const file = join(parent, "file");
    await Deno.writeTextFile(file, "x");
    await assert.rejects(
      async () => await prepareFolder(await planRun({}, { out: file })),
      /is a file, not a folder/,
    );
    await assert.rejects(async () => await prepareFolder(await planRun({}, { out: join(file, "run") })));
  }));

Deno.test("--resume without a folder takes the last default one that holds a run, gaps or not", () =>
  withFolder(async (parent) => {
    const root = join(parent, "runs"), resume = (flags = {}) => planRun({}, { resume: true, ...flags }, root);
    await assert.rejects(resume, /found no run/);
    const config = await planRun({}, { out: "" });
    for (const name of ["demo-2", "demo-10", "photo", "other-99"]) {
      await prepareFolder({ ...config, out: join(root, name) });
    }
    // One that is just beginning, and what is no run of ours.
    for (const name of ["demo-11", "demo-012"]) await Deno.mkdir(join(root, name));
    assert.equal((await resume()).out, join(root, "demo-10"));
    assert.equal((await resume({ preset: "photo" })).out, join(root, "photo"));
    // It is no other run for that: weights of it are trained on by their own preset.
    assert.equal((await resume({ preset: "photo" })).preset, "demo");
    assert.equal(
      (await planRun({ preset: "tiny" }, { resume: true, out: join(root, "photo") })).preset,
      "demo",
    );
    await Deno.remove(join(root, "demo-10"), { recursive: true });
    assert.equal((await resume()).out, join(root, "demo-2"));
    await assert.rejects(
      resume({ preset: "tiny" }),
      /found no run of preset tiny in .*; there is \S+demo-2, \S+other-99, \S+photo; name .* --out/,
    );
  }));

Deno.test("a run that begins once more keeps no best state of before, one that goes on does", () =>
  withFolder(async (parent) => {
    const out = join(parent, "run"), config = await planRun({}, { out }), again = { ...config, resume: true };
    await prepareFolder(config);
    const best = join(out, "checkpoints", "best-knn-top1.safetensors");
    await Deno.writeTextFile(best, "");
    assert.equal(await prepareFolder(again), null);
    assert.deepEqual(await names(join(out, "checkpoints")), []);
    const place = { cursor: { epoch: 0, position: 4 }, pictures: 8, bad: 0, engine: "wasm", time: "" };
    await saveCheckpoint(out, { ...place, step: 1, config }, { x: float32([1], Float32Array.of(1)) }, {
      keep: 1,
    });
    await Deno.writeTextFile(best, "");
    assert.equal((await prepareFolder(again))?.step, 1);
    assert.equal((await names(join(out, "checkpoints"))).length, 2);
  }));

Deno.test("--init of a run that goes on is the one that it began with", () =>
  withFolder(async (parent) => {
    const out = join(parent, "run"), config = await planRun({}, { out, init: "w.pth" });
    await prepareFolder(config);
    // Without a checkpoint it begins once more, with whatever it is given.
    assert.equal((await planRun({}, { out, resume: true, init: "v.pth" })).init, "v.pth");
    const place = { cursor: { epoch: 0, position: 4 }, pictures: 8, bad: 0, engine: "wasm", time: "" };
    await saveCheckpoint(out, { ...place, step: 1, config }, { x: float32([1], Float32Array.of(1)) }, {
      keep: 1,
    });
    for (const more of [{}, { init: "w.pth" }]) {
      assert.equal((await planRun({}, { out, resume: true, ...more })).init, "w.pth");
    }
    await assert.rejects(
      planRun({}, { out, resume: true, init: "v.pth" }),
      /began with w\.pth and goes on from its checkpoint, so --init v\.pth has no use/,
    );
  }));
