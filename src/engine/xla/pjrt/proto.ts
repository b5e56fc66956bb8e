import type { CompileOptions } from "./types.ts";

/** The few of protobuf's wire types that we write. */
const VARINT = 0, FIXED64 = 1, BYTES = 2;

function varint(out: number[], value: number | bigint): void {
  let rest = BigInt.asUintN(64, BigInt(value));
  while (rest > 0x7fn) {
    out.push(Number(rest & 0x7fn) | 0x80);
    rest >>= 7n;
  }
  out.push(Number(rest));
}

function integer(out: number[], field: number, value: number | bigint): void {
  varint(out, field << 3 | VARINT);
  varint(out, value);
}

function bytes(out: number[], field: number, value: ArrayLike<number>): void {
  varint(out, field << 3 | BYTES);
  varint(out, value.length);
  for (let i = 0; i < value.length; i++) out.push(value[i]);
}

function text(out: number[], field: number, value: string): void {
  bytes(out, field, new TextEncoder().encode(value));
}

function double(out: number[], field: number, value: number): void {
  varint(out, field << 3 | FIXED64);
  out.push(...new Uint8Array(new Float64Array([value]).buffer));
}

/**
 * Serializes options as XLA's CompileOptionsProto (field numbers from xla/pjrt/proto/compile_options.proto).
 *
 * `xlaFlags` become env_option_overrides, which XLA applies to this program's DebugOptions by name.
 * @throws {RangeError} When a count is below 1, or the devices are not as many as replicas and partitions need.
 */
export function compileOptionsProto(options: CompileOptions = {}): Uint8Array<ArrayBuffer> {
  const { replicas = 1, partitions = 1, shardy = false, xlaFlags = {}, devices } = options;
  for (const [name, count] of Object.entries({ replicas, partitions })) {
    if (!Number.isInteger(count) || count < 1) {
      throw new RangeError(`${name} must be a whole number ≥ 1, not ${count}.`);
    }
  }
  const build: number[] = [];
  integer(build, 1, -1); // device_ordinal: not set
  integer(build, 4, replicas);
  integer(build, 5, partitions);
  if (options.spmd ?? partitions > 1) integer(build, 6, 1);
  if (shardy) integer(build, 19, 1);
  if (devices) {
    if (devices.length !== replicas * partitions) {
      throw new RangeError(
        `${devices.length} devices for ${replicas} replicas × ${partitions} partitions; give ${
          replicas * partitions
        }.`,
      );
    }
    // DeviceAssignmentProto: one list of replicas for each partition.
    const assignment: number[] = [];
    integer(assignment, 1, replicas);
    integer(assignment, 2, partitions);
    for (let p = 0; p < partitions; p++) {
      const ids: number[] = [];
      for (let r = 0; r < replicas; r++) varint(ids, devices[r * partitions + p]);
      const computation: number[] = [];
      bytes(computation, 1, ids);
      bytes(assignment, 3, computation);
    }
    bytes(build, 9, assignment);
  }
  const out: number[] = [];
  bytes(out, 3, build);
  for (const [name, value] of Object.entries(xlaFlags)) {
    const override: number[] = [];
    if (typeof value === "string") text(override, 1, value);
    else if (typeof value === "boolean") integer(override, 2, value ? 1 : 0);
    else if (Number.isInteger(value)) integer(override, 3, value);
    else double(override, 4, value);
    const entry: number[] = [];
    text(entry, 1, name);
    bytes(entry, 2, override);
    bytes(out, 7, entry);
  }
  return new Uint8Array(out);
}
