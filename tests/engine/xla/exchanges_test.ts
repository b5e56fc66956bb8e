/** Exchanges between devices, read from programs as XLA gives them away. */
import assert from "node:assert/strict";
import { exchangesIn } from "../../../src/engine/xla/compile/exchanges.ts";
import { bytesField, concatBytes, wholeField } from "../../../src/files/protobuf.ts";

/** A ShapeProto: XLA's number of the element type, and the dimensions in packed form. */
const shape = (element: number, ...dims: number[]) =>
  concatBytes([wholeField(2, element), bytesField(3, Uint8Array.from(dims))]);
const tuple = (...parts: Uint8Array[]) =>
  concatBytes([wholeField(2, 13), ...parts.map((part) => bytesField(4, part))]);
/** An HloInstructionProto: its operation, its result, its number and those of what it takes. */
const instruction = (opcode: string, of: Uint8Array, id = 1, ...operands: number[]) =>
  bytesField(
    2,
    concatBytes([
      bytesField(1, "name"),
      bytesField(2, opcode),
      bytesField(3, of),
      wholeField(35, id),
      bytesField(36, Uint8Array.from(operands)),
    ]),
  );
const module = (...computations: Uint8Array[][]) =>
  concatBytes([bytesField(1, "program"), ...computations.map((all) => bytesField(3, concatBytes(all)))]);

const F32 = 11, BF16 = 16;
const program = module(
  [
    instruction("add", shape(F32, 100)),
    instruction("all-reduce", tuple(shape(F32, 3, 4), shape(BF16, 5), shape(F32))),
    instruction("all-gather-start", tuple(shape(BF16, 2, 4), shape(BF16, 8, 4))),
    instruction("all-gather-done", shape(BF16, 8, 4)),
  ],
  // Inside of one that runs beside others.
  [
    instruction("parameter", shape(F32, 24), 3),
    instruction("reduce-scatter", shape(F32, 6), 4, 3),
    instruction("collective-permute", shape(6, 7), 5, 3),
  ],
);

Deno.test("exchanges are read with their values and bytes, joined ones and those beside other work too", () => {
  const wanted = [
    {
      kind: "all-reduce",
      values: [{ element: "f32", shape: [3, 4] }, { element: "bf16", shape: [5] }, {
        element: "f32",
        shape: [],
      }],
      bytes: 62,
    },
    { kind: "all-gather", values: [{ element: "bf16", shape: [8, 4] }], bytes: 64 },
    { kind: "reduce-scatter", values: [{ element: "f32", shape: [6] }], bytes: 96 },
    { kind: "collective-permute", values: [{ element: "u8", shape: [7] }], bytes: 7 },
  ];
  assert.deepEqual(exchangesIn(program, "hlo"), wanted);
  assert.deepEqual(exchangesIn(bytesField(1, program), "hlo_with_config"), wanted);
  assert.deepEqual(exchangesIn(module([instruction("add", shape(F32, 2))]), "hlo"), []);
});

Deno.test("a reduce-scatter counts what it cuts, however many devices exchange", () => {
  // Of eight devices in two nodes, those of a node: two values joined, each cut into four.
  const joined = module([
    instruction("parameter", shape(F32, 40), 1),
    instruction("convert", shape(BF16, 8), 2, 1),
    instruction("reduce-scatter", tuple(shape(F32, 10), shape(BF16, 2)), 7, 1, 2),
  ]);
  assert.deepEqual(exchangesIn(joined, "hlo"), [{
    kind: "reduce-scatter",
    values: [{ element: "f32", shape: [10] }, { element: "bf16", shape: [2] }],
    bytes: 176,
  }]);
});

Deno.test("a program that is cut short is refused", () => {
  assert.throws(() => exchangesIn(program.subarray(0, program.length - 3), "hlo"), /ends in the middle/);
  assert.throws(() => exchangesIn(Uint8Array.of(0x80), "hlo"), /ends in the middle of a number/);
  assert.throws(() => exchangesIn(Uint8Array.of(3), "hlo"), /field of unknown kind 3/);
});
