import assert from "node:assert/strict";
import { openClient } from "../../../src/engine/xla/pjrt/client.ts";
import { PLUGIN } from "./plugin.ts";

const client = openClient(PLUGIN, { cpu_device_count: 4 });
const { devices } = client;

/** Rows of x are split over four devices, w is on all; the second result sums over all rows. */
function program(attribute: (kind: "rows" | "matrix" | "vector") => string, head: string): string {
  return `module @split attributes {mhlo.num_partitions = 4 : i32, mhlo.num_replicas = 1 : i32} {
  ${head}
  func.func public @main(%x: tensor<8x3xf32> {${attribute("rows")}}, %w: tensor<3x2xf32> {${
    attribute("matrix")
  }})
      -> (tensor<8x2xf32> {${attribute("rows")}}, tensor<2xf32> {${attribute("vector")}}) {
    %z = stablehlo.constant dense<0.0> : tensor<f32>
    %0 = stablehlo.dot_general %x, %w, contracting_dims = [1] x [0] : (tensor<8x3xf32>, tensor<3x2xf32>) -> tensor<8x2xf32>
    %1 = stablehlo.reduce(%0 init: %z) applies stablehlo.add across dimensions = [0] : (tensor<8x2xf32>, tensor<f32>) -> tensor<2xf32>
    return %0, %1 : tensor<8x2xf32>, tensor<2xf32>
  }
}`;
}

const GSPMD = program(
  (kind) => kind === "rows" ? `mhlo.sharding = "{devices=[4,1]<=[4]}"` : `mhlo.sharding = "{replicated}"`,
  "",
);
const SHARDY = program(
  (kind) =>
    `sdy.sharding = #sdy.sharding<@mesh, ${
      { rows: `[{"data"}, {}]`, matrix: "[{}, {}]", vector: "[{}]" }[kind]
    }>`,
  `sdy.mesh @mesh = <["data"=4]>`,
);

for (const [name, text, shardy] of [["GSPMD", GSPMD, false], ["Shardy", SHARDY, true]] as const) {
  Deno.test(`a program split over four devices by ${name} agrees with one device's`, async () => {
    const before = client.counts();
    const split = client.compile(text, { partitions: 4, shardy });
    assert.deepEqual(split.devices.map((d) => d.id), [0, 1, 2, 3]);
    const x = Float32Array.from({ length: 24 }, (_, i) => i);
    const w = client.buffer(new Float32Array([1, 2, 3, 4, 5, 6]), "f32", [3, 2], devices[0]);
    const args = devices.map((device, i) => [
      client.buffer(x.subarray(6 * i, 6 * i + 6), "f32", [2, 3], device),
      i === 0 ? w : w.copyTo(device),
    ]);
    assert.throws(() => split.execute(args[0]), /4 devices: use executeSharded/);
    assert.throws(() => split.executeSharded(args.slice(1)), /3 argument lists/);
    const loaded = client.load(split.serialize());
    for (const executable of [split, loaded]) {
      const results = executable.executeSharded(args);
      const rows: number[] = [];
      for (let d = 0; d < 4; d++) {
        const [part, sum] = results[d];
        assert.deepEqual([part.dims, sum.dims, part.device.id], [[2, 2], [2], d]);
        rows.push(...new Float32Array((await part.read()).buffer));
        assert.deepEqual([...new Float32Array(sum.readSync().buffer)], [860, 1136]);
      }
      assert.deepEqual(rows, [13, 16, 40, 52, 67, 88, 94, 124, 121, 160, 148, 196, 175, 232, 202, 268]);
      results.flat().forEach((buffer) => buffer.delete());
    }
    args.flat().forEach((buffer) => buffer.delete());
    split.delete();
    loaded.delete();
    assert.deepEqual(client.counts(), before);
  });
}

Deno.test("a program runs on the device that it was compiled for", () => {
  const text = `func.func @main(%a: tensor<2xf32>) -> tensor<2xf32> {
    %0 = stablehlo.add %a, %a : tensor<2xf32>
    return %0 : tensor<2xf32> }`;
  const program = client.compile(text, { devices: [2] });
  assert.deepEqual(program.devices.map((d) => d.id), [2]);
  const a = client.buffer(new Float32Array([1, 2]), "f32", [2], devices[2]);
  const [b] = program.execute([a]);
  assert.equal(b.device.id, 2);
  assert.deepEqual([...new Float32Array(b.readSync().buffer)], [2, 4]);
  [a, b, program].forEach((held) => held.delete());
});

Deno.test("devices of another client are refused", () => {
  const stranger = { ...devices[0], id: 99, description: "CpuDevice(id=99)" };
  assert.throws(() => client.buffer(new Float32Array(1), "f32", [1], stranger), /no device 99/);
});
