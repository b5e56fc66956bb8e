import * as tf from "./tensors.ts";
import * as wasm from "npm:@tensorflow/tfjs-backend-wasm@4.22.0";
import { plainEngine } from "./op_by_op.ts";
import { passing } from "./self_test/self_test.ts";
import { keepNotANumber } from "./wasm/not_a_number.ts";
import { useFastProduct } from "./wasm/product.ts";
import type { Engine } from "./types.ts";

let mended = false;

/**
 * The engine that is always there: tfjs on WebAssembly, float32, for tiny models.
 *
 * @returns The engine, TensorFlow.js's current backend.
 * @throws {Error} When its .wasm file cannot be read.
 * @throws {UnfitEngineError} When it computes wrongly.
 */
export async function openWasm(): Promise<Engine> {
  if (!mended) {
    useFastProduct();
    keepNotANumber();
  }
  mended = true;
  if (!await tf.setBackend("wasm")) {
    throw new Error(
      "the WebAssembly backend of TensorFlow.js did not start. It reads its .wasm file from Deno's package cache: " +
        "run with --allow-read, or with that folder in --allow-read=… (`deno info` names it)",
    );
  }
  await tf.ready();
  return await passing(
    plainEngine("wasm", `WebAssembly, ${wasm.getThreadsCount()} thread(s), float32, op by op`),
  );
}
