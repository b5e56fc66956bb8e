import assert from "node:assert/strict";
import { join } from "node:path";
import { compilerOf, machineKey, targetIn } from "../../../src/engine/xla/compile/compiler.ts";
import { openClient } from "../../../src/engine/xla/pjrt/client.ts";
import { PLUGIN } from "./plugin.ts";

const client = openClient(PLUGIN);

/** A program that adds a number. */
const adds = (number: number) =>
  `func.func public @main(%x: tensor<4xf32>) -> tensor<4xf32> {
  %c = stablehlo.constant dense<${number}.0> : tensor<4xf32>
  %r = stablehlo.add %x, %c : tensor<4xf32>
  return %r : tensor<4xf32>
}`;

Deno.test("the key of stored programs holds the processor, its features and cores, and stays the same", () => {
  if (client.platform !== "cpu") return;
  const key = machineKey(client, 2), [, , , , target, cores] = key.split("\n");
  assert.match(target, /^[\w.]+-[\w.]+-[\w.-]+ [\w.-]+ [+-]\w/);
  assert.ok(target.split(",").length > 8, target);
  assert.equal(cores, "2 cores");
  // What was compiled before must not count.
  for (const number of [1, 2, 3]) client.compile(adds(number)).delete();
  assert.equal(machineKey(client, 2), key);
  assert.notEqual(machineKey(client, 3), key);
});

Deno.test("the target is read from what the compiler writes, and from nothing else", () => {
  const latin1 = (text: string) => Uint8Array.from(text, (c) => c.charCodeAt(0));
  const written = "J\xd9\x07\n\x19aarch64-unknown-linux-gnu\x12\x0bneoverse-v2\x1a\x11+neon,+sve,-sme2x\x12#";
  assert.equal(targetIn(latin1(written)), "aarch64-unknown-linux-gnu neoverse-v2 +neon,+sve,-sme2x");
  assert.equal(targetIn(latin1("x86_64-unknown-linux-gnu only")), undefined);
  assert.equal(targetIn(new Uint8Array()), undefined);
});

Deno.test("a stored program is loaded; a damaged one is compiled again; where nothing can be stored all goes on", async () => {
  const folder = await Deno.makeTempDir(), programs = join(folder, "programs");
  const built = (where: string, number = 1) => {
    const { executable, cached } = compilerOf(client, where).compile(adds(number));
    const x = client.buffer(Float32Array.of(1, 2, 3, 4), "f32", [4]);
    const [y] = executable.execute([x]), values = [...new Float32Array(y.readSync().buffer)];
    for (const held of [x, y, executable]) held.delete();
    assert.deepEqual(values, [1, 2, 3, 4].map((x) => x + number));
    return cached;
  };
  try {
    assert.equal(built(programs), false);
    client.compile(adds(9)).delete();
    assert.equal(built(programs), true);
    assert.equal(built(programs, 2), false);
    for (const { name } of Deno.readDirSync(programs)) {
      const path = join(programs, name), bytes = Deno.readFileSync(path);
      bytes[100] ^= 1;
      Deno.writeFileSync(path, bytes);
    }
    assert.equal(built(programs), false);
    assert.equal(built(programs), true);
    const file = join(folder, "file");
    Deno.writeTextFileSync(file, "");
    for (const where of [file, join(file, "programs"), "/dev/null/programs"]) {
      assert.equal(built(where), false);
    }
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
