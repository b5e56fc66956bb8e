import assert from "node:assert/strict";
import { join } from "node:path";
import * as tf from "../../src/engine/tensors.ts";
import { openWasm } from "../../src/engine/wasm.ts";
import { InterruptedError } from "../../src/cli/interrupt.ts";
import { readModel, type StoredModel } from "../../src/eval/stored_model.ts";
import { SYSTEM_DISK } from "../../src/files/disk.ts";
import { decodeSafetensors, encodeSafetensors } from "../../src/files/safetensors.ts";
import { asFloat32, float32 } from "../../src/files/stored_tensor.ts";
import { encoder } from "../../src/model/encoder.ts";
import { PRESETS } from "../../src/model/config.ts";
import { initModel } from "../../src/model/init.ts";
import { weightsFromTensors } from "../../src/model/weights.ts";
import { resolveConfig } from "../../src/train/config/config.ts";
import { saveCheckpoint } from "../../src/train/run/checkpoint.ts";
import { initialState, readState } from "../../src/train/state.ts";
import { exportModel } from "../../src/weights/export/export.ts";
import { EXPORT_FORMATS, type ExportFormat } from "../../src/weights/export/formats.ts";
import { shorterSide } from "../../src/weights/export/model.ts";
import { encoderTensors } from "../../src/weights/sort.ts";
import { exportTask } from "../../tasks/export.ts";
import { capture } from "../cli/capture.ts";
import { TOY } from "../eval/toy.ts";
import { fullDisk } from "../files/faulty_disk.ts";
import { withFolder } from "../with_folder.ts";
import { expected, fixture, images, relative } from "./fixtures.ts";
import { computeOnnx, readOnnx } from "./onnx_reader.ts";

const FORMATS = Object.keys(EXPORT_FORMATS) as ExportFormat[];
const dinov2 = () => readModel(fixture("dinov2.pth"), { heads: 2 });

/** A run folder with a checkpoint that was never trained, and figures. */
async function makeRun(folder: string, ema = false): Promise<string> {
  const config = resolveConfig({ ...TOY, ema, data: "/home/somebody/secret", seed: 4, initLinear: 0.3 });
  const cursor = { epoch: 2, position: 0 };
  const info = {
    config,
    step: 6,
    cursor,
    pictures: 1234,
    bad: 1,
    engine: "wasm",
    time: "2026-01-02T03:04:05Z",
  };
  const tensors = await readState(initialState(config, 4, ema));
  await saveCheckpoint(folder, info, tensors, { keep: 1 });
  const lines = [
    { step: 6, epoch: 1, loss: 3.25 },
    { step: 6, epoch: 1, evaluator: "table", seconds: 1, meaning: 0.4321 },
    { step: 7, epoch: 1, evaluator: "table", seconds: 1, meaning: 0.9 },
  ];
  await Deno.writeTextFile(
    join(folder, "metrics.jsonl"),
    lines.map((line) => JSON.stringify(line) + "\n").join(""),
  );
  return folder;
}

Deno.test("export: what is written to hf, timm and safetensors is read back bit by bit", () =>
  withFolder(async (folder) => {
    const model = await dinov2();
    for (const to of FORMATS.filter((to) => to !== "onnx")) {
      const files = await exportModel(model, join(folder, to), { to });
      assert.ok(files.some(({ name }) => name === "README.md"));
      for (const { name, bytes } of files) {
        assert.equal((await Deno.stat(join(folder, to, name))).size, bytes);
      }
      // The heads are told by config.json.
      const again = await readModel(join(folder, to));
      assert.equal(again.config.heads, 2);
      assert.deepEqual(Object.keys(again.tensors).sort(), Object.keys(model.tensors).sort());
      for (const [name, { data, shape }] of Object.entries(model.tensors)) {
        assert.deepEqual(again.tensors[name], { dtype: "F32", shape, data }, `${to}: ${name}`);
      }
    }
  }));

Deno.test("export: a hidden width that is no exact multiple of the width stays what it is", () =>
  withFolder(async (folder) => {
    // 15 / 11 times 11 is less than 15 in floating point, 29 / 7 times 7 more than 29.
    for (const [width, hidden] of [[11, 15], [7, 29], [88, 120]]) {
      const config = { ...PRESETS.tiny, imageSize: 8, patchSize: 4, width, depth: 1, heads: 1 };
      const entries = encoderTensors({ ...config, mlpRatio: hidden / width });
      assert.deepEqual(entries.find(({ name }) => name.endsWith("mlp.fc1.weight"))?.shape, [hidden, width]);
      const random = Object.fromEntries(
        entries.map(({ name, shape }, i) => {
          const count = shape.reduce((a, b) => a * b, 1);
          return [name, float32(shape, Float32Array.from({ length: count }, (_, j) => Math.sin(i + 3 * j)))];
        }),
      );
      const path = join(folder, `${width}.safetensors`);
      await Deno.writeFile(path, encodeSafetensors(random));
      const model = await readModel(path, { heads: 1 });
      for (const to of FORMATS) await exportModel(model, join(folder, `${width}-${to}`), { to });
      const json = async (to: string) =>
        JSON.parse(await Deno.readTextFile(join(folder, `${width}-${to}`, "config.json")));
      assert.equal((await json("hf")).intermediate_size, hidden);
      // timm has int(width * mlp_ratio).
      assert.equal(Math.trunc(width * (await json("timm")).model_args.mlp_ratio), hidden);
      for (const to of FORMATS.filter((to) => to !== "onnx")) {
        const again = await readModel(join(folder, `${width}-${to}`));
        assert.deepEqual(again.tensors, model.tensors);
      }
      const graph = readOnnx(await Deno.readFile(join(folder, `${width}-onnx`, "model.onnx")));
      assert.ok([...graph.constants.values()].some(({ shape }) => String(shape) === `${width},${hidden}`));
    }
  }));

Deno.test("export: the ONNX graph computes what the encoder computes, its attention too", async () => {
  const engine = await openWasm();
  const model = await dinov2(), { params, frozen } = await model.load();
  await withFolder(async (folder) => {
    for (const to of ["onnx", "hf"] as const) await exportModel(model, join(folder, to), { to });
    const onnx = readOnnx(await Deno.readFile(join(folder, "onnx/model.onnx")));
    assert.deepEqual([onnx.ir, onnx.opset], [8, 17]);
    assert.deepEqual(onnx.inputs, { pixel_values: ["batch", 3, 28, 28] });
    assert.deepEqual(onnx.outputs, { last_hidden_state: ["batch", 5, 8], attentions: ["batch", 2, 5, 5] });
    const pixels = tf.transpose(images(28), [0, 3, 1, 2]);
    const { last_hidden_state: tokens, attentions } = computeOnnx(onnx, { pixel_values: pixels });
    assert.ok(relative(tokens.dataSync(), expected("dinov2")) < 2e-6);
    const { attention } = encoder(model.config, { ...params, ...frozen }, images(28), undefined, {
      attention: true,
    });
    assert.ok(relative(attentions.dataSync(), attention!.dataSync()) < 2e-6);
    const inner = readOnnx(await Deno.readFile(join(folder, "hf/onnx/model.onnx")));
    assert.deepEqual(Object.keys(inner.outputs), ["last_hidden_state"]);
    assert.ok(
      relative(
        computeOnnx(inner, { pixel_values: pixels }).last_hidden_state.dataSync(),
        tokens.dataSync(),
      ) === 0,
    );
  });
  await engine.close();
});

Deno.test("export: an encoder of convolutions goes to ONNX and safetensors; other formats say why not", async () => {
  const engine = await openWasm();
  const config = {
    ...PRESETS.demo,
    imageSize: 16,
    patchSize: 4,
    width: 8,
    heads: 2,
    depth: 2,
    stem: "convolutions",
    localMixing: true,
  } as const;
  const { params, frozen, buffers } = initModel(config, 7);
  assert.deepEqual(frozen, {});
  const tensors = Object.fromEntries(
    Object.entries({ ...params, ...buffers }).map((
      [name, x],
    ) => [name, float32(x.shape, x.dataSync<"float32">())]),
  );
  const model = { name: "odd", config, tensors, notes: [] };
  await withFolder(async (folder) => {
    await exportModel(model, join(folder, "onnx"), { to: "onnx" });
    const onnx = readOnnx(await Deno.readFile(join(folder, "onnx/model.onnx")));
    const pixels = tf.transpose(images(16), [0, 3, 1, 2]);
    const { last_hidden_state: tokens } = computeOnnx(onnx, { pixel_values: pixels });
    const own = encoder(config, params, images(16)).tokens;
    assert.ok(relative(tokens.dataSync(), own.dataSync()) < 2e-6);
    for (const to of ["hf", "timm"] as const) {
      await assert.rejects(
        exportModel(model, join(folder, to), { to }),
        /no place for a stem of convolutions and local mixing; --to onnx and --to safetensors hold them/,
      );
    }
    await exportModel(model, join(folder, "own"), { to: "safetensors" });
    const stored = decodeSafetensors(await Deno.readFile(join(folder, "own/model.safetensors"))).tensors;
    for (const [name, tensor] of Object.entries(tensors)) assert.deepEqual(stored[name]?.shape, tensor.shape);
    const back = await readModel(join(folder, "own"));
    for (const key of ["stem", "localMixing", "patchSize", "width", "depth", "heads", "imageSize"] as const) {
      assert.equal(back.config[key], config[key], key);
    }
    const { params: read, frozen: none } = await back.load();
    const again = encoder(back.config, { ...read, ...none }, images(16)).tokens;
    assert.deepEqual(again.dataSync(), own.dataSync());
    const about = join(folder, "own/preprocessor_config.json");
    const said = JSON.parse(await Deno.readTextFile(about));
    await Deno.writeTextFile(about, JSON.stringify({ ...said, image_mean: [0.5, 0.5, 0.5] }));
    await assert.rejects(readModel(join(folder, "own")), /normalised with mean 0.5,0.5,0.5 .* convolutions/);
  });
  await engine.close();
});

Deno.test("export: a run's card tells data, figures and preprocessing, but not where its data were", () =>
  withFolder(async (folder) => {
    const engine = await openWasm();
    const model = await readModel(await makeRun(join(folder, "run"), true));
    await exportModel(model, join(folder, "out"), { to: "safetensors" });
    const card = await Deno.readTextFile(join(folder, "out/README.md"));
    assert.match(card, /on 1,234 pictures: 6 steps of 64 pictures \(2 epochs\)/);
    assert.match(card, /\| table \| meaning \| 0\.4321 \| 6 \|/);
    assert.match(card, /\| training \| loss \| 3\.25 \| 6 \|/);
    assert.match(card, /shorter side to 18 \(bicubic, with antialias\), cut out the middle 16 × 16/);
    assert.match(card, /"lr": 0\.006/);
    assert.doesNotMatch(card, /secret|somebody|wasm"|undefined|NaN/);
    // Complete, so that PyTorch's strict loading takes it; and the same model.
    const { tensors } = decodeSafetensors(await Deno.readFile(join(folder, "out/model.safetensors")));
    assert.ok("head.decoder_pos_embed_" in tensors && !("teacher.backbone.cls_token" in tensors));
    assert.deepEqual(tensors["head.mlp.10.num_batches_tracked"].data, BigInt64Array.of(6n));
    const again = await weightsFromTensors(model.config, tensors);
    assert.deepEqual(await again.params["head.slp.weight"].data(), model.tensors["head.slp.weight"].data);
    await engine.close();
  }));

Deno.test("export: other libraries get the preprocessing of evaluation", () =>
  withFolder(async (folder) => {
    const model = await dinov2(),
      read = async (name: string) => JSON.parse(await Deno.readTextFile(join(folder, name)));
    for (const imageSize of [28, 56, 70, 210]) {
      const other = await readModel(fixture("dinov2.pth"), { heads: 2, imageSize });
      const shorter = shorterSide(other.config), name = String(imageSize);
      await exportModel(other, join(folder, name), { to: "timm" });
      const { pretrained_cfg: timm, model_args: args } = await read(`${name}/config.json`);
      // How timm divides.
      assert.equal(Math.floor(imageSize / timm.crop_pct), shorter);
      assert.deepEqual([args.img_size, args.patch_size, args.num_heads], [imageSize, 14, 2]);
    }
    await exportModel(model, join(folder, "hf"), { to: "hf" });
    const { size, crop_size: crop, resample } = await read("hf/preprocessor_config.json");
    assert.deepEqual([size, crop, resample], [{ shortest_edge: 32 }, { height: 28, width: 28 }, 3]);
    assert.equal((await read("hf/config.json")).layer_norm_eps, 1e-6);
  }));

/** A model with other tensors. */
const changed = (model: StoredModel, tensors: StoredModel["tensors"]): StoredModel => ({
  ...model,
  tensors: { ...model.tensors, ...tensors },
});

Deno.test("export: what cannot be exported is refused with the reason, and nothing is left", () =>
  withFolder(async (folder) => {
    const model = await dinov2(), dest = join(folder, "out");
    const bias = asFloat32(model.tensors["backbone.norm.bias"]).slice();
    bias[2] = Infinity;
    const odd = changed(model, { "backbone.norm.bias": float32([8], bias) });
    await assert.rejects(exportModel(odd, dest, { to: "hf" }), /backbone\.norm\.bias holds Infinity at 2/);
    const registers = changed(model, {
      "backbone.register_tokens": float32([1, 2, 8], new Float32Array(16)),
    });
    for (const to of ["hf", "timm", "onnx"] as const) {
      await assert.rejects(
        exportModel(registers, dest, { to }),
        /cannot be exported to \w+: .* has no place for backbone\.register_tokens; --to safetensors holds/,
      );
    }
    const { "backbone.cls_token": _, ...rest } = model.tensors;
    await assert.rejects(
      exportModel({ ...model, tensors: rest }, dest, { to: "onnx" }),
      /cls_token is missing/,
    );
    // A disk that fills up.
    const disk = fullDisk("model.safetensors");
    await assert.rejects(
      exportModel(model, dest, { to: "timm", disk }),
      /model\.safetensors: cannot write: no space is left/,
    );
    assert.deepEqual([...Deno.readDirSync(folder)], [], "nothing is left");
    await Deno.mkdir(dest);
    await assert.rejects(
      exportModel(model, dest, { to: "timm" }),
      /out: exists already; nothing is overwritten/,
    );
    await assert.rejects(exportModel(model, `${folder}/..`, { to: "timm" }), /name a new folder/);
    assert.deepEqual([...Deno.readDirSync(dest)], []);
  }));

Deno.test("task export: formats, the teacher, and what is wrong in one line", () =>
  withFolder(async (folder) => {
    const engine = await openWasm();
    const run = await makeRun(join(folder, "run"), true), file = fixture("dinov2.pth");
    await engine.close();
    const made = await capture(exportTask, [run, join(folder, "a"), "--to", "timm", "--teacher"]);
    assert.equal(made.code, 0, made.err);
    assert.match(
      made.out,
      /a: .*step-00000006\.safetensors \(step 6\)\n +config\.json +\d.* KiB\n +model\.safetensors/,
    );
    const cases: [string[], RegExp, number][] = [
      [
        [file, join(folder, "b")],
        /say what to export to: --to hf, --to timm, --to onnx, --to safetensors/,
        2,
      ],
      [
        [file, join(folder, "b"), "--to", "onx"],
        /--to is "onx", but it must be one of .*did you mean onnx\?/,
        2,
      ],
      [[file, join(folder, "b"), "--to", "onnx"], /say it with --heads/, 1],
      [[file, join(folder, "a"), "--to", "onnx", "--heads", "2"], /a: exists already/, 1],
      [[join(folder, "none"), join(folder, "b"), "--to", "hf"], /none: there is no such file or folder/, 1],
      [
        [run, join(folder, "b"), "--to", "hf", "--key", "student"],
        /is a run's own, which tells its sizes/,
        1,
      ],
      [[run, join(folder, "b"), "--to", "hf", "--heads", "4"], /has 2 heads, not 4/, 1],
    ];
    for (const [args, message, code] of cases) {
      const ended = await capture(exportTask, args);
      assert.match(ended.err, message);
      assert.equal(ended.code, code, ended.err);
      assert.equal(ended.out, "");
    }
    assert.ok(![...Deno.readDirSync(folder)].some(({ name }) => name === "b"));
  }));

Deno.test("export: the card of weights from elsewhere tells no path, with spaces in it or not", () =>
  withFolder(async (folder) => {
    const path = join(folder, "My Models", "dino (1).pth");
    await Deno.mkdir(join(folder, "My Models"));
    await Deno.copyFile(fixture("dino.pth"), path);
    await exportModel(await readModel(path, { heads: 2 }), join(folder, "out"), { to: "safetensors" });
    const card = await Deno.readTextFile(join(folder, "out/README.md"));
    assert.match(card, /^dino \(1\)\.pth: /m);
    assert.doesNotMatch(card, /My Models|\/tmp/);
  }));

Deno.test("export: one that is stopped leaves nothing, also between two of its files", () =>
  withFolder(async (folder) => {
    const out = join(folder, "out"), stop = new AbortController();
    const create = (path: string) => {
      stop.abort(new InterruptedError("stopped by SIGINT"));
      return SYSTEM_DISK.create(path);
    };
    const { signal } = stop, disk = { ...SYSTEM_DISK, create };
    await assert.rejects(exportModel(await dinov2(), out, { to: "hf", signal, disk }), InterruptedError);
    const { code, err } = await capture(exportTask, [
      fixture("dinov2.pth"),
      out,
      "--heads",
      "2",
      "--to",
      "onnx",
    ], {
      interrupt: signal,
    });
    assert.equal(code, 130, err);
    assert.deepEqual([...Deno.readDirSync(folder)], []);
  }));
