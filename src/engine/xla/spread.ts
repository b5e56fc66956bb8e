import { compiles } from "./pjrt/probe.ts";
import type { Mesh } from "./ir/types.ts";
import type { Buffer, Client, Device, Executable } from "./pjrt/types.ts";
import { alive, dataOf, type Entry, settled, typeOfEntry } from "./storage.ts";

/** Devices that programs are split over. */
export interface DeviceMesh extends Mesh {
  readonly devices: readonly Device[];
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
 * The first devices of a client as a mesh; none for one device.
 *
 * @throws When the client has fewer.
 */
export function meshOf(client: Client, count: number): DeviceMesh | undefined {
  const { devices, platform } = client;
  if (!Number.isInteger(count) || count < 1) {
    throw new RangeError(`xla: ${count} devices; at least 1 is needed`);
  }
  if (count > devices.length) {
    throw new RangeError(
      `xla: ${count} devices were asked for, but ${platform} has ${devices.length}: ` +
        devices.map(({ id, kind }) => `${id} (${kind})`).join(", "),
    );
  }
  if (count === 1) return undefined;
  const used = devices.slice(0, count);
  return { devices: used, size: count, shardy: knowsShardy(client, used) };
}

/** Whether the plugin splits by Shardy; those that do not know it split by GSPMD. */
function knowsShardy(client: Client, devices: readonly Device[]): boolean {
  const partitions = devices.length;
  return compiles(client, PROBE(partitions), {
    partitions,
    shardy: true,
    devices: devices.map(({ id }) => id),
  });
}

/** An entry's values on all devices of a mesh: a part of the first axis on each, or the whole on each. */
export function spreadOf(client: Client, mesh: DeviceMesh, entry: Entry, split: boolean): readonly Buffer[] {
  alive(entry);
  const { devices, size } = mesh, { spread } = entry;
  if (spread && spread.split === split && spread.buffers.length === size) return spread.buffers;
  const { element, shape } = typeOfEntry(entry);
  let buffers: Buffer[];
  if (split) {
    const data = dataOf(entry), step = data.byteLength / size;
    const part = [shape[0] / size, ...shape.slice(1)];
    buffers = devices.map((device, i) =>
      client.buffer(new Uint8Array(data.buffer, data.byteOffset + i * step, step), element, part, device)
    );
  } else if (entry.buffer) {
    buffers = devices.map((device, i) => i === 0 ? entry.buffer! : entry.buffer!.copyTo(device));
  } else {
    const data = dataOf(entry);
    buffers = devices.map((device) => client.buffer(data, element, shape, device));
    entry.buffer = buffers[0];
  }
  // Buffers of another spread are left to the collector: the same tensor may be an argument twice, in two ways.
  entry.spread = { split, buffers };
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
