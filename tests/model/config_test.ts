import assert from "node:assert/strict";
import { checkModel } from "../../src/model/check_model.ts";
import { gridSize, type ModelConfig, PRESETS, tokenCount } from "../../src/model/config.ts";
import { countNumbers, inventory } from "../../src/model/inventory.ts";

Deno.test("config: the presets are possible and of the published sizes", () => {
  for (const preset of Object.values(PRESETS)) checkModel(preset);
  // docs/spec.md §2: trainable parameters.
  assert.equal(countNumbers(PRESETS.tiny, "param"), 18_119_939);
  assert.equal(countNumbers(PRESETS.small, "param"), 34_506_755);
  assert.equal(countNumbers(PRESETS.base, "param"), 99_130_883);
  assert.equal(
    countNumbers(PRESETS.tiny, "param") - countNumbers({ ...PRESETS.tiny, headBatchNorm: false }, "param"),
    12_288,
  );
  assert.equal(gridSize(PRESETS.demo), 8);
  assert.equal(tokenCount(PRESETS.tiny), 197);
});

Deno.test("config: tensors have unique names", () => {
  for (const headBatchNorm of [true, false]) {
    const names = inventory({ ...PRESETS.demo, headBatchNorm }).map(({ name }) => name);
    assert.equal(new Set(names).size, names.length);
  }
});

Deno.test("config: impossible combinations are refused by name, with what to do", () => {
  const cases: [Partial<ModelConfig>, RegExp][] = [
    [{ patchSize: 10 }, /imageSize 64 is not a multiple of patchSize 10; take imageSize 60/],
    [{ heads: 3 }, /width 128 is not a multiple of heads 3/],
    [{ codeWidth: 66, decoderHeads: 2 }, /codeWidth 66 is not a multiple of 4/],
    [{ decoderHeads: 5 }, /codeWidth 64 is not a multiple of decoderHeads 5/],
    [{ depth: 0 }, /depth is 0; it must be a whole number of at least 1/],
    [{ width: 12.5 }, /width is 12.5/],
    [{ mlpRatio: 1 / 3 }, /mlpRatio .* no whole hidden width/],
    [{ mlpRatio: 0 }, /no whole hidden width/],
    [{ dropPath: 1 }, /dropPath is 1/],
    [{ dropPath: NaN }, /dropPath/],
    [{ initLinear: -1 }, /initLinear is -1/],
    [{ flipRule: "rows" as "columns" }, /flipRule is "rows"/],
    [{ headBatchNorm: 1 as unknown as boolean }, /headBatchNorm/],
    [{ imageSize: NaN }, /imageSize/],
    [{ viewSize: 20 }, /viewSize 20 is not a multiple of patchSize 8; take viewSize 24/],
    [{ viewSize: 72 }, /viewSize 72 is more than imageSize 64/],
    [{ viewSize: -8 }, /viewSize is -8/],
    [
      { stem: "convolutions", patchSize: 12, imageSize: 72 },
      /patchSize 12 is no power of 2; convolutions of stride 2/,
    ],
    [{ stem: "convolutions", patchSize: 16, width: 100 }, /width 100 cannot be halved 3 times/],
    [{ stem: "linear" as "patches" }, /stem is "linear"; it must be "patches" or "convolutions"/],
    [{ classHead: "none" as "own" }, /classHead is "none"/],
    [{ localMixing: 1 as unknown as boolean }, /localMixing must be true or false/],
    [{ headLayers: 0 }, /headLayers is 0/],
    [{ classHeadWidth: -1, classHead: "own" }, /classHeadWidth is -1/],
    [
      { classHeadWidth: 8, classHead: "shared" },
      /classHeadWidth is 8, but class tokens share .* take classHead "own"/,
    ],
    [
      { classHeadWidth: 8, classHead: "own", headLayers: 1 },
      /classHeadWidth is 8, but heads of one layer have no hidden one: take headLayers 2 or more/,
    ],
  ];
  for (const [change, message] of cases) {
    assert.throws(() => checkModel({ ...PRESETS.demo, ...change }), message);
  }
  assert.throws(() => checkModel({ ...PRESETS.demo, heads: 3, decoderHeads: 5 }), /heads 3.*decoderHeads 5/);
});
