import assert from "node:assert/strict";
import { finetuneScalars, isDecayedInFinetuning, layerShare } from "../../src/finetune/rates.ts";

Deno.test("layers and their shares are MAE's: decay ^ (depth + 1 − layer)", () => {
  const share = (name: string) => layerShare(name, 12, 0.65);
  for (
    const name of [
      "backbone.cls_token",
      "backbone.pos_embed",
      "backbone.patch_embed.convolutions.0.norm.bias",
    ]
  ) {
    assert.equal(share(name), 0.65 ** 13);
  }
  assert.equal(share("backbone.blocks.0.norm1.weight"), 0.65 ** 12);
  assert.equal(share("backbone.blocks.11.mlp.fc2.bias"), 0.65);
  for (const name of ["fc_norm.weight", "backbone.norm.bias", "head.weight"]) assert.equal(share(name), 1);
});

Deno.test("decayed are weights of layers alone", () => {
  assert.equal(isDecayedInFinetuning("head.weight", [10, 4]), true);
  assert.equal(isDecayedInFinetuning("backbone.patch_embed.proj.weight", [4, 3, 2, 2]), true);
  assert.equal(isDecayedInFinetuning("head.bias", [10]), false);
  assert.equal(isDecayedInFinetuning("backbone.pos_embed", [1, 5, 4]), false);
  assert.equal(isDecayedInFinetuning("backbone.cls_token", [1, 1, 4]), false);
});

Deno.test("the rate of MAE's ViT-B: from 0 in 5 epochs to .002, then half a cosine to 1e-6; the average is slow at the end", () => {
  const settings = {
    ...{ lr: 5e-4, minLr: 1e-6, warmupEpochs: 5, epochs: 100, batchSize: 1024 },
    ...{ weightDecay: 0.05, emaMomentum: 0.9999 },
  };
  const at = (epoch: number) => finetuneScalars(settings, 1250, epoch * 1250);
  const near = (is: number, wanted: number) =>
    assert.ok(Math.abs(is - wanted) < 1e-12, `${is} is not ${wanted}`);
  near(at(0).lr, 0);
  near(at(2.5).lr, 0.001);
  near(at(5).lr, 0.002);
  near(at(52.5).lr, 1e-6 + 0.5 * (0.002 - 1e-6));
  near(at(100).lr, 1e-6);
  near(finetuneScalars({ ...settings, warmupEpochs: 0 }, 10, 0).lr, 0.002);
  assert.equal(at(50).wd, 0.05);
  near(at(0).bias1, 0.1);
  assert.deepEqual([at(0).ema, at(100).ema], [0.1, 0.9999]);
});
