/**
 * What NVIDIA's driver says of its cards, through its own library (NVML). It opens no context on a card and takes no memory
 * of it. The files of the system that say the same are closed to Deno's programs unless all is allowed to them.
 *
 * @module
 */

/** Cards and driver. */
export interface NvidiaSystem {
  /** The cards' models. */
  cards: string[];
  /** The driver's version, such as `580.159.04`. */
  driver: string;
}

const SYMBOLS = {
  nvmlInit_v2: { parameters: [], result: "i32" },
  nvmlShutdown: { parameters: [], result: "i32" },
  nvmlDeviceGetCount_v2: { parameters: ["buffer"], result: "i32" },
  nvmlDeviceGetHandleByIndex_v2: { parameters: ["u32", "buffer"], result: "i32" },
  nvmlDeviceGetName: { parameters: ["pointer", "buffer", "u32"], result: "i32" },
  nvmlSystemGetDriverVersion: { parameters: ["buffer", "u32"], result: "i32" },
} as const;

/** The library's names, by system. */
const NAMES: Partial<Record<typeof Deno.build.os, string>> = {
  linux: "libnvidia-ml.so.1",
  windows: "nvml.dll",
};

/** Bytes of a text that the library writes: more than its names and versions ever have. */
const TEXT = 128;

function open(name: string): Deno.DynamicLibrary<typeof SYMBOLS> | undefined {
  try {
    return Deno.dlopen(name, SYMBOLS);
  } catch {
    return undefined; // No driver, or foreign libraries are not allowed to this program.
  }
}

/** A text of C that ends at its first zero. */
function textOf(bytes: Uint8Array): string {
  const end = bytes.indexOf(0);
  return new TextDecoder().decode(bytes.subarray(0, end < 0 ? bytes.length : end)).trim();
}

/**
 * Asks the driver.
 *
 * @param library The library's name or path. Default: as the system has it.
 * @returns Undefined where there is no such library, or it does not answer.
 */
export function askNvidia(library = NAMES[Deno.build.os]): NvidiaSystem | undefined {
  const opened = library === undefined ? undefined : open(library);
  if (!opened) return undefined;
  const { symbols } = opened, done = (code: number) => code === 0;
  try {
    if (!done(symbols.nvmlInit_v2())) return undefined;
    try {
      const count = new Uint32Array(1), handle = new BigUint64Array(1), text = new Uint8Array(TEXT);
      const driver = done(symbols.nvmlSystemGetDriverVersion(text, TEXT)) ? textOf(text) : "";
      if (!done(symbols.nvmlDeviceGetCount_v2(new Uint8Array(count.buffer)))) return undefined;
      const cards = Array.from({ length: count[0] }, (_, i) => {
        if (!done(symbols.nvmlDeviceGetHandleByIndex_v2(i, new Uint8Array(handle.buffer)))) return undefined;
        const named = done(symbols.nvmlDeviceGetName(Deno.UnsafePointer.create(handle[0]), text, TEXT));
        return named ? textOf(text) : "NVIDIA card";
      });
      // A card that the driver has lost cannot be used.
      return { cards: cards.filter((card) => card !== undefined), driver };
    } finally {
      symbols.nvmlShutdown();
    }
  } finally {
    opened.close();
  }
}
