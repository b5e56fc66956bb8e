/** Optimised programs: read, and their kernels counted. The stored ones were compiled for an H100. */
import assert from "node:assert/strict";
import { CARDS } from "../../src/plan/cards.ts";
import { exchangeOf, NETWORKS } from "../../src/plan/exchange.ts";
import { arraysIn, bytesIn, HloError, parseHlo, typeOf } from "../../src/plan/hlo.ts";
import { type Kernel, kernelsOf } from "../../src/plan/kernels.ts";
import { LAUNCH, REACHED, roofline, timed } from "../../src/plan/roofline.ts";
import { ROOT } from "../user.ts";

const read = (name: string) => Deno.readTextFileSync(`${ROOT}/tests/fixtures/plan/${name}.hlo.txt`);
const kernels = (text: string) => kernelsOf(parseHlo(text));
const shown = ({ name, times, bytes, flops }: Kernel) => [name, times, times * bytes, times * flops];

Deno.test("kernels of a program with a loop, a slice in a fusion and calls of a library, as counted by hand", () => {
  assert.deepEqual(kernels(read("loop")).map(shown), [
    ["copy.7", 1, 8, 0],
    ["loop_multiply_fusion", 1, 64 * 64 * 4 * 2 + 4, 0],
    ["copy.1", 1, 64 * 64 * 4 * 2, 0],
    ["loop_add_fusion", 5, 40, 0],
    ["custom-call.1", 5, 5 * 3 * 64 * 64 * 4, 5 * 2 * 64 ** 3],
    ["copy.5", 5, 5 * 2 * 64 * 64 * 4, 0],
    ["input_reduce_fusion", 1, 64 * 64 * 4 + 64 * 4, 0],
    ["custom-call.3", 1, 256 * 128 * 4 + 256 * 512 * 2 + 128 * 512 * 2, 2 * 256 * 128 * 512],
    ["input_exponential_reduce_fusion", 1, 256 * 128 * 4 * 2 + 256 * 4, 0],
  ]);
});

Deno.test("kernels know what their products work on and which part they come from", () => {
  const [, multiply, , , looped, , , product, summed] = kernels(read("loop"));
  assert.deepEqual([looped.product, product.product, multiply.product], ["float32", "bfloat16", undefined]);
  assert.deepEqual([multiply.scope, product.scope, summed.scope], [
    "head/square",
    "encoder/block0/qkv",
    "render/sum",
  ]);
});

Deno.test("the least time is that of the products or of what is moved, and a launch", () => {
  const card = CARDS.h100, list = timed(card, kernels(read("loop"))), all = roofline(card, list);
  const product = list.find(({ name }) => name === "custom-call.3")!;
  const seconds = Math.max(
    2 * 256 * 128 * 512 / (989.4e12 * REACHED.products),
    524_288 / (card.bandwidth * REACHED.bandwidth),
  );
  assert.ok(Math.abs(product.ms - 1000 * (seconds + LAUNCH)) < 1e-12);
  assert.equal(all.kernels, 21);
  assert.ok(Math.abs(all.launchesMs - 21 * 1000 * LAUNCH) < 1e-12);
  assert.ok(all.renderingMs > 0);
  const parts = all.productsMs + all.otherMs + all.renderingMs + all.launchesMs;
  assert.ok(Math.abs(all.boundMs - parts) < 1e-12);
  // As another program of the same purpose counts it, within a hundredth.
  assert.ok(Math.abs(all.boundMs / 3.1926428e-2 - 1) < 0.01, String(all.boundMs));
});

Deno.test("a slower card takes longer, each kernel by its own measure", () => {
  const list = kernels(read("loop"));
  const bound = (name: string) => roofline(CARDS[name], timed(CARDS[name], list)).boundMs;
  assert.ok(
    bound("b200") < bound("h100") && bound("h100") < bound("a100-80") && bound("a100-80") < bound("l4"),
  );
});

Deno.test("exchanges are no kernels: their bytes take the links' time", () => {
  const list = kernels(read("split")), card = CARDS.h100, spread = { devices: 2, nodes: 1 };
  assert.equal(timed(card, list).length, 3);
  const found = exchangeOf(list, card, NETWORKS["infiniband-400"], spread)!;
  assert.deepEqual(found.calls, [
    { kind: "all-gather", count: 1, bytes: 64 * 16 * 4 },
    { kind: "all-reduce", count: 1, bytes: 32 * 16 * 4 },
  ]);
  // A ring of two: each sends half of what is gathered, and half twice of what is summed.
  const milliseconds = 1000 * (64 * 16 * 4 / 2 + 32 * 16 * 4) / 450e9;
  assert.ok(Math.abs(found.ms - milliseconds) < 1e-12);
  const nodes = exchangeOf(list, card, NETWORKS["ethernet-10"], { devices: 1, nodes: 2 })!;
  assert.ok(nodes.ms > 300 * found.ms && nodes.network?.includes("10 Gbit"));
  assert.equal(exchangeOf(list, card, NETWORKS["ethernet-10"], { devices: 1, nodes: 1 }), undefined);
});

Deno.test("of an exchange that is begun the results count, of several tensors at once all of them", () => {
  const bytes = (opcode: string, type: string) =>
    kernels(
      `ENTRY %main (q: f32[4]) -> f32[4] {\n  %q = f32[4]{0} parameter(0)\n` +
        `  ROOT %x = ${type} ${opcode}(%q), replica_groups={{0,1}}, metadata={op_name="a/b"}\n}\n`,
    )[0].collective?.bytes;
  assert.equal(bytes("all-gather-start", "(f32[4]{0}, f32[8]{0})"), 32);
  assert.equal(bytes("all-gather-start", "((f32[4]{0}, f32[2]{0}), (f32[8]{0}, f32[4]{0}))"), 48);
  assert.equal(bytes("all-reduce-start", "(f32[4]{0}, f32[2]{0})"), 24);
  assert.equal(bytes("all-reduce-start", "f32[4]{0}"), 16);
});

Deno.test("an exchange takes the links between the devices of its groups, and no others", () => {
  const spread = { devices: 2, nodes: 2 }, card = CARDS.h100, network = NETWORKS["ethernet-10"];
  const ms = (groups: string) => {
    const list = kernels(
      `ENTRY %main (q: f32[1024]) -> f32[4096] {\n  %q = f32[1024]{0} parameter(0)\n` +
        `  ROOT %x = f32[4096]{0} all-gather(%q), channel_id=1, ${groups}, dimensions={0}\n}\n`,
    );
    return exchangeOf(list, card, network, spread)!.ms;
  };
  const bytes = 4096 * 4,
    link = card.link.bytes,
    near = (a: number, b: number) => Math.abs(a / b - 1) < 1e-12;
  const within = 1000 * bytes / 2 / link, between = 1000 * bytes / 2 / network.bytes;
  for (const all of ["replica_groups={}", "replica_groups=[1,4]<=[4]", "replica_groups={{0,1,2,3}}"]) {
    assert.ok(near(ms(all), within + between), all);
  }
  assert.ok(near(ms("replica_groups=mesh['a'=2,'b'=2] {'a','b'}"), within + between));
  for (const groups of ["[2,2]<=[4]", "{{0,1},{2,3}}", "mesh['a'=2,'b'=2] {'b'}"]) {
    assert.ok(near(ms(`replica_groups=${groups}`), within), groups);
  }
  // Both devices of a node send over its network at the same time.
  for (const groups of ["[2,2]<=[2,2]T(1,0)", "{{0,2},{1,3}}", "mesh['a'=2,'b'=2] {'a'}"]) {
    assert.ok(near(ms(`replica_groups=${groups}`), 2 * between), groups);
  }
});

Deno.test("types: arrays, tuples, elements of tuples", () => {
  assert.deepEqual(arraysIn("(f32[2,3]{1,0}, pred[], token[])").map(({ size }) => size), [6, 1]);
  assert.equal(bytesIn("(bf16[4]{0}, (s8[3]{0}, f64[]))"), 8 + 3 + 8);
  const { entry } = parseHlo(read("loop"));
  assert.equal(typeOf(entry, "while.1#1"), "f32[64,64]{1,0}");
  assert.equal(typeOf(entry, "nothing"), "");
});

Deno.test("cuDNN's attention counts its products, backward more of them", () => {
  const call = (target: string, type: string) =>
    `ENTRY %main (q: bf16[2,8,4,16]) -> bf16[2,8,4,16] {\n  %q = bf16[2,8,4,16]{3,2,1,0} parameter(0)\n` +
    `  ROOT %call = ${type} custom-call(%q, %q, %q), custom_call_target="${target}", metadata={op_name="a/b"}\n}\n`;
  const flops = (target: string) => kernels(call(target, "(bf16[2,8,4,16]{3,2,1,0}, u8[64]{0})"))[0].flops;
  assert.equal(flops("__cudnn$fmhaSoftmax"), 4 * 2 * 8 * 4 * 16 * 8);
  assert.equal(flops("__cudnn$fmhaSoftmaxBackward"), 10 * 2 * 8 * 4 * 16 * 8);
});

Deno.test("what is no program is refused", () => {
  for (const text of ["", "ENTRY", read("loop").slice(0, 2000)]) {
    assert.throws(() => parseHlo(text), HloError);
  }
});
