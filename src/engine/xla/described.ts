/** Lowering functions for devices that are described instead of present. */
import type { XlaBackend } from "./backend.ts";
import { lower } from "./compile/jit.ts";
import type { Client, ElementType } from "./pjrt/types.ts";
import { closeBackend, registerBackend } from "./register.ts";
import { dtypeOf } from "./storage.ts";
import * as tf from "./tf.ts";
import type { Tree } from "./tree.ts";
import type { JitOptions } from "./types.ts";

/** Devices that are not here. */
export interface DescribedOptions {
  /** As a client of such devices names its platform, such as `cuda`: what is lowered depends on it. */
  platform: string;
  /** As the devices name their kind. */
  kind: string;
  /** Devices of each process that functions are split over. Default 1. */
  devices?: number;
  /** Processes that compute together. Default 1. */
  processes?: number;
}

/** TensorFlow.js on devices that are not here: functions can be lowered, nothing can be computed. */
export interface Described {
  /** A tensor of a type, without values: an argument to lower a function for. */
  standIn(element: ElementType, shape: readonly number[]): tf.Tensor;
  /** A function's program for arguments of these shapes, as StableHLO, and the operations of its products. */
  lower<Args extends Record<string, Tree>>(
    fn: (args: Args) => Tree,
    args: Args,
    options?: JitOptions<Args>,
  ): { text: string; flops: number };
  close(): void;
}

/** A client whose devices nothing can be sent to. */
function absentClient({ platform, kind, devices = 1, processes = 1 }: DescribedOptions): Client {
  const absent = () => {
    throw new Error(
      `xla: ${kind} is only described here: a function can be lowered for it, but nothing runs`,
    );
  };
  const list = Array.from({ length: devices * processes }, (_, id) => ({
    id,
    kind,
    description: kind,
    hardwareId: -1,
    processIndex: Math.floor(id / devices),
    attributes: {},
    memory: () => undefined,
  }));
  return {
    platform,
    platformVersion: "described",
    apiVersion: "described",
    attributes: {},
    devices: list.slice(0, devices),
    globalDevices: list,
    processIndex: 0,
    compile: absent,
    compileAsync: absent,
    load: absent,
    loadAsync: absent,
    buffer: absent,
    counts: () => ({ buffers: 0, bytes: 0, executables: 0 }),
    close: () => {},
  };
}

/**
 * Makes devices that are not here TensorFlow.js's current backend, to see what programs they would get. Several of them
 * are split over by Shardy.
 *
 * @throws {Error} When the backend is already open in this process.
 */
export async function openDescribed(options: DescribedOptions): Promise<Described> {
  const client = absentClient(options), ids = client.globalDevices.map(({ id }) => id);
  const mesh = ids.length > 1
    ? { devices: client.devices, ids, first: 0, size: ids.length, shardy: true }
    : undefined;
  const backend: XlaBackend = await registerBackend(client, mesh);
  return {
    standIn: (element, shape) => {
      const { dataId } = backend.adoptType({ element, shape });
      return tf.engine().makeTensorFromDataId(dataId, [...shape], dtypeOf(element), backend);
    },
    lower: (fn, args, how) => lower(backend, fn, args, how),
    close: () => closeBackend(backend),
  };
}
