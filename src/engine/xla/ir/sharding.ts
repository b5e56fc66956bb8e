/** How StableHLO text says what lies split over several devices: in Shardy's words or in GSPMD's. */
import type { Lay, Mesh } from "./types.ts";

/** Parts that a value is cut into along its first axis. */
export function partsOf(lay: Lay, { size, processes = 1 }: Mesh): number {
  return lay === "whole" ? 1 : lay === "rows" ? size : size / processes;
}

/** The module's head. */
export function meshText(mesh: Mesh): string[] {
  const { size, shardy, processes = 1 } = mesh;
  const head =
    `module @program attributes {mhlo.num_partitions = ${size} : i32, mhlo.num_replicas = 1 : i32} {`;
  const outer = processes > 1 ? `"process"=${processes}, ` : "";
  return shardy ? [head, `  sdy.mesh @mesh = <[${outer}"data"=${size / processes}]>`] : [head];
}

/** Axis by axis in Shardy's notation; the first one over devices, or none. */
function axes(rank: number, lay: Lay, { processes = 1 }: Mesh): string {
  const over = lay === "whole" ? "{}" : lay === "rows" && processes > 1 ? '{"process", "data"}' : '{"data"}';
  return `<@mesh, [${Array.from({ length: rank }, (_, axis) => axis === 0 ? over : "{}").join(", ")}]>`;
}

function gspmd(rank: number, lay: Lay, mesh: Mesh): string {
  if (lay === "whole") return `mhlo.sharding = "{replicated}"`;
  const { size, processes = 1 } = mesh, parts = partsOf(lay, mesh);
  const first = Array.from({ length: rank }, (_, axis) => axis === 0 ? parts : 1).join(",");
  return parts === size
    ? `mhlo.sharding = "{devices=[${first}]<=[${size}]}"`
    : `mhlo.sharding = "{devices=[${first},${processes}]<=[${processes},${parts}]T(1,0) last_tile_dim_replicate}"`;
}

/** The attribute of an argument or a result. */
export function shardingText(rank: number, lay: Lay, mesh: Mesh): string {
  return mesh.shardy ? `sdy.sharding = #sdy.sharding${axes(rank, lay, mesh)}` : gspmd(rank, lay, mesh);
}

/** The operation that says how a value lies. */
export function splitText(operand: string, type: string, rank: number, lay: Lay, mesh: Mesh): string {
  return mesh.shardy
    ? `sdy.sharding_constraint ${operand} ${axes(rank, lay, mesh)} : ${type}`
    : `stablehlo.custom_call @Sharding(${operand}) {${gspmd(rank, lay, mesh)}} : (${type}) -> ${type}`;
}
