import { compiles } from "../pjrt/probe.ts";
import { partsOf } from "../ir/sharding.ts";
import type { Lay, Mesh } from "../ir/types.ts";
import { sizeOf } from "../ir/types.ts";
import { type Buffer, type Client, type Device, ELEMENT_BYTES, type Executable } from "../pjrt/types.ts";
import { alive, dataOf, type Entry, settled, typeOfEntry } from "../storage.ts";

/** Devices that programs are split over, of this process or of several. `size` counts all of them. */
export interface DeviceMesh extends Mesh {
  /** Those of this process. */
  readonly devices: readonly Device[];
  /** Numbers of all, in the order of the parts. */
  readonly ids: readonly number[];
  /** Where this process's devices begin among all. */
  readonly first: number;
}

/** The smallest program that is split over devices. */
const PROBE = (size: number) =>
  `module @probe attributes {mhlo.num_partitions = ${size} : i32, mhlo.num_replicas = 1 : i32} {
  sdy.mesh @mesh = <["data"=${size}]>
  func.func public @main(%x: tensor<${size}xf32> {sdy.sharding = #sdy.sharding<@mesh, [{"data"}]>})
      -> (tensor<${size}xf32> {sdy.sharding = #sdy.sharding<@mesh, [{}]>}) {
    return %x : tensor<${size}xf32>
  }
}`;

/**
 * Makes sure that a number is one of devices.
 *
 * @throws {RangeError} When it is not whole, or below 1.
 */
export function requireCount(count: number): void {
  if (!Number.isInteger(count) || count < 1) {
    throw new RangeError(`xla: ${count} devices; at least 1 is needed`);
  }
}

/**
 * The first devices of each process of a client as a mesh; none for one device.
 *
 * @param count Devices of each process.
 * @throws {Error} When a process has fewer.
 */
export function meshOf(client: Client, count: number): DeviceMesh | undefined {
  const { devices, platform, globalDevices, processIndex } = client;
  requireCount(count);
  if (count > devices.length) {
    throw new RangeError(
      `xla: ${count} devices were asked for, but ${platform} has ${devices.length}: ` +
        devices.map(({ id, kind }) => `${id} (${kind})`).join(", "),
    );
  }
  const processes = [...new Set(globalDevices.map((device) => device.processIndex))].sort((a, b) => a - b);
  const used = processes.map((index) =>
    globalDevices.filter((d) => d.processIndex === index).slice(0, count)
  );
  const short = used.findIndex((part) => part.length < count);
  if (short >= 0) {
    throw new RangeError(
      `xla: ${count} devices of each process were asked for, but process ${processes[short]} has ${
        used[short].length
      }`,
    );
  }
  const ids = used.flat().map(({ id }) => id);
  if (ids.length === 1) return undefined;
  const first = processes.length > 1 ? processes.indexOf(processIndex) * count : 0;
  return {
    devices: devices.slice(0, count),
    ids,
    first,
    size: ids.length,
    shardy: knowsShardy(client, ids),
  };
}

/** Whether the plugin splits by Shardy; those that do not know it split by GSPMD. */
function knowsShardy(client: Client, devices: readonly number[]): boolean {
  const partitions = devices.length;
  return compiles(client, PROBE(partitions), { partitions, shardy: true, devices: [...devices] });
}

/**
 * An entry's values on all devices of a mesh that this process has: a part of the first axis on each, or the whole on
 * each. Host data whose rows are to be split may be the whole or, with several processes, this one's rows alone.
 */
export function spreadOf(client: Client, mesh: DeviceMesh, entry: Entry, lay: Lay): readonly Buffer[] {
  alive(entry);
  const { devices, size, first } = mesh, { spread } = entry;
  const split = lay !== "whole", parts = split ? partsOf(lay, mesh) : size;
  const lies = spread && spread.split === split && (!split || spread.parts === parts);
  if (lies && spread.buffers.length === devices.length) return spread.buffers;
  const { element, shape } = typeOfEntry(entry);
  let buffers: Buffer[];
  if (split) {
    const data = dataOf(entry), part = [shape[0] / parts, ...shape.slice(1)];
    const step = ELEMENT_BYTES[element] * sizeOf(part);
    const start = data.byteLength === step * devices.length ? 0 : first * step;
    buffers = devices.map((device, i) =>
      client.buffer(
        new Uint8Array(data.buffer, data.byteOffset + start + i * step, step),
        element,
        part,
        device,
      )
    );
  } else if (entry.buffer) {
    buffers = devices.map((device, i) => i === 0 ? entry.buffer! : entry.buffer!.copyTo(device));
  } else {
    const data = dataOf(entry);
    buffers = devices.map((device) => client.buffer(data, element, shape, device));
    entry.buffer = buffers[0];
  }
  // Buffers of another layout are left to the garbage collector: a tensor may be an argument twice, in two layouts.
  entry.spread = { split, buffers, parts };
  settled(entry);
  return buffers;
}

/** Runs a program on its one device or on all; arguments and results are lists of each one's buffers by device. */
export function runOn(
  executable: Executable,
  args: readonly (readonly Buffer[])[],
  donated: readonly number[],
): Buffer[][] {
  const { devices } = executable;
  if (devices.length === 1) {
    return executable.execute(args.map(([buffer]) => buffer), donated).map((b) => [b]);
  }
  const lists = executable.executeSharded(devices.map((_, d) => args.map((buffers) => buffers[d])), donated);
  return lists[0].map((_, i) => lists.map((list) => list[i]));
}
