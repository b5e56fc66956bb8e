import * as tf from "../tensors.ts";
import type { Engine, EngineName, Precision } from "../types.ts";
import type { Check, Inputs } from "./check.ts";
import { CHECKS, HALVED, SINGLY } from "./checks.ts";
import { BYTES, GIVEN } from "./inputs.ts";
import { type Node, splitChecks, splitRowsOf } from "./split.ts";

/** An engine that computes wrongly here. It was closed again; another one may be taken. */
export class UnfitEngineError extends Error {
  override name = "UnfitEngineError";
  /** The engine. */
  readonly engine: EngineName;

  constructor(engine: EngineName, message: string, options?: ErrorOptions) {
    super(message, options);
    this.engine = engine;
  }
}

const words = (value: number | undefined) =>
  value === undefined ? "nothing" : Number.isNaN(value) ? "not-a-number" : String(value);

/**
 * What is wrong with a result, in words, or undefined where nothing is.
 *
 * @param check What was computed.
 * @param got Its elements, row-major.
 */
export function fault(
  { expected, of, within = 0 }: Omit<Check, "compute">,
  got: ArrayLike<number>,
): string | undefined {
  const wanted = expected();
  if (got.length !== wanted.length) return `${got.length} numbers came; ${wanted.length} are right`;
  for (let i = 0; i < wanted.length; i++) {
    const a = got[i], b = got instanceof Int32Array ? wanted[i] : Math.fround(wanted[i]);
    const close = Number.isFinite(b) && Math.abs(a - b) <= within * (Math.abs(b) + 1e-3);
    const right = a === b || close || (Number.isNaN(a) && Number.isNaN(b));
    if (!right) return `${of ? `of ${words(of[i])} ` : ""}came ${words(a)}; ${words(b)} is right`;
  }
  return undefined;
}

/** Tensors on the engine of all that the checks need. */
function inputsOf(engine: Engine): Inputs {
  const floats = Object.entries(GIVEN).map((
    [name, { data, shape }],
  ) => [name, engine.floats(data, [...shape])]);
  return { ...Object.fromEntries(floats), bytes: engine.bytes(BYTES, [BYTES.length]) } as Inputs;
}

/** Computes checks, and says what came out wrong. */
async function faultsOf(
  checks: readonly Omit<Check, "compute">[],
  how: string,
  compute: () => Record<string, tf.Tensor>,
): Promise<string[]> {
  const results = compute(), faults: string[] = [];
  try {
    for (const [i, check] of checks.entries()) {
      const wrong = fault(check, await results[i].data());
      if (wrong) faults.push(`${check.name}${how}: ${wrong}`);
    }
  } finally {
    for (const tensor of Object.values(results)) tensor.dispose();
  }
  return faults;
}

/** Results by the number of their check. */
function numbered<Given>(checks: readonly { compute: (given: Given) => tf.Tensor }[], given: Given) {
  return Object.fromEntries(checks.map(({ compute }, i) => [`${i}`, compute(given)]));
}

/** As one function that the engine has prepared. */
async function together(engine: Engine, inputs: Inputs, precision: Precision, checks: readonly Check[]) {
  const run = engine.jit((given: Inputs) => numbered(checks, given), { precision });
  try {
    const how = precision === "bfloat16" ? ", products of bfloat16" : "";
    return await faultsOf(checks, how, () => run(inputs));
  } finally {
    run.dispose();
  }
}

/** On rows that are spread over several devices. */
async function spread(engine: Engine, node: Node): Promise<string[]> {
  const rows = splitRowsOf(engine, node), checks = splitChecks(engine.devices);
  const run = engine.jit(({ rows }: { rows: tf.Tensor }) => numbered(checks, rows), { shard: ["rows"] });
  try {
    return await faultsOf(checks, `, split over ${engine.devices} devices`, () => run({ rows }));
  } finally {
    run.dispose();
    rows.dispose();
  }
}

/**
 * Has an engine compute what is known: that not-a-number and infinities survive every operation that they should survive,
 * that products, sums and transposes of small whole numbers are exact. Takes a fraction of a second and leaves nothing.
 *
 * @param engine Open, and TensorFlow.js's current backend.
 * @param node This process among those that compute together; each of them has to run the test.
 * @returns What it got wrong, in words; nothing for an engine that may be used.
 */
export async function selfTest(engine: Engine, node: Node = { nodeId: 0, nodes: 1 }): Promise<string[]> {
  const inputs = inputsOf(engine);
  try {
    if (!engine.compiles) return await together(engine, inputs, "float32", CHECKS);
    const named = (names: ReadonlySet<string>) => CHECKS.filter(({ name }) => names.has(name));
    const singly = named(SINGLY);
    return [
      ...await together(engine, inputs, "float32", CHECKS.filter(({ opByOp }) => !opByOp)),
      ...await together(engine, inputs, "bfloat16", named(HALVED)),
      ...await faultsOf(singly, ", not compiled with others", () => tf.tidy(() => numbered(singly, inputs))),
      ...engine.devices > 1 ? await spread(engine, node) : [],
    ];
  } finally {
    for (const tensor of Object.values(inputs)) tensor.dispose();
  }
}

/** What to do instead of using an engine that was refused. */
const INSTEAD: Readonly<Record<EngineName, string>> = {
  xla: "name another PJRT plugin (--plugin PATH, or PJRT_PLUGIN), or take another engine",
  tensorflow: "install it anew (remove its folder first), or take another engine",
  webgpu: "install the driver of the device's vendor (on Linux the one for Vulkan), or take another engine",
  wasm: "take another engine, or another version of Deno",
};

/** Backends that have passed. Those of `tensorflow` and `wasm` stay when their engine is closed, and are used again. */
const passed = new WeakSet<tf.KernelBackend>();

/** Names of those that have passed and are made anew each time. */
const passedAgain = new Set<string>();

/** How an engine is tested. */
export interface PassOptions {
  /** What else identifies the engine, in words, such as the path of its plugin. */
  where?: string;
  /** This process among those that compute together. */
  node?: Node;
  /** Names all that decides what the engine does; another one of this name in this process is not tested again. */
  again?: string;
}

/**
 * An engine that passes its self-test; each is tested once in a process.
 *
 * @param engine Just opened.
 * @returns The same.
 * @throws {UnfitEngineError} When it fails, or cannot compute at all. It is closed then; the message holds the check, the
 * device, and what to do.
 */
export async function passing(engine: Engine, { where, node, again }: PassOptions = {}): Promise<Engine> {
  const backend = tf.backend();
  if (passed.has(backend) || (again !== undefined && passedAgain.has(again))) return engine;
  const refuse = async (reason: string, cause?: unknown): Promise<never> => {
    await engine.close();
    throw new UnfitEngineError(
      engine.name,
      `engine ${engine.name} (${engine.description}${
        where ? `; ${where}` : ""
      }) is refused, because its self-test ` +
        `failed: ${reason}. What it computes cannot be trusted, and a training that diverged might go unnoticed; ` +
        `${INSTEAD[engine.name]}.`,
      { cause },
    );
  };
  let faults: string[];
  try {
    faults = await selfTest(engine, node);
  } catch (error) {
    return await refuse(`it could not be run (${error instanceof Error ? error.message : error})`, error);
  }
  const [first, ...rest] = faults;
  if (first) return await refuse(rest.length > 0 ? `${first} (and ${rest.length} more)` : first);
  passed.add(backend);
  if (again !== undefined) passedAgain.add(again);
  return engine;
}
