import assert from "node:assert/strict";
import { join } from "node:path";
import * as tf from "../../src/engine/tensors.ts";
import { openWasm } from "../../src/engine/wasm.ts";
import { readModel, type ReadModelOptions } from "../../src/eval/stored_model.ts";
import { encodeSafetensors, openSafetensors } from "../../src/files/safetensors.ts";
import { asFloat32, float32, type StoredTensor } from "../../src/files/stored_tensor.ts";
import { PRESETS } from "../../src/model/config.ts";
import { openWeights } from "../../src/weights/files/open.ts";
import { readWeights } from "../../src/weights/read.ts";
import { sizesOf } from "../../src/weights/sizes.ts";
import { encoderTensors } from "../../src/weights/sort.ts";
import { withFolder } from "../with_folder.ts";
import { expected, fixture, relative, tokens } from "./fixtures.ts";

/** A file, how it is asked for, what its library gave, and a line that is said of it. */
const CASES: readonly [file: string, options: ReadModelOptions, expected: string, note: RegExp][] = [
  [
    "dino.pth",
    { heads: 2 },
    "dino.teacher",
    /its "teacher", with the names of the reference, DINO, MAE and timm; 2 heads \(as given\)/,
  ],
  [
    "dino.pth",
    { heads: 2, key: "student" },
    "dino.student",
    /not taken \(no part of this encoder\): module\.head\.mlp\.0\.weight, module\.head\.last_layer\.weight_g/,
  ],
  ["dino.pth", { heads: 2, teacher: true }, "dino.teacher", /not taken: \d+ tensors in "student"/],
  [
    "dino-old.pth",
    { heads: 2 },
    "dino.teacher",
    /taken: backbone\.blocks\.0–1\.attn\.qkv\.\{weight,bias\} → backbone\.blocks\.0–1\.attn\.qkv/,
  ],
  [
    "method.pth",
    { heads: 2 },
    "method",
    /its "student".*\n[^]*not taken \(this method's head and decoder\): module\.head\.mask_feat/,
  ],
  [
    "mae.pth",
    { heads: 2 },
    "mae",
    /not taken \(for masked pictures in pre-training\): mask_token, decoder_embed\.weight/,
  ],
  ["timm.safetensors", { heads: 2 }, "timm", /without a bias, which is 0 here: blocks\.\*\.attn\.qkv\.bias/],
  ["dinov2.pth", { heads: 2 }, "dinov2", /layer scale is worked into the layers before it: 4 tensors/],
  [
    "hf",
    {},
    "hf",
    /2 heads \(from config\.json\)[^]*taken: encoder\.layer\.0–1\.layernorm_before\.\{bias,weight\} → backbone\.blocks\.0–1\.norm1[^]*pictures were normalised with mean 0\.5,0\.5,0\.5/,
  ],
];

Deno.test("weights: what PyTorch, timm and transformers wrote gives the features that it gives there", async () => {
  const engine = await openWasm();
  for (const [file, options, name, note] of CASES) {
    const model = await readModel(fixture(file), options);
    const { params, frozen, buffers } = await model.load();
    const apart = relative(tokens(model.config, { params, frozen, buffers }), expected(name));
    assert.ok(apart < 2e-6, `${file} ${JSON.stringify(options)}: ${apart}`);
    assert.match(model.notes.join("\n"), note, file);
    assert.equal(model.demo, false);
    tf.dispose([params, frozen, buffers]);
  }
  await engine.close();
});

Deno.test("weights: transformers' names in memory are those of its files", async () => {
  const [memory, disk] = await Promise.all(
    ["hf5.pth", "hf/model.safetensors"].map((name) => readWeights(fixture(name), { heads: 2 })),
  );
  // The folder's normalisation is known beside the file alone.
  const { "backbone.patch_embed.proj.weight": _, "backbone.patch_embed.proj.bias": __, ...rest } =
    memory.tensors;
  for (const [name, { data }] of Object.entries(rest)) assert.deepEqual(data, disk.tensors[name].data, name);
  assert.ok(
    memory.notes.some((line) => /pooling behind the features\): pooler\.dense/.test(line)),
    memory.notes.join("\n"),
  );
});

Deno.test("weights: the old and the new format hold the same", async () => {
  const [old, now] = [await openWeights(fixture("dino-old.pth")), await openWeights(fixture("dino.pth"))];
  const [a, b] = [old.sets.get("")!, now.sets.get("teacher")!];
  assert.deepEqual([...a.keys()], [...b.keys()]);
  for (const [name, tensor] of a) assert.deepEqual(await tensor.read(), await b.get(name)!.read(), name);
  assert.equal(now.facts.get("args.arch"), "vit_mini");
  assert.equal(now.facts.get("epoch"), 3);
  old.close();
  now.close();
});

Deno.test("weights: each pickle protocol that PyTorch loads is read, at any depth, in the old format and the new", async () => {
  for (const protocol of [1, 2, 3, 4, 5]) {
    for (const format of ["old", "zip"]) {
      const name = `protocols/${format}-${protocol}.pth`, file = await openWeights(fixture(name));
      assert.deepEqual([...file.sets.keys()], ["run.states.0.model"], name);
      const tensor = await file.sets.get("run.states.0.model")!.get("weight")!.read();
      assert.deepEqual(
        tensor,
        { dtype: "F32", shape: [2, 3], data: Float32Array.of(0, 1, 2, 3, 4, 5) },
        name,
      );
      assert.equal(file.facts.get("epoch"), 300, name);
      file.close();
    }
  }
});

Deno.test("weights: for pictures of another size the positions are resized as the reference does", async () => {
  const engine = await openWasm();
  const whole = await readModel(fixture("mae.pth"), { heads: 2 });
  const larger = await readModel(fixture("mae.pth"), { heads: 2, imageSize: 28 });
  assert.deepEqual([whole.config.imageSize, larger.config.imageSize], [16, 28]);
  assert.match(larger.notes.at(-1)!, /positions are resized from 4 × 4 to 7 × 7, bicubic/);
  const [a, b] = [await whole.load(), await larger.load()];
  // The encoder itself resizes for pictures that are not of its size.
  const once = tokens({ ...larger.config }, b), again = tokens({ ...whole.config, imageSize: 16 }, a);
  assert.equal(once.length, 2 * 50 * 8);
  assert.equal(again.length, 2 * 17 * 8);
  const { resizePositions } = await import("../../src/model/positions.ts");
  const resized = resizePositions(a.params["backbone.pos_embed"], 4, 7, 7).dataSync();
  assert.ok(relative(larger.tensors["backbone.pos_embed"].data as Float32Array, resized) < 1e-6);
  await engine.close();
});

/** Tensors of a file as they are stored, to change some. */
async function tensorsOf(name: string, key = ""): Promise<Record<string, StoredTensor>> {
  const file = await openWeights(fixture(name)), found: Record<string, StoredTensor> = {};
  for (const [name, tensor] of file.sets.get(key)!) found[name] = await tensor.read();
  file.close();
  return found;
}

/** The same safetensors file, of which one tensor is said to be of another type of as many bytes. */
function ofType(file: Uint8Array, name: string, dtype: string): Uint8Array {
  const length = Number(new DataView(file.buffer, file.byteOffset).getBigUint64(0, true));
  const header = JSON.parse(new TextDecoder().decode(file.subarray(8, 8 + length)));
  header[name].dtype = dtype;
  const json = new TextEncoder().encode(JSON.stringify(header)), out = new Uint8Array(8 + json.length);
  new DataView(out.buffer).setBigUint64(0, BigInt(json.length), true);
  out.set(json, 8);
  return Uint8Array.of(...out, ...file.subarray(8 + length));
}

Deno.test("weights: a safetensors file may have tensors of other types beside the encoder, not in it", () =>
  withFolder(async (folder) => {
    const plain = await tensorsOf("dino-old.pth"), path = join(folder, "x.safetensors");
    const bytes: StoredTensor = { dtype: "U8", shape: [3], data: new Uint8Array(3) };
    const file = encodeSafetensors({ ...plain, "head.scale": bytes });
    for (const dtype of ["I8", "F8_E4M3"]) {
      await Deno.writeFile(path, ofType(file, "head.scale", dtype));
      const { tensors } = await readWeights(path, { heads: 2 });
      assert.deepEqual(
        asFloat32(tensors["backbone.norm.weight"]),
        asFloat32(plain["backbone.norm.weight"]),
      );
      assert.equal((await readModel(path, { heads: 2 })).config.width, 8);
    }
    const small = { ...plain, "backbone.norm.bias": { ...bytes, shape: [8], data: new Uint8Array(8) } };
    await Deno.writeFile(path, ofType(encodeSafetensors(small), "backbone.norm.bias", "F8_E4M3"));
    await assert.rejects(
      readWeights(path, { heads: 2 }),
      /"backbone\.norm\.bias" is of type F8_E4M3, which is not read here; in Python save it as float32/,
    );
    // Where all tensors are needed, as in a checkpoint, the file is refused.
    await assert.rejects(openSafetensors(path), /"backbone\.norm\.bias" has type "F8_E4M3"; known are F64/);
  }));

Deno.test("weights: what does not make an encoder that can be computed is refused with the reason", () =>
  withFolder(async (folder) => {
    const plain = await tensorsOf("dino-old.pth"), path = join(folder, "x.safetensors");
    const zeros = (...shape: number[]) => float32(shape, new Float32Array(shape.reduce((a, b) => a * b, 1)));
    const nan = zeros(8);
    nan.data[3] = NaN;
    const without = (...names: string[]) =>
      Object.fromEntries(
        Object.entries(plain).filter(([name]) => !names.some((part) => name.includes(part))),
      );
    const cases: [Record<string, StoredTensor>, RegExp, ReadModelOptions?][] = [
      [plain, /do not tell how many attention heads they are for: say it with --heads/, {}],
      [plain, /width 8 is not a multiple of heads 3/, { heads: 3 }],
      [plain, /imageSize 17 is not a multiple of patchSize 4/, { heads: 2, imageSize: 17 }],
      [plain, /not of the sizes of preset tiny: patchSize is 4, of the preset 16; width is 8/, {
        preset: "tiny",
      }],
      [
        { ...plain, "backbone.blocks.0.mlp.fc2.weight": zeros(8, 16) },
        /blocks\.0\.mlp\.fc2\.weight takes half of what mlp\.fc1 gives, a gated MLP \(SwiGLU\)/,
        { heads: 2 },
      ],
      [plain, /has no averaged weights; it has an encoder in "backbone"/, { heads: 2, teacher: true }],
      [plain, /has no encoder in "ema"; it has one in "backbone"/, { heads: 2, key: "ema" }],
      [
        { ...plain, "backbone.norm.weight": nan },
        /norm\.weight holds NaN at 3: such weights give no features/,
      ],
      [
        { ...plain, "backbone.blocks.0.attn.q_norm.weight": zeros(4) },
        /depend on 1 tensors .*q_norm.*norms of queries and keys/,
      ],
      [{ ...plain, "backbone.dist_token": zeros(1, 1, 8) }, /distillation token/],
      [
        { ...plain, "backbone.wholly.new": zeros(1) },
        /"backbone\.wholly\.new" \(a tensor that this encoder does not have\)/,
      ],
      [{ ...plain, "backbone.blocks.0.mlp.fc1.bias": zeros(31) }, /fc1\.bias is \[31\], must be \[32\]/],
      [
        without("blocks.1.norm2"),
        /no whole encoder: blocks\.1\.norm2\.weight is missing; blocks\.1\.norm2\.bias/,
      ],
      // A bias of one block alone was lost; a norm without one may be another kind of norm.
      [without("blocks.1.mlp.fc1.bias"), /no whole encoder: blocks\.1\.mlp\.fc1\.bias is missing$/],
      [without("norm1.bias"), /blocks\.0\.norm1\.bias is missing \(norms of weights alone may be RMS norms/],
      [without("blocks.0"), /has 1 blocks, but not those from 0 to 0/],
      [without("pos_embed"), /the encoder's tensor pos_embed is missing/],
      [{ ...plain, "backbone.pos_embed": zeros(1, 19, 8) }, /19 positions are those of no square grid/],
      [
        { ...plain, "backbone.patch_embed.proj.weight": zeros(8, 1, 4, 4) },
        /patch embedding is \[8,1,4,4\], must be/,
      ],
      [without("patch_embed"), /without a vision transformer that is known here: its tensors are/],
      [
        { ...without("patch_embed"), "patch_embed.stem.0.weight": zeros(1) },
        /its patch embedding is no plain convolution/,
      ],
      [
        { ...plain, "backbone.norm.bias": { dtype: "I32", shape: [8], data: new Int32Array(8) } },
        /norm\.bias holds I32/,
      ],
    ];
    for (const [tensors, message, options = { heads: 2 }] of cases) {
      await Deno.writeFile(path, encodeSafetensors(tensors));
      await assert.rejects(readModel(path, options), (error: Error) => {
        assert.match(error.message, message);
        assert.ok(error.message.startsWith(path), error.message);
        return true;
      });
    }
    await assert.rejects(
      readModel(fixture("registers.pth"), { heads: 2 }),
      /"reg_token" \(register tokens, which this encoder has no place for\)/,
    );
    // Linear layers without biases add none.
    const biases = Object.keys(plain).filter((name) => /(proj|qkv|fc1|fc2)\.bias$/.test(name));
    const zero = Object.fromEntries(biases.map((name) => [name, zeros(...plain[name].shape)]));
    const read = async (tensors: Record<string, StoredTensor>) => {
      await Deno.writeFile(path, encodeSafetensors(tensors));
      return await readWeights(path, { heads: 2 });
    };
    const bare = await read(without(...biases));
    assert.deepEqual(bare.tensors, (await read({ ...plain, ...zero })).tensors);
    assert.ok(
      bare.notes.some((line) => /without a bias, which is 0 here: .*blocks\.\*\.mlp\.fc2\.bias/.test(line)),
    );
    // Two encoders of which none is the usual one.
    const twice = Object.fromEntries(
      ["left", "right"].flatMap((side) =>
        Object.entries(plain).map(([name, tensor]) => [`${side}.${name}`, tensor])
      ),
    );
    await Deno.writeFile(path, encodeSafetensors(twice));
    const heads = 2;
    await assert.rejects(
      readWeights(path, { heads }),
      /has several encoders: say which with --key: "left.backbone", "right.backbone"/,
    );
    await assert.rejects(readWeights(path, { heads, teacher: true }), /has no averaged weights/);
    for (const key of ["left", "left.backbone"]) {
      assert.ok(
        (await readWeights(path, { heads, key })).notes.includes(
          "taken: left.backbone.cls_token → backbone.cls_token",
        ),
        key,
      );
    }
    await assert.rejects(readWeights(path, { heads, key: "backbone" }), /several encoders.*"right.backbone"/);
    // One of them is the file itself, and one is named as a part of the other.
    const nested = Object.fromEntries(
      ["", "target.", "target.net."].flatMap((at) =>
        Object.entries(plain).map(([name, tensor]) => [name.replace("backbone.", at), tensor])
      ),
    );
    await Deno.writeFile(path, encodeSafetensors(nested));
    await assert.rejects(
      readWeights(path, { heads }),
      /--key: "" \(the file itself\), "target", "target\.net"/,
    );
    for (const [key, at] of [["", ""], ["target", "target."], ["net", "target.net."]]) {
      const { notes } = await readWeights(path, { heads, key });
      assert.ok(notes.includes(`taken: ${at}cls_token → backbone.cls_token`), key);
    }
    // iBOT's student, as its trainings save it.
    await Deno.writeFile(path, encodeSafetensors({ ...plain, "backbone.masked_embed": zeros(1, 8) }));
    const { notes } = await readWeights(path, { heads });
    assert.ok(
      notes.includes("not taken (for masked pictures in pre-training): backbone.masked_embed"),
      `${notes}`,
    );
  }));

Deno.test("weights: files beside the weights that ask for other layers are heeded", () =>
  withFolder(async (folder) => {
    await Deno.copyFile(fixture("hf/model.safetensors"), join(folder, "model.safetensors"));
    await Deno.copyFile(fixture("hf/config.json"), join(folder, "config.json"));
    const plain = await readWeights(folder);
    assert.ok(
      !plain.notes.some((line) => /normalised|epsilon/.test(line)),
      "nothing says how pictures are normalised",
    );
    const config = JSON.parse(await Deno.readTextFile(fixture("hf/config.json")));
    const write = (change: object) =>
      Deno.writeTextFile(join(folder, "config.json"), JSON.stringify({ ...config, ...change }));
    for (
      const [said, told] of [
        [{ image_mean: 0.5, image_std: 0.25 }, /mean 0\.5,0\.5,0\.5 and deviation 0\.25,0\.25,0\.25/],
        [
          { do_normalize: false, image_mean: [0.5, 0.5, 0.5] },
          /mean 0,0,0 and deviation 1,1,1; the patch embedding/,
        ],
        // Values up to 255, and up to 2.
        [
          { do_rescale: false, image_mean: 51, image_std: 102 },
          /mean 0\.2,0\.2,0\.2 and deviation 0\.4,0\.4,0\.4/,
        ],
        [
          { rescale_factor: 2 / 255, image_mean: 0.5, image_std: 0.5 },
          /mean 0\.25,0\.25,0\.25 and deviation 0\.25/,
        ],
        [{ do_rescale: false, do_normalize: false }, /mean 0,0,0 and deviation 0\.00392/],
      ] as const
    ) {
      const path = join(folder, "preprocessor_config.json");
      await Deno.writeTextFile(path, JSON.stringify(said));
      assert.match((await readWeights(folder)).notes.join("\n"), told);
      await Deno.remove(path);
    }
    for (
      const [said, told] of [
        [
          { do_rescale: false },
          /preprocessor_config\.json says by what bytes are scaled, but not with which mean/,
        ],
        [{ rescale_factor: 0 }, /has a rescale_factor of 0, which is no scale/],
        [{ do_flip_channel_order: true }, /asks for do_flip_channel_order, which is not done here/],
      ] as const
    ) {
      const path = join(folder, "preprocessor_config.json");
      await Deno.writeTextFile(path, JSON.stringify(said));
      await assert.rejects(readWeights(folder), told);
      await Deno.remove(path);
    }
    await write({ layer_norm_eps: 1e-12 });
    assert.ok((await readWeights(folder)).notes.some((line) => /epsilon 1e-12, ours 1e-6/.test(line)));
    await write({ layer_norm_eps: 1e-3 });
    await assert.rejects(readWeights(folder), /layer norms with epsilon 0\.001; this encoder has 1e-6/);
    await write({ hidden_act: "quick_gelu" });
    await assert.rejects(readWeights(folder), /activation "quick_gelu"; this encoder has "gelu" only/);
    await write({ hidden_act: undefined, model_args: { act_layer: "relu" } });
    await assert.rejects(readWeights(folder), /activation "relu"; this encoder has "gelu" only/);
    // Sixteen patches are 4 × 4, unless something says 2 × 8.
    const high = /config\.json says that pictures are 8 pixels high and 32 wide; only square/;
    for (
      const said of [
        { image_size: [8, 32] },
        { image_size: undefined, model_args: { img_size: [8, 32] } },
        { image_size: undefined, pretrained_cfg: { input_size: [3, 8, 32] } },
      ]
    ) {
      await write(said);
      await assert.rejects(readWeights(folder), high);
    }
    // Positions were resized since, or the list has equal sides.
    for (const image_size of [[16, 16], [224, 448], 8]) {
      await write({ image_size });
      assert.equal((await readWeights(folder)).config.imageSize, 16);
    }
    await Deno.writeTextFile(join(folder, "config.json"), "{");
    await assert.rejects(readWeights(folder), /config\.json: is not JSON/);
    await Deno.remove(join(folder, "model.safetensors"));
    await assert.rejects(readWeights(folder), /a folder without weights; looked for model\.safetensors/);
    await Deno.writeTextFile(join(folder, "model.safetensors.index.json"), "{}");
    await assert.rejects(readWeights(folder), /divided over several files.*max_shard_size/);
  }));

Deno.test("weights: a folder of weights alone is read, and one of neither weights nor a run says so", () =>
  withFolder(async (folder) => {
    await assert.rejects(readModel(folder, { heads: 2 }), /checkpoint/);
    await Deno.copyFile(fixture("hf/model.safetensors"), join(folder, "model.safetensors"));
    assert.equal((await readModel(folder, { heads: 2 })).config.width, 8);
  }));

Deno.test("weights: MoCo v3's ViT-S has twelve heads, as its names tell, others of its width have six", () =>
  withFolder(async (folder) => {
    const small = { ...PRESETS.small, imageSize: 8, patchSize: 4, depth: 1 };
    const path = join(folder, "x.safetensors");
    const heads = async (prefix: string, request = {}) => {
      const tensors = encoderTensors(small).map(({ name, shape }) =>
        [
          name.replace("backbone.", prefix),
          float32(shape, new Float32Array(shape.reduce((a, b) => a * b, 1))),
        ] as const
      );
      await Deno.writeFile(path, encodeSafetensors(Object.fromEntries(tensors)));
      return (await readWeights(path, request)).config.heads;
    };
    assert.equal(await heads("module.base_encoder."), 12);
    assert.equal(await heads("module.momentum_encoder."), 12);
    assert.equal(await heads("module.base_encoder.", { heads: 6 }), 6);
    assert.equal(await heads("module.backbone."), 6);
    // timm's vit_gigantic_patch14_224: heads of 104.
    const shapes = encoderTensors({ ...small, width: 1664 }).map(({ name, shape }) =>
      [name.replace("backbone.", ""), [{
        shape,
        read: () => Promise.reject(new Error("not needed")),
      }]] as const
    );
    assert.equal(sizesOf("x", new Map(shapes), {}, { notes: [] }, new Map(), "").config.heads, 16);
  }));

Deno.test("weights: trained and averaged copies are told apart by the names that others give them", () =>
  withFolder(async (folder) => {
    const path = join(folder, "x.safetensors"), sizes = { ...PRESETS.tiny, imageSize: 8, patchSize: 4 };
    const encoderOf = (prefix: string, value: number) =>
      encoderTensors({ ...sizes, width: 8, depth: 1, heads: 2 }).map(({ name, shape }) =>
        [
          name.replace("backbone.", prefix),
          float32(shape, new Float32Array(shape.reduce((a, b) => a * b, 1)).fill(value)),
        ] as const
      );
    const taken = async (request: ReadModelOptions) =>
      asFloat32((await readWeights(path, { heads: 2, ...request })).tensors["backbone.cls_token"])[0];
    for (
      const [trained, averaged] of [
        ["state_dict.backbone.", "state_dict.momentum_backbone."],
        ["model.backbone.", "model.backbone_momentum."],
        ["state_dict.student_backbone.", "state_dict.teacher_backbone."],
        ["online_encoder.net.", "target_encoder.net."],
        ["model.", "ema_model.module."],
        ["encoder.module.", "target_encoder.module."],
      ]
    ) {
      await Deno.writeFile(
        path,
        encodeSafetensors(Object.fromEntries([...encoderOf(averaged, 2), ...encoderOf(trained, 1)])),
      );
      assert.equal(await taken({ teacher: true }), 2, averaged);
      // MSN's file says of neither that it is the trained one; DINO's teacher is what counts.
      if (trained === "encoder.module.") await assert.rejects(taken({}), /has several encoders/);
      else assert.equal(await taken({}), averaged.includes("teacher") ? 2 : 1, trained);
    }
  }));

Deno.test("weights: what stands beside a file counts for the names of Hugging Face and timm alone, each file by itself", () =>
  withFolder(async (folder) => {
    const config = JSON.parse(await Deno.readTextFile(join(fixture("hf"), "config.json")));
    for (const name of ["model.safetensors", "my_model.safetensors"]) {
      await Deno.copyFile(join(fixture("hf"), "model.safetensors"), join(folder, name));
    }
    await Deno.copyFile(
      join(fixture("hf"), "preprocessor_config.json"),
      join(folder, "preprocessor_config.json"),
    );
    const notes = async (name: string) =>
      (await readModel(join(folder, name), { heads: 2 })).notes.join("\n");
    assert.match(await notes("model.safetensors"), /normalised with mean 0\.5,0\.5,0\.5/);
    // Of another model in a folder of downloads.
    await Deno.writeTextFile(join(folder, "config.json"), JSON.stringify({ ...config, hidden_act: "relu" }));
    assert.doesNotMatch(await notes("my_model.safetensors"), /normalised with/);
    await assert.rejects(notes("model.safetensors"), /asks for the activation "relu"/);
  }));
