import assert from "node:assert/strict";
import { decodeSafetensors, encodeSafetensors, openSafetensors } from "../../src/files/safetensors.ts";
import { asFloat32, type StoredTensor } from "../../src/files/stored_tensor.ts";

const TENSORS: Record<string, StoredTensor> = {
  bytes: { dtype: "U8", shape: [3], data: Uint8Array.of(1, 2, 255) },
  truth: { dtype: "BOOL", shape: [2], data: Uint8Array.of(0, 1) },
  half: { dtype: "F16", shape: [2, 3], data: Uint16Array.of(0x3c00, 0xc000, 0x0001, 0x7bff, 0x0000, 0x3555) },
  brain: { dtype: "BF16", shape: [2], data: Uint16Array.of(0x3f80, 0xc049) },
  single: { dtype: "F32", shape: [2, 2], data: Float32Array.of(1.5, -2, 3e-9, 4) },
  double: { dtype: "F64", shape: [], data: Float64Array.of(Math.PI) },
  whole: { dtype: "I32", shape: [2], data: Int32Array.of(-5, 7) },
  long: { dtype: "I64", shape: [1], data: BigInt64Array.of(-(2n ** 40n)) },
  empty: { dtype: "F32", shape: [0, 4], data: new Float32Array(0) },
};

/** A file made of a header as text and some bytes. */
function raw(header: string, data: number, length?: number): Uint8Array {
  const json = new TextEncoder().encode(header);
  const out = new Uint8Array(8 + json.length + data);
  new DataView(out.buffer).setBigUint64(0, BigInt(length ?? json.length), true);
  out.set(json, 8);
  return out;
}

Deno.test("safetensors: what is written is read, every type and the metadata", () => {
  const bytes = encodeSafetensors(TENSORS, { note: "ü" });
  assert.equal((new DataView(bytes.buffer).getUint32(0, true) + 8) % 8, 0);
  const { tensors, metadata } = decodeSafetensors(bytes);
  assert.deepEqual(metadata, { note: "ü" });
  assert.deepEqual(new Set(Object.keys(tensors)), new Set(Object.keys(TENSORS)));
  for (const [name, tensor] of Object.entries(TENSORS)) assert.deepEqual(tensors[name], tensor, name);
  assert.deepEqual(encodeSafetensors(TENSORS, { note: "ü" }), bytes);
});

Deno.test("safetensors: a file that begins at an odd byte of its memory is read as well", () => {
  const bytes = encodeSafetensors(TENSORS);
  const moved = new Uint8Array(bytes.length + 3);
  moved.set(bytes, 3);
  assert.deepEqual(decodeSafetensors(moved.subarray(3)).tensors.double.data, TENSORS.double.data);
});

Deno.test("safetensors: numbers become float32", () => {
  assert.deepEqual([...asFloat32(TENSORS.half)], [1, -2, 2 ** -24, 65504, 0, Math.fround(0x555 / 4096)]);
  assert.deepEqual([...asFloat32(TENSORS.brain)], [1, -3.140625]);
  assert.deepEqual([...asFloat32(TENSORS.long)], [-(2 ** 40)]);
  assert.deepEqual([...asFloat32(TENSORS.double)], [Math.fround(Math.PI)]);
  assert.ok(Number.isNaN(asFloat32({ dtype: "F16", shape: [1], data: Uint16Array.of(0x7e00) })[0]));
  assert.equal(asFloat32({ dtype: "F16", shape: [1], data: Uint16Array.of(0xfc00) })[0], -Infinity);
});

Deno.test("safetensors: one tensor is read from a file without the others", async () => {
  const folder = await Deno.makeTempDir();
  const path = `${folder}/x.safetensors`;
  await Deno.writeFile(path, encodeSafetensors(TENSORS));
  const file = await openSafetensors(path);
  assert.deepEqual(file.entries.single.shape, [2, 2]);
  assert.deepEqual(await file.read("single"), TENSORS.single);
  await assert.rejects(file.read("missing"), /has no tensor named "missing"/);
  file.close();

  const whole = await Deno.readFile(path);
  await Deno.writeFile(path, whole.subarray(0, whole.length - 1));
  await assert.rejects(openSafetensors(path), /x\.safetensors.*cut short/);
  await Deno.writeFile(path, whole.subarray(0, 5));
  await assert.rejects(openSafetensors(path), /has 5 bytes/);
  await Deno.remove(folder, { recursive: true });
});

Deno.test("safetensors: every cut is noticed", () => {
  const bytes = encodeSafetensors({ a: TENSORS.single, b: TENSORS.whole });
  for (let length = 0; length < bytes.length; length++) {
    assert.throws(() => decodeSafetensors(bytes.subarray(0, length)), /not a usable safetensors file/);
  }
});

Deno.test("safetensors: damaged headers are refused with the reason", () => {
  const one = (dtype: string, shape: unknown, offsets: unknown) =>
    `{"x":${JSON.stringify({ dtype, shape, data_offsets: offsets })}}`;
  const cases: [Uint8Array, RegExp][] = [
    [raw("{", 0), /not JSON/],
    [raw("[]", 0), /not a JSON object/],
    [raw("{}", 0, 2 ** 40), /header of 1099511627776 bytes/],
    [raw("{}", 4), /4 bytes after the last tensor/],
    [raw('{"__metadata__":{"a":1}}', 0), /not a table of strings/],
    [raw(one("F8", [1], [0, 1]), 1), /type "F8"/],
    [raw(one("F32", [-1], [0, 4]), 4), /no valid shape/],
    [raw(one("F32", [1], [4, 0]), 4), /bad offsets/],
    [raw(one("F32", [1], [0, 400]), 4), /the file has/],
    [raw(one("F32", [2], [0, 4]), 4), /takes 8 bytes but has 4/],
    [raw('{"x":3}', 0), /no description/],
    [
      raw(
        '{"x":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},"y":{"dtype":"U8","shape":[2],"data_offsets":[1,3]}}',
        3,
      ),
      /overlaps/,
    ],
    [raw(one("U8", [1], [1, 2]), 2), /before tensor "x"/],
  ];
  for (const [bytes, message] of cases) assert.throws(() => decodeSafetensors(bytes), message);
});

Deno.test("safetensors: a tensor whose numbers do not fit its shape is not written", () => {
  assert.throws(
    () => encodeSafetensors({ x: { dtype: "F32", shape: [3], data: new Float32Array(2) } }),
    /"x" of shape \[3\] F32 takes 12 bytes but holds 8/,
  );
});
