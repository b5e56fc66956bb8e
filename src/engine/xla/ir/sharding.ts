/** How StableHLO text says what lies split over several devices: in Shardy's words or in GSPMD's. */
import type { Mesh } from "./types.ts";

/** The module's head. */
export function meshText({ size, shardy }: Mesh): string[] {
  const head =
    `module @program attributes {mhlo.num_partitions = ${size} : i32, mhlo.num_replicas = 1 : i32} {`;
  return shardy ? [head, `  sdy.mesh @mesh = <["data"=${size}]>`] : [head];
}

/** Axis by axis in Shardy's notation; the first one over all devices, or none. */
function axes(rank: number, split: boolean): string {
  const parts = Array.from({ length: rank }, (_, axis) => split && axis === 0 ? '{"data"}' : "{}");
  return `<@mesh, [${parts.join(", ")}]>`;
}

function gspmd(rank: number, split: boolean, { size }: Mesh): string {
  if (!split) return `mhlo.sharding = "{replicated}"`;
  const parts = Array.from({ length: rank }, (_, axis) => axis === 0 ? size : 1);
  return `mhlo.sharding = "{devices=[${parts.join(",")}]<=[${size}]}"`;
}

/** The attribute of an argument or a result: split along its first axis, or whole on each device. */
export function shardingText(rank: number, split: boolean, mesh: Mesh): string {
  return mesh.shardy ? `sdy.sharding = #sdy.sharding${axes(rank, split)}` : gspmd(rank, split, mesh);
}

/** The operation that says that a value lies split along its first axis. */
export function splitText(operand: string, type: string, rank: number, mesh: Mesh): string {
  return mesh.shardy
    ? `sdy.sharding_constraint ${operand} ${axes(rank, true)} : ${type}`
    : `stablehlo.custom_call @Sharding(${operand}) {${gspmd(rank, true, mesh)}} : (${type}) -> ${type}`;
}
