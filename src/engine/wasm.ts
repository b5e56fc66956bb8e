import * as tf from "./tf.ts";
import * as wasm from "npm:@tensorflow/tfjs-backend-wasm@4.22.0";
import { plainEngine } from "./plain.ts";
import type { Engine } from "./types.ts";

/** The engine that is always there: tfjs on WebAssembly, float32, for tiny models. */
export async function openWasm(): Promise<Engine> {
  if (!await tf.setBackend("wasm")) throw new Error("the WebAssembly backend of TensorFlow.js did not start");
  await tf.ready();
  return plainEngine("wasm", `WebAssembly, ${wasm.getThreadsCount()} thread(s), float32, op by op`);
}
