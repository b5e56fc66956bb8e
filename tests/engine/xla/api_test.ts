import assert from "node:assert/strict";
import { PjrtError, readNamedValues, tableApi, writeNamedValues } from "../../../src/engine/xla/pjrt/api.ts";
import { FUNCTIONS, STRUCTS } from "../../../src/engine/xla/pjrt/layouts.ts";
import { addressOf, Pointers, Struct } from "../../../src/engine/xla/pjrt/memory.ts";
import { compileOptionsProto } from "../../../src/engine/xla/pjrt/proto.ts";
import { donatedArguments } from "../../../src/engine/xla/pjrt/donated.ts";

const ENTRY = { parameters: ["pointer"], result: "pointer" } as const;
type Entry = (args: Deno.PointerValue) => Deno.PointerValue;

/** A made-up plugin: a function table whose entries are written in TypeScript. */
function madeUp(major: number, minor: number, entries: Partial<Record<keyof typeof FUNCTIONS, Entry>>) {
  const table = new DataView(new ArrayBuffer(Math.max(...Object.values(FUNCTIONS)) + 8));
  table.setUint32(0, table.byteLength, true);
  table.setInt32(32, major, true);
  table.setInt32(36, minor, true);
  const callbacks = Object.entries(entries).map(([name, fn]) => {
    const callback = new Deno.UnsafeCallback(ENTRY, fn);
    const at = FUNCTIONS[name as keyof typeof FUNCTIONS];
    table.setBigUint64(at, Deno.UnsafePointer.value(callback.pointer), true);
    return callback;
  });
  return {
    table: addressOf(table),
    keep: table,
    [Symbol.dispose]: () => callbacks.forEach((c) => c.close()),
  };
}

function view(args: Deno.PointerValue, size: number): DataView {
  return new DataView(Deno.UnsafePointerView.getArrayBuffer(args!, size));
}

/** Entries that report one error, whose message is made anew at each failure. */
function failing(message: () => string) {
  const error = new Uint8Array(8);
  const text = new Uint8Array(512);
  const state = { destroyed: 0 };
  return {
    state,
    error: Deno.UnsafePointer.create(BigInt(addressOf(error))),
    entries: {
      Error_Message(args) {
        const { written } = new TextEncoder().encodeInto(message(), text);
        const out = view(args, 40);
        out.setBigUint64(24, BigInt(addressOf(text)), true);
        out.setBigUint64(32, BigInt(written), true);
        return null;
      },
      Error_GetCode(args) {
        view(args, 28).setInt32(24, 3, true);
        return null;
      },
      Error_Destroy() {
        state.destroyed++;
        return null;
      },
    } satisfies Partial<Record<keyof typeof FUNCTIONS, Entry>>,
  };
}

Deno.test("another major version is refused, and both versions are named", () => {
  using plugin = madeUp(1, 3, {});
  assert.throws(() => tableApi("here.so", plugin.table), /here\.so.*1\.3.*0\.\d+/s);
});

Deno.test("another minor version is taken; functions it lacks are reported when called", () => {
  using plugin = madeUp(0, 1, {});
  const api = tableApi("here.so", plugin.table);
  assert.equal(api.version, "0.1");
  assert.equal(api.has("Event_Destroy"), false);
  assert.throws(
    () => api.call("Event_Destroy", new Struct("Event_Destroy_Args")),
    (e) => e instanceof PjrtError && e.code === "UNIMPLEMENTED" && /0\.1.*Event_Destroy/.test(e.message),
  );
});

Deno.test("a plugin's error becomes a PjrtError with message and code, and is freed", () => {
  const fault = failing(() => "no such thing: käse");
  using plugin = madeUp(0, 90, { ...fault.entries, Event_Destroy: () => fault.error });
  const api = tableApi("here.so", plugin.table);
  assert.throws(
    () => api.call("Event_Destroy", new Struct("Event_Destroy_Args")),
    (e) =>
      e instanceof PjrtError && e.message === "no such thing: käse" && e.code === "INVALID_ARGUMENT" &&
      e.call === "Event_Destroy",
  );
  assert.equal(fault.state.destroyed, 1);
});

Deno.test("a plugin that wants larger structs gets them, zeros behind", () => {
  const sizes: number[] = [];
  let wanted = 40;
  const fault = failing(() =>
    `Unexpected PJRT_Event_Destroy_Args size: expected ${wanted}, got ${sizes.at(-1)}. Check.`
  );
  using plugin = madeUp(0, 200, {
    ...fault.entries,
    Event_Destroy(args) {
      const size = view(args, 8).getUint32(0, true);
      sizes.push(size);
      if (size < wanted) return fault.error;
      assert.equal(view(args, 40).getBigUint64(32, true), 0n);
      return null;
    },
  });
  const api = tableApi("here.so", plugin.table);
  const args = new Struct("Event_Destroy_Args").set("event", 77);
  api.call("Event_Destroy", args);
  assert.deepEqual(sizes, [24, 40]);
  assert.equal(args.get("event"), 77);
  wanted = 100_000; // more than there is room for
  assert.throws(() => api.call("Event_Destroy", new Struct("Event_Destroy_Args")), /expected 100000/);
});

Deno.test("named values survive the way to native memory and back", () => {
  const values = { name: "käse", n: -5, big: 2 ** 40, part: 0.25, on: true, off: false, list: [1, 0, 3] };
  const native = writeNamedValues(values);
  assert.equal(native.count, 7);
  assert.deepEqual(readNamedValues(native.address, native.count), values);
});

Deno.test("addresses above 32 bits fit into pointer lists and structs", () => {
  const high = 0x7f12_89ab_cdef;
  const list = new Pointers(2);
  list.set(1, high);
  assert.equal(list.get(1), high);
  assert.equal(new BigUint64Array(list.words.buffer)[1], BigInt(high));
  assert.equal(new Struct("Event_Destroy_Args").set("event", high).get("event"), high);
  assert.equal(new Struct("Event_Destroy_Args").size, STRUCTS.Event_Destroy_Args.size);
});

Deno.test("an array's address is that of its first element, small arrays too", () => {
  for (const length of [1, 5, 1000]) {
    const whole = new Uint8Array(length + 3).map((_, i) => i);
    const part = whole.subarray(3);
    const seen = new Uint8Array(length);
    Deno.UnsafePointerView.copyInto(Deno.UnsafePointer.create(BigInt(addressOf(part)))!, seen);
    assert.deepEqual(seen, part);
  }
});

Deno.test("compile options are written as CompileOptionsProto", () => {
  const hex = (options: Parameters<typeof compileOptionsProto>[0]) =>
    [...compileOptionsProto(options)].map((b) => b.toString(16).padStart(2, "0")).join(" ");
  // Field 3 {1: −1, 4: 1, 5: 1}.
  assert.equal(hex({}), "1a 0f 08 ff ff ff ff ff ff ff ff ff 01 20 01 28 01");
  // … {4: 1, 5: 4, 6: true, 19: true}.
  const sharded = hex({ partitions: 4, shardy: true });
  assert.match(sharded, /20 01 28 04 30 01 98 01 01$/);
  // … 9: {1: 1 replica, 2: 2 partitions, 3: {1: [3]}, 3: {1: [1]}}.
  const placed = hex({ partitions: 2, devices: [3, 1] });
  assert.match(placed, /4a 0e 08 01 10 02 1a 03 0a 01 03 1a 03 0a 01 01$/);
  // 7: {1: "a", 2: {2: true}}, 7: {1: "b", 2: {3: 300}}.
  assert.match(
    hex({ xlaFlags: { a: true, b: 300 } }),
    /3a 07 0a 01 61 12 02 10 01 3a 08 0a 01 62 12 03 18 ac 02$/,
  );
  assert.throws(() => compileOptionsProto({ partitions: 0 }), /partitions.*≥ 1.*0/);
  assert.throws(() => compileOptionsProto({ partitions: 2, devices: [0] }), /give 2/);
});

Deno.test("donated arguments are read from the program", () => {
  const text = `module @m {
    func.func private @f(%x: tensor<f32> {tf.aliasing_output = 0 : i32}) -> tensor<f32> { return %x : tensor<f32> }
    func.func public @main(%a: tensor<2x3xf32>, %b: tensor<2xf32> {mhlo.sharding = "{devices=[4,1]<=[4]}", tf.aliasing_output = 1 : i32},
      %c: tensor<f32> {jax.buffer_donor = true}, %d: tensor<f32> {note = "tf, (\\"x"}) -> (tensor<f32> {tf.aliasing_output = 3 : i32}) {`;
  assert.deepEqual(donatedArguments(text), [1, 2]);
  assert.deepEqual(donatedArguments("func.func @main() -> tensor<f32> {"), []);
  assert.deepEqual(donatedArguments("nothing"), []);
});
