import assert from "node:assert/strict";
import { PjrtError } from "../../../src/engine/xla/pjrt/api.ts";
import { openClient } from "../../../src/engine/xla/pjrt/client.ts";
import type { Buffer } from "../../../src/engine/xla/pjrt/types.ts";
import { PLUGIN } from "./plugin.ts";

const client = openClient(PLUGIN);

const floats = (bytes: Uint8Array<ArrayBuffer>): number[] => [...new Float32Array(bytes.buffer)];
const f32 = (values: number[], dims = [values.length]): Buffer =>
  client.buffer(new Float32Array(values), "f32", dims);

const LINEAR = `module @linear {
  func.func public @main(%x: tensor<2x3xf32>, %w: tensor<3x2xf32>, %b: tensor<2x2xf32> {tf.aliasing_output = 0 : i32})
      -> (tensor<2x2xf32>, tensor<2x3xf32>, tensor<i32>) {
    %0 = stablehlo.dot_general %x, %w, contracting_dims = [1] x [0] : (tensor<2x3xf32>, tensor<3x2xf32>) -> tensor<2x2xf32>
    %1 = stablehlo.add %0, %b : tensor<2x2xf32>
    %2 = stablehlo.add %x, %x : tensor<2x3xf32>
    %3 = stablehlo.constant dense<7> : tensor<i32>
    return %1, %2, %3 : tensor<2x2xf32>, tensor<2x3xf32>, tensor<i32>
  }
}`;

/** One argument and one result of n numbers; `length` products one after the other. */
function chain(n: number, length: number): string {
  const t = `tensor<${n}x${n}xf32>`;
  const lines = [`func.func @main(%a0: ${t}) -> ${t} {`];
  for (let i = 0; i < length; i++) {
    lines.push(
      `%a${i + 1} = stablehlo.dot_general %a${i}, %a0, contracting_dims = [1] x [0] : (${t}, ${t}) -> ${t}`,
    );
  }
  return [...lines, `return %a${length} : ${t} }`].join("\n");
}

Deno.test("the client says what it is", () => {
  assert.equal(client.platform, "cpu");
  assert.match(client.apiVersion, /^0\.\d+$/);
  assert.ok(client.devices.length >= 1 && client.globalDevices.length >= client.devices.length);
  assert.deepEqual(client.devices.map((d) => d.id), client.devices.map((_, i) => i));
  assert.equal(client.devices[0].kind, "cpu");
  assert.ok(Array.isArray(client.attributes["stablehlo_current_version"]));
});

Deno.test("a program with several results and a donated argument", async () => {
  const program = client.compile(LINEAR);
  assert.equal(program.name, "linear");
  assert.deepEqual(program.outputs, [
    { type: "f32", dims: [2, 2] },
    { type: "f32", dims: [2, 3] },
    { type: "i32", dims: [] },
  ]);
  assert.deepEqual(program.donated, [2]);
  const [x, w, b] = [
    f32([1, 2, 3, 4, 5, 6], [2, 3]),
    f32([1, 0, 0, 1, 1, 1], [3, 2]),
    f32([10, 20, 30, 40], [2, 2]),
  ];
  const [sum, twice, seven] = program.execute([x, w, b]);
  assert.deepEqual(floats(await sum.read()), [14, 25, 40, 51]);
  assert.deepEqual(floats(twice.readSync()), [2, 4, 6, 8, 10, 12]);
  assert.equal(new Int32Array(seven.readSync().buffer)[0], 7);
  assert.deepEqual([x.deleted, w.deleted, b.deleted], [false, false, true]);
  assert.throws(() => b.readSync(), /read a deleted buffer \(f32\[2,2\]\)/);
  assert.throws(() => program.execute([x, w, b]), /run with a deleted buffer/);
  // The result takes the place of what was donated, again and again.
  let state = sum;
  for (let i = 0; i < 3; i++) {
    const [next, ...rest] = program.execute([x, w, state]);
    for (const r of rest) r.delete();
    state = next;
  }
  assert.deepEqual(floats(state.readSync()), [26, 40, 70, 84]);
  for (const buffer of [x, w, state, twice, seven]) buffer.delete();
  program.delete();
  assert.throws(() => program.execute([]), /linear was deleted/);
});

Deno.test("a run may keep what the program would take over", () => {
  const program = client.compile(
    `func.func @main(%a: tensor<3xf32> {tf.aliasing_output = 0 : i32}, %b: tensor<3xf32>) -> tensor<3xf32> {
      %0 = stablehlo.add %a, %b : tensor<3xf32>
      return %0 : tensor<3xf32> }`,
  );
  const a = f32([1, 2, 3]);
  assert.throws(() => program.execute([a, a]), /donate/); // given up and used at once
  assert.equal(a.deleted, false);
  const [sum] = program.execute([a, a], []);
  assert.deepEqual(floats(sum.readSync()), [2, 4, 6]);
  assert.equal(a.deleted, false);
  assert.deepEqual(floats(a.readSync()), [1, 2, 3]);
  [a, sum, program].forEach((held) => held.delete());
});

Deno.test("the data may be changed as soon as the upload returns", () => {
  const data = new Float32Array(1 << 16).fill(1);
  const buffer = client.buffer(data, "f32", [256, 256]);
  data.fill(2);
  assert.ok(floats(buffer.readSync()).every((v) => v === 1));
  buffer.delete();
});

Deno.test("every element type goes to the device and back", () => {
  const samples = [
    ["pred", new Uint8Array([1, 0])],
    ["i8", new Int8Array([-1, 2])],
    ["i16", new Int16Array([-1, 2])],
    ["i32", new Int32Array([-1, 2])],
    ["i64", new BigInt64Array([-1n, 2n])],
    ["u8", new Uint8Array([255, 2])],
    ["u16", new Uint16Array([65535, 2])],
    ["u32", new Uint32Array([2 ** 32 - 1, 2])],
    ["u64", new BigUint64Array([2n ** 64n - 1n, 2n])],
    ["f16", new Uint16Array([0x3c00, 0])],
    ["bf16", new Uint16Array([0x3f80, 0])],
    ["f32", new Float32Array([0.1, 2])],
    ["f64", new Float64Array([0.1, 2])],
    ["c64", new Float32Array([1, 2, 3, 4])],
  ] as const;
  for (const [type, data] of samples) {
    const buffer = client.buffer(data, type, [2]);
    assert.deepEqual(buffer.readSync(), new Uint8Array(data.buffer), type);
    buffer.delete();
  }
});

Deno.test("views into larger arrays, empty arrays and scalars", async () => {
  const part = client.buffer(new Float32Array([9, 1, 2, 3, 9]).subarray(1, 4), "f32", [3]);
  const none = client.buffer(new Float32Array(0), "f32", [0, 3]);
  const one = client.buffer(new Float32Array([5]), "f32", []);
  assert.deepEqual(floats(part.readSync()), [1, 2, 3]);
  assert.equal(none.readSync().length + (await none.read()).length, 0);
  assert.deepEqual(floats(await one.read()), [5]);
  [part, none, one].forEach((buffer) => buffer.delete());
});

Deno.test("wrong uploads say what was wrong", () => {
  const data = new Float32Array(5);
  assert.throws(() => client.buffer(data, "f32", [2, 3]), /f32\[2,3\] takes 24 bytes.*has 20/);
  assert.throws(() => client.buffer(data, "f32", [-5]), /whole, ≥ 0/);
  assert.throws(() => client.buffer(data, "f32", [2.5, 2]), /whole, ≥ 0/);
  assert.throws(() => client.buffer(data, "f32", Array(33).fill(1)), /33 dimensions/);
});

Deno.test("wrong programs and wrong arguments give XLA's message", async () => {
  const wrong = `func.func @main(%a: tensor<2xf32>, %b: tensor<3xf32>) -> tensor<2xf32> {
    %0 = stablehlo.add %a, %b : tensor<2xf32>
    return %0 : tensor<2xf32> }`;
  const expected = { name: "PjrtError", message: /2:\d+: error: use of value '%b' expects different type/ };
  assert.throws(() => client.compile(wrong), expected);
  await assert.rejects(client.compileAsync(wrong), expected);
  assert.throws(
    () => client.load(new Uint8Array(100)),
    (e) => e instanceof PjrtError && e.code === "INVALID_ARGUMENT",
  );
  assert.throws(() => client.compile(chain(2, 1), { xlaFlags: { xla_bogus: true } }), /xla_bogus/);
  const program = client.compile(chain(2, 1));
  const small = f32([1]);
  assert.throws(() => program.execute([]), /supplied 0 arguments.*expected 1/);
  assert.throws(() => program.execute([small]), /incompatible size/);
  [small, program].forEach((held) => held.delete());
});

Deno.test("compiling and waiting leave the event loop free, and agree with the blocking forms", async () => {
  const text = chain(256, 40);
  let ticks = 0;
  const timer = setInterval(() => ticks++, 1);
  const program = await client.compileAsync(text);
  const compiling = ticks;
  const a = client.buffer(new Float32Array(256 * 256).fill(1 / 256), "f32", [256, 256]);
  const results = Array.from({ length: 20 }, () => program.execute([a])[0]);
  ticks = 0;
  await results[19].ready();
  const contents = await Promise.all(results.map((r) => r.read()));
  const waiting = ticks;
  clearInterval(timer);
  assert.ok(compiling > 3 && waiting > 3, `${compiling} ticks while compiling, ${waiting} while waiting`);
  const second = client.compile(text);
  const [blocking] = second.execute([a]);
  const expected = blocking.readSync();
  for (const bytes of contents) assert.deepEqual(bytes, expected);
  [a, program, second, blocking, ...results].forEach((held) => held.delete());
});

Deno.test("a buffer may be deleted while work and reads with it are under way", async () => {
  const program = client.compile(chain(256, 40));
  const a = client.buffer(new Float32Array(256 * 256).fill(1 / 256), "f32", [256, 256]);
  const [result] = program.execute([a]);
  const reading = result.read();
  [a, result, program].forEach((held) => held.delete());
  assert.ok(floats(await reading).every((v) => Math.abs(v * 256 - 1) < 1e-4));
});

Deno.test("a serialized program gives the same results; flags and donation can be given again", () => {
  const program = client.compile(LINEAR);
  const loaded = client.load(program.serialize(), { donated: [2] });
  assert.deepEqual(loaded.outputs, program.outputs);
  const x = f32([1, 2, 3, 4, 5, 6], [2, 3]);
  const w = f32([1, 0, 0, 1, 1, 1], [3, 2]);
  const b = f32([1, 1, 1, 1], [2, 2]);
  const results = loaded.execute([x, w, b]);
  assert.deepEqual(floats(results[0].readSync()), [5, 6, 11, 12]);
  assert.equal(b.deleted, true);
  [x, w, program, loaded, ...results].forEach((held) => held.delete());
});

Deno.test("flags reach the compiler; programs with oneDNN calls refuse to be serialized", () => {
  const text = `func.func @main(%a: tensor<1024x256xf32>) -> tensor<256x256xf32> {
    %0 = stablehlo.dot_general %a, %a, contracting_dims = [0] x [0] : (tensor<1024x256xf32>, tensor<1024x256xf32>) -> tensor<256x256xf32>
    return %0 : tensor<256x256xf32> }`;
  const [plain, flagged] = [false, true].map((on) =>
    client.compile(text, { xlaFlags: { xla_cpu_experimental_onednn_custom_call: on } })
  );
  assert.deepEqual([plain.serializable, flagged.serializable], [true, false]);
  const calls = [plain, flagged].map((p) =>
    new TextDecoder("latin1").decode(p.optimized().code).includes("__onednn")
  );
  assert.deepEqual(calls, [false, true]);
  assert.throws(() => flagged.serialize(), /oneDNN.*xla_cpu_experimental_onednn_custom_call/s);
  const a = client.buffer(new Float32Array(1024 * 256).map((_, i) => Math.sin(i)), "f32", [1024, 256]);
  const results = [plain, flagged].map((program) => program.execute([a])[0]);
  const [x, y] = results.map((result) => floats(result.readSync()));
  assert.ok(x.every((v, i) => Math.abs(v - y[i]) < 1e-3));
  [a, plain, flagged, ...results].forEach((held) => held.delete());
});

Deno.test("a program's memory is told", () => {
  const program = client.compile(LINEAR);
  const memory = program.memory();
  assert.ok(memory);
  assert.equal(memory.arguments, 4 * (6 + 6 + 4));
  assert.equal(memory.aliased, 16);
  assert.ok(memory.outputs >= 4 * (4 + 6 + 1) && memory.peak! >= memory.arguments);
  const again = client.compile(LINEAR);
  assert.equal(program.fingerprint(), again.fingerprint());
  assert.ok(program.optimized().code.length > 100);
  [program, again].forEach((held) => held.delete());
});

Deno.test("buffers are counted, and 1,000 runs leave nothing behind", () => {
  const before = client.counts();
  const program = client.compile(LINEAR);
  const x = f32([1, 2, 3, 4, 5, 6], [2, 3]);
  const w = f32([1, 0, 0, 1, 1, 1], [3, 2]);
  let state = f32([0, 0, 0, 0], [2, 2]);
  const during = client.counts();
  assert.equal(during.buffers, before.buffers + 3);
  assert.equal(during.bytes, before.bytes + 64);
  assert.equal(during.executables, before.executables + 1);
  for (let i = 0; i < 1000; i++) {
    const [next, ...rest] = program.execute([x, w, state]);
    for (const r of rest) r.delete();
    state = next;
  }
  assert.deepEqual(floats(state.readSync()), [4000, 5000, 10000, 11000]);
  assert.deepEqual(client.counts(), during);
  [x, w, state, program].forEach((held) => held.delete());
  x.delete(); // twice does nothing
  assert.deepEqual(client.counts(), before);
});

Deno.test("a process may end without closing its client, with work under way", async () => {
  const module = new URL("../../../src/engine/xla/pjrt/client.ts", import.meta.url).href;
  const script = `
    import { openClient } from ${JSON.stringify(module)};
    const client = openClient(${JSON.stringify(PLUGIN)});
    const program = client.compile(${JSON.stringify(chain(256, 40))});
    const a = client.buffer(new Float32Array(256 * 256), "f32", [256, 256]);
    const results = Array.from({ length: 20 }, () => program.execute([a])[0]);
    if (Deno.args[0] === "exit") { results[19].read(); Deno.exit(3); }
    if (Deno.args[0] === "throw") throw new Error("on purpose");`;
  const file = await Deno.makeTempFile({ suffix: ".ts" });
  try {
    await Deno.writeTextFile(file, script);
    const codes = await Promise.all(["end", "exit", "throw"].map(async (how) => {
      const { code } = await new Deno.Command(Deno.execPath(), {
        args: ["run", "-A", "--no-check", file, how],
        stderr: "null",
        stdout: "null",
      }).output();
      return code;
    }));
    assert.deepEqual(codes, [0, 3, 1]);
  } finally {
    await Deno.remove(file);
  }
});

Deno.test("buffers and programs that were dropped without being deleted are freed", async () => {
  const module = new URL("../../../src/engine/xla/pjrt/client.ts", import.meta.url).href;
  const script = `
    import { openClient } from ${JSON.stringify(module)};
    const client = openClient(${JSON.stringify(PLUGIN)});
    (() => {
      const program = client.compile("func.func @main(%a: tensor<4xf32>) -> tensor<4xf32> { return %a : tensor<4xf32> }");
      for (let i = 0; i < 50; i++) program.execute([client.buffer(new Float32Array(4), "f32", [4])]);
    })();
    const full = client.counts();
    for (let i = 0; i < 50 && client.counts().buffers + client.counts().executables > 0; i++) {
      gc();
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    console.log(JSON.stringify([full, client.counts()]));
    client.close();`;
  const file = await Deno.makeTempFile({ suffix: ".ts" });
  try {
    await Deno.writeTextFile(file, script);
    const result = await new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "--no-check", "--v8-flags=--expose-gc", file],
    }).output();
    assert.equal(result.code, 0, new TextDecoder().decode(result.stderr));
    assert.deepEqual(JSON.parse(new TextDecoder().decode(result.stdout)), [
      { buffers: 100, bytes: 1600, executables: 1 },
      { buffers: 0, bytes: 0, executables: 0 },
    ]);
  } finally {
    await Deno.remove(file);
  }
});

Deno.test("a closed client refuses work; its pending reads finish", async () => {
  const other = openClient(PLUGIN);
  const program = other.compile(chain(256, 40));
  const a = other.buffer(new Float32Array(256 * 256).fill(1 / 256), "f32", [256, 256]);
  const [result] = program.execute([a]);
  const reading = result.read();
  other.close();
  other.close();
  assert.ok(floats(await reading).every((v) => Math.abs(v * 256 - 1) < 1e-4));
  assert.throws(() => a.readSync(), /client is closed/);
  assert.throws(() => program.execute([a]), /client is closed/);
  assert.throws(() => other.compile(LINEAR), /client is closed/);
  a.delete();
  program.delete();
});

Deno.test("a plugin's own options reach it; unknown ones and wrong files are refused", () => {
  const two = openClient(PLUGIN, { cpu_device_count: 2 });
  assert.equal(two.devices.length, 2);
  two.close();
  assert.throws(() => openClient(PLUGIN, { no_such_option: 1 }), /no_such_option/);
  assert.throws(() => openClient("/no/such/plugin.so"), /\/no\/such\/plugin\.so.*GetPjrtApi/s);
  const me = new URL(import.meta.url).pathname;
  assert.throws(() => openClient(me), /Cannot load the PJRT plugin/);
});
