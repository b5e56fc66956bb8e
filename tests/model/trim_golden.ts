/**
 * Makes the small golden fixtures of these tests out of the full files: `deno run … trim_golden.ts SOURCE DEST`, both
 * folders. Numbers become float32, large gradients are sampled, and what equals golden-bn's is left out.
 */
import { gradientSample } from "../../src/parity/stored.ts";
import { decodeSafetensors, encodeSafetensors } from "../../src/files/safetensors.ts";
import { asFloat32, type StoredTensor } from "../../src/files/stored_tensor.ts";

const SAMPLES = 256;

/** What is left out of each fixture, and which tensors it takes from golden-bn. */
const FILES: Record<string, { source: string; drop: RegExp; share?: RegExp; rows?: number }> = {
  bn: { source: "tiny-bn-f64", drop: /^bug\.(d_)?image$/ },
  nobn: {
    source: "tiny-nobn-f64",
    drop: /^(fix|bug)\.((d_)?image|decoder_.*|d_tokens|d_aligned)$|encoder_block/,
    share: /^(in\.|w\.backbone\.)/,
  },
  droppath: { source: "tiny-droppath-f64", drop: /^(fix|bug)\.image$/, share: /^(in\.(?!drop)|w\.)/ },
  train: { source: "tiny-train-f64", drop: /^after\.(1|2|ema)\./, share: /^(in\.(?!lr|wd|momentum)|w\.)/ },
  eval: { source: "tiny-eval-f64", drop: /^$/, share: /^w\.backbone\./, rows: 3 },
};

function trim(name: string, tensor: StoredTensor, rows?: number): [string, StoredTensor] {
  if (tensor.dtype !== "F64" && tensor.dtype !== "F32") return [name, tensor];
  let data = asFloat32(tensor), shape = tensor.shape;
  if (/^(fix|bug)\.grad\./.test(name) && data.length > 2 * SAMPLES) {
    data = Float32Array.from(gradientSample(data, SAMPLES));
    [name, shape] = [name.replace(".grad.", ".gradsample."), [SAMPLES]];
  }
  if (rows && /(images|tokens)96$/.test(name)) {
    data = data.slice(0, data.length / shape[0] * rows);
    shape = [rows, ...shape.slice(1)];
  }
  return [name, { dtype: "F32", shape, data }];
}

if (import.meta.main) {
  const [source, dest] = Deno.args;
  for (const [name, { source: file, drop, share, rows }] of Object.entries(FILES)) {
    const { tensors, metadata } = decodeSafetensors(
      await Deno.readFile(`${source}/public-${file}.safetensors`),
    );
    const kept = Object.entries(tensors).filter(([key]) => !drop.test(key) && !share?.test(key));
    const out = Object.fromEntries(kept.map(([key, tensor]) => trim(key, tensor, rows)));
    const note = share ? { shares: share.source } : {};
    const bytes = encodeSafetensors(out, { spec: metadata.spec, ...note } as Record<string, string>);
    await Deno.writeFile(`${dest}/golden-${name}.safetensors`, bytes);
  }
}
