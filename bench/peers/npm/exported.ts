/**
 * Runs exported encoders in npm's libraries, in a process with a lock file of its own: onnxruntime-node has 288 MB, which
 * nobody else should have to fetch.
 *
 * exported.ts FOLDER: as exported.py beside it takes and leaves, under the names npm_hf and npm_onnx. FOLDER holds hf/,
 * onnx/, ask.json and pixels.f32.
 */
import { AutoModel, env, pipeline, Tensor } from "npm:@huggingface/transformers@4.3.1";
import * as ort from "npm:onnxruntime-node@1.30.0";

const [folder] = Deno.args;
const { count, size, photos } = JSON.parse(Deno.readTextFileSync(`${folder}/ask.json`)) as {
  count: number;
  size: number;
  photos: string[];
};
const pixels = new Float32Array(Deno.readFileSync(`${folder}/pixels.f32`).buffer),
  shape = [count, 3, size, size];

function write(name: string, values: Float32Array): void {
  Deno.writeFileSync(`${folder}/${name}`, new Uint8Array(values.slice().buffer));
}

const session = await ort.InferenceSession.create(`${folder}/onnx/model.onnx`);
const out = await session.run({ pixel_values: new ort.Tensor("float32", pixels, shape) });
write("npm_onnx.pixels.f32", out.last_hidden_state.data as Float32Array);

env.allowRemoteModels = false;
env.localModelPath = `${folder}/`;
const model = await AutoModel.from_pretrained("hf", { dtype: "fp32" });
const { last_hidden_state: tokens } = await model({ pixel_values: new Tensor("float32", pixels, shape) });
write("npm_hf.pixels.f32", tokens.data as Float32Array);

const extract = await pipeline("image-feature-extraction", "hf", { dtype: "fp32" });
const classTokens: number[] = [];
for (const photo of photos) {
  const { data, dims } = await extract(photo);
  classTokens.push(...(data as Float32Array).subarray(0, dims[2]));
}
write("npm_hf.photos.f32", Float32Array.from(classTokens));

console.log(JSON.stringify({
  npm_hf: { about: `npm's @huggingface/transformers ${env.version}` },
  npm_onnx: { about: `npm's onnxruntime-node ${ort.env.versions.node ?? ort.env.versions.common}` },
}));
