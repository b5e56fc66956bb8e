/** Exported encoders in npm's libraries: ONNX Runtime and Hugging Face's transformers. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { askNpm } from "../bench/weights.ts";
import { encodePng } from "../src/data/picture/png.ts";
import { evaluationPicture } from "../src/data/picture/resize.ts";
import * as tf from "../src/engine/tensors.ts";
import { openWasm } from "../src/engine/wasm.ts";
import { embedder } from "../src/eval/embed.ts";
import { readModel } from "../src/eval/stored_model.ts";
import { exportModel } from "../src/weights/export/export.ts";
import { expected, fixture, images, relative } from "../tests/weights/fixtures.ts";
import { withFolder } from "../tests/with_folder.ts";

/** A smooth picture whose middle is a whole number of pixels away from its sides when it is resized. */
function picture(): { width: number; height: number; data: Uint8Array } {
  const width = 288, height = 256;
  const data = Uint8Array.from({ length: width * height * 3 }, (_, i) => {
    const x = Math.floor(i / 3) % width, y = Math.floor(i / 3 / width), colour = i % 3;
    return 128 + 60 * Math.sin(x / (40 + 5 * colour)) + 60 * Math.cos(y / (50 - 4 * colour) + colour);
  });
  return { width, height, data };
}

Deno.test("exports run in npm's onnxruntime-node and @huggingface/transformers with the same features", () =>
  withFolder(async (folder) => {
    const model = await readModel(fixture("dinov2.pth"), { heads: 2 });
    for (const to of ["onnx", "hf"] as const) await exportModel(model, join(folder, to), { to });
    const engine = await openWasm(), seen = picture(), photo = join(folder, "photo.png");
    const pixels = tf.transpose(images(28), [0, 3, 1, 2]).dataSync() as Float32Array;
    await Deno.writeFile(join(folder, "pixels.f32"), new Uint8Array(pixels.slice().buffer));
    await Deno.writeFile(photo, encodePng(seen));
    const state = await model.load();
    const ours = await embedder(engine, model.config, { batchSize: 1 }).pictures(
      state,
      evaluationPicture(seen, 28),
    );
    await engine.close();

    await Deno.writeTextFile(
      join(folder, "ask.json"),
      JSON.stringify({ count: 2, size: 28, photos: [photo] }),
    );
    await askNpm(folder);
    const left = (name: string) => new Float32Array(Deno.readFileSync(join(folder, name)).buffer);
    for (const name of ["npm_onnx", "npm_hf"]) {
      assert.ok(relative(left(`${name}.pixels.f32`), expected("dinov2")) < 1e-5, name);
    }
    // Its own resizing.
    const a = Array.from(left("npm_hf.photos.f32")), b = Array.from(ours.class.data);
    assert.equal(a.length, b.length);
    const dot = (x: number[], y: number[]) => x.reduce((sum, value, i) => sum + value * y[i], 0);
    const cosine = dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b));
    assert.ok(cosine >= 0.999, `cosine ${cosine}`);
  }));
