/**
 * What can be known of NVIDIA's cards without opening a plugin, which may take a second and most of a card's memory.
 *
 * @module
 */

import { askNvidia, type NvidiaSystem } from "./nvml.ts";

/** Files of the system that tell of NVIDIA's cards, for programs that may read them; another root is for tests. */
const ROOT = "/";

let asked: { system?: NvidiaSystem } | undefined;

/** What the driver says, once: cards do not come and go. Of another root nothing but its files counts. */
function told(root: string): NvidiaSystem | undefined {
  return root === ROOT ? (asked ??= { system: askNvidia() }).system : undefined;
}

function names(folder: string): string[] {
  try {
    return [...Deno.readDirSync(folder)].map(({ name }) => name).sort();
  } catch {
    return [];
  }
}

function text(path: string): string {
  try {
    return Deno.readTextFileSync(path);
  } catch {
    return "";
  }
}

function hidden(): boolean {
  try {
    const visible = Deno.env.get("CUDA_VISIBLE_DEVICES");
    return visible !== undefined && /^\s*(-1|NoDevFiles|)\s*(,|$)/i.test(visible);
  } catch {
    return false; // Without the permission to ask, what the system shows counts.
  }
}

/**
 * The NVIDIA cards that programs here may use, by their models' names where the driver tells them.
 *
 * Cards that `CUDA_VISIBLE_DEVICES` hides altogether, by an empty value or −1, are none.
 */
export function nvidiaCards(root = ROOT): string[] {
  if (hidden()) return [];
  const system = told(root);
  if (system) return system.cards;
  const devices = names(`${root}dev`).filter((name) => /^nvidia\d+$/.test(name));
  // Windows' subsystem for Linux has a device of its own for all cards, and brings the driver's library.
  if (devices.length === 0) {
    const windows = names(`${root}dev`).includes("dxg") &&
      names(`${root}usr/lib/wsl/lib`).includes("libcuda.so.1");
    return windows ? ["NVIDIA card (through Windows)"] : [];
  }
  const folder = `${root}proc/driver/nvidia/gpus`;
  const models = names(folder).map((name) =>
    /^Model:\s*(.+)$/m.exec(text(`${folder}/${name}/information`))?.[1]
  );
  return devices.map((_, i) => models[i]?.trim() ?? "NVIDIA card");
}

/** The first number of the NVIDIA driver's version, such as 580, or undefined where it is not told. */
export function nvidiaDriver(root = ROOT): number | undefined {
  const version = told(root)?.driver ??
    /\bKernel Module\b.*?\s(\d{3,}\.\d+)/.exec(text(`${root}proc/driver/nvidia/version`))?.[1];
  return version ? Number.parseInt(version) : undefined;
}

/** The newest CUDA for which we can fetch XLA's plugin and that the driver supports; 13 where that is not told. */
export function cudaFor(driver: number | undefined): 12 | 13 {
  return driver !== undefined && driver < 580 ? 12 : 13;
}
