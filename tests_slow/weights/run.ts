/**
 * Runs exported encoders in npm's libraries, in a process with a lock file of its own: onnxruntime-node has 288 MB, which
 * nobody else should have to fetch.
 *
 * run.ts FOLDER PICTURE: FOLDER holds onnx/, hf/ and pixels.f32, [2, 3, S, S]. Prints JSON: what each library gives.
 */
import { AutoModel, env, pipeline, Tensor } from "npm:@huggingface/transformers@4.3.1";
import * as ort from "npm:onnxruntime-node@1.30.0";

const [folder, picture] = Deno.args;
const pixels = new Float32Array(Deno.readFileSync(`${folder}/pixels.f32`).buffer);
const size = Math.sqrt(pixels.length / 6), shape = [2, 3, size, size];

const session = await ort.InferenceSession.create(`${folder}/onnx/model.onnx`);
const out = await session.run({ pixel_values: new ort.Tensor("float32", pixels, shape) });

env.allowRemoteModels = false;
env.localModelPath = `${folder}/`;
const model = await AutoModel.from_pretrained("hf", { dtype: "fp32" });
const { last_hidden_state: tokens } = await model({ pixel_values: new Tensor("float32", pixels, shape) });
const extract = await pipeline("image-feature-extraction", "hf", { dtype: "fp32" });
const features = await extract(picture);

console.log(JSON.stringify({
  onnx: Array.from(out.last_hidden_state.data as Float32Array),
  hf: Array.from(tokens.data as Float32Array),
  picture: Array.from(features.data as Float32Array),
  shape: features.dims,
}));
