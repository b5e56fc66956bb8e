import { PjrtError } from "./xla/pjrt/api.ts";
import type { NamedValues } from "./xla/pjrt/types.ts";

/** How much of a graphics card's memory an engine takes. Only XLA's plugins for graphics cards can be told. */
export interface MemoryOptions {
  /** The largest share of a card's memory that may be used, above 0 and at most 1. Default: the plugin's, 0.75. */
  memoryFraction?: number;
  /** Whether that share is taken at once (the plugin's default) or as it is needed. */
  preallocate?: boolean;
}

const NAMES = { memoryFraction: "a memory fraction", preallocate: "preallocation of memory" } as const;

/** What was requested, in words; undefined if nothing was. */
export function memoryWish(options: MemoryOptions): string | undefined {
  const keys = (Object.keys(NAMES) as (keyof MemoryOptions)[]).filter((key) => options[key] !== undefined);
  return keys.length > 0 ? keys.map((key) => NAMES[key]).join(" and ") : undefined;
}

/**
 * The options as XLA's plugins for graphics cards take them.
 *
 * @throws {RangeError} When the share is out of bounds.
 */
export function memoryValues({ memoryFraction, preallocate }: MemoryOptions): NamedValues {
  if (memoryFraction !== undefined && !(memoryFraction > 0 && memoryFraction <= 1)) {
    throw new RangeError(`a memory fraction of ${memoryFraction}; it must be above 0 and at most 1`);
  }
  return {
    ...(memoryFraction === undefined ? {} : { memory_fraction: { float: memoryFraction } }),
    ...(preallocate === undefined ? {} : { preallocate }),
  };
}

/** Explains a plugin's refusal of the options; returns any other error unchanged. */
export function refusedMemory(error: unknown, plugin: string, options: MemoryOptions): unknown {
  const wish = memoryWish(options);
  if (!wish || !(error instanceof PjrtError) || !/memory_fraction|preallocate/.test(error.message)) {
    return error;
  }
  return new Error(
    `${wish} cannot be set for the plugin ${plugin} (it says: ${error.message}): this is for graphics cards; ` +
      "leave out --memory-fraction and --preallocate",
    { cause: error },
  );
}
