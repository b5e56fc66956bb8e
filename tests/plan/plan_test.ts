/** `deno task plan`. What compiles is left out where the compiler is not installed. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { CUDA13_COMPILER, installedPackage, InstallError } from "../../src/engine/install/install.ts";
import { providePlugin } from "../../src/engine/install/plugin.ts";
import { CARDS } from "../../src/plan/cards.ts";
import { compileFor, findCompiler, PlanError } from "../../src/plan/compiler.ts";
import { kernelsOf } from "../../src/plan/kernels.ts";
import { parseHlo } from "../../src/plan/hlo.ts";
import { lowerStep } from "../../src/plan/lower_step.ts";
import { resolveConfig } from "../../src/train/config/config.ts";
import type { RunConfig } from "../../src/train/config/settings.ts";
import { planTask } from "../../tasks/plan.ts";
import { capture } from "../cli/capture.ts";
import { withFolder } from "../with_folder.ts";
import { SMALL } from "../user.ts";

const installed = await installedPackage(CUDA13_COMPILER) !== undefined;

/** A program of one product and one elementwise function. */
const PROGRAM = `module @p {
  func.func public @main(%x: tensor<64x32xbf16>, %w: tensor<32x16xbf16>) -> tensor<64x16xf32> {
    %0 = stablehlo.dot_general %x, %w, contracting_dims = [1] x [0] : (tensor<64x32xbf16>, tensor<32x16xbf16>) -> tensor<64x16xf32>
    %1 = stablehlo.tanh %0 : tensor<64x16xf32>
    return %1 : tensor<64x16xf32>
  }
}`;

Deno.test("a step is lowered for a card without a card: its batch is split over all devices", async () => {
  const settings: Partial<RunConfig> = { ...SMALL, engine: "auto", batchSize: 8 } as Partial<RunConfig>;
  const one = await lowerStep(resolveConfig(settings), "a card");
  assert.match(one.text, /stablehlo\.dot_general/);
  assert.doesNotMatch(one.text, /sdy\.mesh/);
  assert.ok(one.flops > 0);
  const four = await lowerStep(resolveConfig({ ...settings, devices: 4 }), "a card");
  assert.match(four.text, /sdy\.mesh @mesh = <\["data"=4\]>/);
  assert.equal(four.flops, one.flops);
  const nodes = await lowerStep(
    resolveConfig({ ...settings, devices: 2, nodes: 2, coordinator: "x:1" }),
    "a card",
  );
  assert.match(nodes.text, /"data"=4/);
});

Deno.test("what is divided is divided among the devices of a node, as train divides it", async () => {
  const settings = { ...SMALL, engine: "auto", optimizer: "adamw", shardOptimizer: true, batchSize: 8 };
  const text = async (more: Partial<RunConfig>) =>
    (await lowerStep(resolveConfig({ ...settings, ...more } as Partial<RunConfig>), "a card")).text;
  assert.match(await text({ devices: 4 }), /sdy\.mesh @mesh = <\["data"=4\]>/);
  const nodes = await text({ devices: 2, nodes: 2, coordinator: "x:1" });
  assert.match(nodes, /sdy\.mesh @mesh = <\["process"=2, "data"=2\]>/);
});

Deno.test({
  name: "a program is compiled for a card that is not here, once",
  ignore: !installed,
  fn: () =>
    withFolder(async (folder) => {
      const compiler = await findCompiler(), card = CARDS["a100-40"];
      const compile = () => compileFor(compiler, card, PROGRAM, { devices: 1, nodes: 1 }, folder);
      const first = await compile(), again = await compile();
      const names = kernelsOf(parseHlo(first.hlo)).map(({ opcode, flops }) => [opcode, flops]);
      assert.deepEqual(names, [["custom-call", 2 * 64 * 32 * 16], ["fusion", 0]]);
      assert.equal(first.memory.arguments, 64 * 32 * 2 + 32 * 16 * 2);
      assert.deepEqual([again.hlo, again.memory, again.seconds], [first.hlo, first.memory, 0]);
    }),
});

Deno.test({
  name: "a description that XLA does not understand, and a program that it refuses, are errors in words",
  ignore: !installed,
  fn: () =>
    withFolder(async (folder) => {
      const compiler = await findCompiler(), one = { devices: 1, nodes: 1 };
      const broken = { ...CARDS.h100, target: "gpu_device_info { nonsense: 1 }" };
      await assert.rejects(
        compileFor(compiler, broken, PROGRAM, one, folder),
        (error) => error instanceof PlanError && /h100/.test(error.message),
      );
      await assert.rejects(compileFor(compiler, CARDS.h100, "module {", one, folder), PlanError);
    }),
});

Deno.test("a plugin that cannot describe cards is said to be too old", async () => {
  const { path } = await providePlugin();
  await assert.rejects(
    compileFor({ plugin: path, cuda: "/nowhere" }, CARDS.h100, PROGRAM, { devices: 1, nodes: 1 }, "/nowhere"),
    (error) => error instanceof PlanError && /too old, or not for CUDA/.test(error.message),
  );
});

Deno.test("without the compiler it is said how to get it; a plugin that is named must have its programs", () =>
  withFolder(async (folder) => {
    await assert.rejects(
      findCompiler({ cache: folder }),
      (error) => error instanceof InstallError && /engine install xla-cuda13-compiler/.test(error.message),
    );
    await assert.rejects(findCompiler({ plugin: join(folder, "no.so") }), /there is no such file/);
    const plugin = join(folder, "plugin.so");
    await Deno.writeTextFile(plugin, "");
    await assert.rejects(findCompiler({ plugin }), /has no ptxas/);
    await Deno.mkdir(join(folder, "nvidia/cu13/bin"), { recursive: true });
    await Deno.writeTextFile(join(folder, "nvidia/cu13/bin/ptxas"), "");
    await Deno.mkdir(join(folder, "jax/cuda"), { recursive: true });
    await Deno.rename(plugin, join(folder, "jax/cuda/plugin.so"));
    const found = await findCompiler({ plugin: join(folder, "jax/cuda/plugin.so") });
    assert.equal(found.cuda, join(await Deno.realPath(folder), "nvidia/cu13"));
  }));

Deno.test("wrong words are refused before anything is compiled", async () => {
  const refused: [args: string[], why: RegExp][] = [
    [[], /say for which card: --gpu NAME/],
    [["--gpu", "h10"], /--gpu-file.*did you mean h100\?/],
    [["--gpu", "h100", "--gpu-file", "x"], /both name a card/],
    [["--gpu", "h100", "--batch-size", "many"], /whole number from 1 up, or auto/],
    [["--gpu", "h100", "--network", "pigeon"], /network/],
    [["--gpu", "h100", "--preset", "huge"], /preset/],
  ];
  for (const [args, why] of refused) {
    const { code, err } = await capture(planTask, args);
    assert.equal(code, 2, args.join(" "));
    assert.match(err, why);
  }
  const { code, err } = await capture(planTask, ["--gpu-file", "/no/such.txtpb"]);
  assert.equal(code, 1);
  assert.match(err, /no such file/);
  const dump = await capture(planTask, ["--gpu", "h100", "--dump", "/no/such/program.txt"]);
  assert.equal(dump.code, 1);
  assert.match(dump.err, /^error: \/no\/such\/program\.txt: no such file or folder/);
  // What no --data means is not what it means to train.
  const { out } = await capture(planTask, ["--help"]);
  assert.match(out, /--data URI [^[]*--epoch-pictures says, or\s+ImageNet has/);
  assert.doesNotMatch(out, /use\s+the\s+demo\s+pictures/);
});
