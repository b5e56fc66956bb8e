/** Engine webgpu: numbers, memory, and what happens when its device fails. */
import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import fc from "npm:fast-check@4.10.2";
import { openEngine } from "../../src/engine/open.ts";
import * as tf from "../../src/engine/tensors.ts";
import type { Engine } from "../../src/engine/types.ts";
import { openWebgpu } from "../../src/engine/webgpu.ts";
import { isOpenGl, NO_ADAPTER } from "../../src/engine/webgpu/adapter.ts";
import { DeviceError, type GuardedBackend, TensorTooLargeError } from "../../src/engine/webgpu/backend.ts";
import { resolveConfig } from "../../src/train/config/config.ts";
import { batchTensors, readValues, scalarTensors } from "../../src/train/step_inputs.ts";
import { disposeTree, initialState, readState } from "../../src/train/state.ts";
import { trainStep } from "../../src/train/step.ts";
import { MINUSCULE, noiseBatch } from "../train/fixture.ts";
import { testOnDevice } from "./webgpu_device.ts";

/** Runs with an engine of its own. */
async function withEngine<Result>(run: (engine: Engine, backend: GuardedBackend) => Promise<Result>) {
  const engine = await openWebgpu();
  try {
    return await run(engine, tf.backend() as GuardedBackend);
  } finally {
    await engine.close();
  }
}

const config = resolveConfig({ ...MINUSCULE, epochs: 1, warmupEpochs: 0, lr: 0.1, ema: true });

/** Steps of training on one batch: losses, memory after each step, and the last state. */
async function someSteps(engine: Engine, count: number) {
  const noise = noiseBatch(config, 3);
  const step = engine.jit(trainStep(config), { donate: ["state"] });
  let state = initialState(config, 5, true);
  const losses: number[] = [], memory: tf.MemoryInfo[] = [];
  for (let i = 0; i < count; i++) {
    const batch = batchTensors(engine, config, noise, i);
    const scalars = scalarTensors(config, 1000, i);
    const result = step({ state, batch, scalars });
    state = result.state;
    disposeTree([batch, scalars]);
    losses.push((await readValues(result.metrics)).loss);
    await engine.ready(state);
    memory.push(tf.memory());
  }
  const values = await readState(state);
  disposeTree([state]);
  return { losses, memory, values };
}

testOnDevice("webgpu trains as wasm does, with flat memory, and again bit for bit", async () => {
  const steps = 6;
  const [one, two] = await withEngine(async (engine) => [
    await someSteps(engine, steps),
    await someSteps(engine, steps),
  ]);
  const wasm = await someSteps(await openEngine("wasm"), steps);
  one.losses.forEach((loss, i) => assert.ok(Math.abs(loss / wasm.losses[i] - 1) < 1e-4, `step ${i + 1}`));
  assert.ok(one.losses.at(-1)! < one.losses[0] - 1, one.losses.join(" "));
  assert.deepEqual(one.memory.slice(3), Array(steps - 3).fill(one.memory[2]));
  assert.deepEqual(two.losses, one.losses);
  assert.deepEqual(two.values, one.values);
});

testOnDevice("bytes arrive as they are, whatever their number", () =>
  withEngine(async (engine) => {
    const before = tf.memory().numTensors;
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ minLength: 1, maxLength: 400 }), async (data) => {
        const tensor = engine.bytes(data, [data.length, 1]);
        assert.equal(tensor.dtype, "int32");
        assert.deepEqual([...await tensor.data()], [...data]);
        tensor.dispose();
      }),
      { numRuns: 30 },
    );
    assert.equal(tf.memory().numTensors, before);
  }));

testOnDevice(
  "whole numbers and truth values are transposed as they are, at any rank",
  () =>
    withEngine(async (engine) => {
      const shuffled = fc.integer({ min: 2, max: 6 }).chain((rank) =>
        fc.record({
          shape: fc.array(fc.integer({ min: 1, max: 4 }), { minLength: rank, maxLength: rank }),
          perm: fc.shuffledSubarray(Array.from({ length: rank }, (_, axis) => axis), { minLength: rank }),
          cast: fc.constantFrom(undefined, "float32", "bool"),
        })
      );
      await fc.assert(
        fc.asyncProperty(shuffled, async ({ shape, perm, cast }) => {
          const data = Uint8Array.from({ length: tf.util.sizeFromShape(shape) }, (_, i) => i);
          const tensors = tf.tidy(() => {
            const bytes = engine.bytes(data, shape), large = tf.add(bytes, tf.scalar(2 ** 24, "int32"));
            const given = cast ? tf.cast(bytes, cast as tf.DataType) : large;
            return { given, turned: tf.transpose(given, perm) };
          });
          const given = await tensors.given.data(), at = (i: number) => given[i];
          const expected = tf.transpose(tf.tensor(Int32Array.from(data), shape, "int32"), perm);
          assert.equal(tensors.turned.dtype, cast ?? "int32");
          assert.deepEqual([...await tensors.turned.data()], [...await expected.data()].map(at));
          disposeTree([tensors.given, tensors.turned, expected]);
        }),
        { numRuns: 40 },
      );
    }),
);

testOnDevice("products are those of wasm, with operands turned, broadcast and of any size", async () => {
  const sizes = [[1, 3, 5, 4], [1, 70, 3, 129], [3, 9, 65, 8], [2, 1, 2100, 5]];
  const values = (count: number) =>
    Float32Array.from({ length: count }, (_, i) => Math.fround(Math.sin(i * i)));
  const products = async () => {
    const out: Float32Array[] = [];
    for (const [count, m, k, n] of sizes) {
      for (const [turnA, turnB, share] of [[0, 0, 0], [0, 1, 1], [1, 0, 2], [1, 1, 0]]) {
        const a = [share === 1 ? 1 : count, ...(turnA ? [k, m] : [m, k])];
        const b = [share === 2 ? 1 : count, ...(turnB ? [n, k] : [k, n])];
        const tensors = [a, b].map((shape) => tf.tensor(values(tf.util.sizeFromShape(shape)), shape));
        const product = tf.matMul(tensors[0], tensors[1], Boolean(turnA), Boolean(turnB));
        assert.deepEqual(product.shape, [count, m, n]);
        out.push(await product.data() as Float32Array);
        disposeTree([tensors, product]);
      }
    }
    return out;
  };
  const ours = await withEngine(products);
  await openEngine("wasm");
  (await products()).forEach((expected, i) => {
    const worst = Math.max(...expected.map((x, j) => Math.abs(x - ours[i][j])));
    assert.ok(worst < 1e-3, `product ${i}: ${worst}`);
  });
});

testOnDevice("what is no number stays none", () =>
  withEngine(async () => {
    const ops: Record<string, (x: tf.Tensor) => tf.Tensor> = {
      relu: tf.relu,
      exp: tf.exp,
      erf: tf.erf,
      sqrt: tf.sqrt,
      rsqrt: tf.rsqrt,
      tanh: tf.tanh,
      abs: tf.abs,
      softmax: tf.softmax,
      max: (x) => tf.max(x, -1),
      sum: (x) => tf.sum(x, -1),
      mean: (x) => tf.mean(x, -1),
      maximum: (x) => tf.maximum(x, 0),
      minimum: (x) => tf.minimum(0, x),
      clip: (x) => tf.clipByValue(x, 0, 1),
      zero: (x) => tf.mul(x, 0),
      where: (x) => tf.where(tf.ones([8], "bool"), x, tf.zeros([8])),
      product: (x) => tf.matMul(tf.reshape(x, [1, 8]), tf.zeros([8, 40])),
      pad: (x) => tf.pad(x, [[1, 0]]).slice(3, 2),
    };
    // Computed on the device: small tensors that are not there yet are handled by the processor.
    const x = tf.div(tf.tensor1d([1, 1, 0, 1, 1, 1, 1, 1]), tf.tensor1d([1, 1, 0, 1, 1, 1, 1, 1]));
    for (const [name, op] of Object.entries(ops)) {
      assert.ok((await op(x).data()).some(Number.isNaN), name);
    }
  }));

testOnDevice(
  "a command that the device refuses fails the reading and all that follows, until the engine is opened anew",
  async () => {
    await withEngine(async (_, backend) => {
      const x = tf.ones([8]);
      const refused = backend.runWebGPUProgram(
        {
          variableNames: ["x"],
          outputShape: [8],
          workgroupSize: [64, 1, 1],
          dispatchLayout: { x: [0] },
          dispatch: [1, 1, 1],
          shaderKey: "refused",
          size: true,
          getUserCode: () => "fn main(index : i32) { nothing_of_this_name(index); }",
        },
        [x],
        "float32",
      );
      const y = tf.engine().makeTensorFromTensorInfo(refused);
      await assert.rejects(y.data(), (error) => {
        assert.ok(error instanceof DeviceError);
        assert.match(error.message, /device refused a command: [^]*nothing_of_this_name[^]*open it anew/);
        return true;
      });
      assert.throws(() => tf.add(x, 1), DeviceError);
      await assert.rejects(backend.finished(), DeviceError);
    });
    await withEngine(async () => assert.deepEqual([...await tf.add(tf.ones([3]), 1).data()], [2, 2, 2]));
  },
);

testOnDevice(
  "a lost device fails the step that runs and the next",
  () =>
    withEngine(async (engine, backend) => {
      const step = engine.jit(({ x }: { x: tf.Tensor }) => ({ y: tf.mul(x, 2) }));
      const x = tf.add(tf.ones([2000]), 1);
      const { y } = step({ x });
      backend.device.destroy();
      await assert.rejects(y.data(), DeviceError);
      assert.throws(() => step({ x }), /engine webgpu: .*device.*open it anew/);
    }),
);

testOnDevice(
  "a tensor too large for the device is refused by name, and nothing else is harmed",
  () =>
    withEngine(async (_, backend) => {
      const { maxStorageBufferBindingSize: binding, maxBufferSize } = backend.device.limits;
      const rows = Math.floor(Math.min(binding, maxBufferSize) / 4096) + 1;
      const row = tf.add(tf.ones([1, 1024]), 1);
      assert.throws(() => tf.tile(row, [rows, 1]), (error) => {
        assert.ok(error instanceof TensorTooLargeError);
        assert.match(error.message, new RegExp(`${rows}×1024 \\(float32, .* MiB\\).*smaller batch`));
        return true;
      });
      assert.equal((await row.data())[7], 2);
      assert.throws(() => tf.add(row, 1).dataSync(), /await tensor.data\(\)/);
    }),
);

testOnDevice("the engine has one device, and is open once", () =>
  withEngine(async () => {
    await assert.rejects(openEngine("webgpu", { devices: 2 }), /2 devices.*webgpu cannot/);
    await assert.rejects(openEngine("webgpu"), /open already/);
  }));

Deno.test("an adapter behind OpenGL is told apart from the same device behind Vulkan", () => {
  const llvmpipe = { vendor: "65541", device: "0", description: "llvmpipe (LLVM 15.0.6, 256 bits)" };
  const adapter = (subgroupMinSize: number, subgroupMaxSize: number, maxBindingsPerBindGroup?: number) => ({
    info: { ...llvmpipe, subgroupMinSize, subgroupMaxSize } as unknown as GPUAdapterInfo,
    limits: { maxBindingsPerBindGroup },
  });
  assert.equal(isOpenGl(adapter(4, 128, 2 ** 32 - 1)), true); // As wgpu tells of OpenGL,
  assert.equal(isOpenGl(adapter(8, 8, 1024)), false); // of Vulkan,
  assert.equal(isOpenGl(adapter(4, 128, 1024)), false); // of an old driver for it,
  assert.equal(isOpenGl(adapter(32, 32)), false); // and what others may.
});

Deno.test({
  name:
    "without a device but behind OpenGL, which is not taken even where it is asked for, it is said what to install",
  ignore: Deno.build.os !== "linux",
  fn: async () => {
    const command = new Deno.Command(Deno.execPath(), {
      args: [
        "run",
        "-A",
        "--no-check",
        "--quiet",
        fileURLToPath(new URL("../../tasks/parity.ts", import.meta.url)),
        "--engine",
        "webgpu",
        "none",
      ],
      env: {
        DENO_WEBGPU_BACKEND: "vulkan,gl",
        VK_ICD_FILENAMES: "/nonexistent",
        VK_DRIVER_FILES: "/nonexistent",
      },
    });
    const { code, stderr } = await command.output();
    const said = new TextDecoder().decode(stderr);
    assert.equal(code, 1, said);
    assert.ok(said.includes(NO_ADAPTER), said);
  },
});
