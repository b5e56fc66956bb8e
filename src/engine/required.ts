/** Whether what a program hands over is what runs its tensors. */
import type { Engine } from "./types.ts";

/**
 * Refuses what is no opened engine.
 *
 * @throws {TypeError} When it is none: a name, or a promise of one.
 */
export function requireEngine(engine: Engine): void {
  if (typeof engine?.jit === "function" && typeof engine.bytes === "function") return;
  throw new TypeError("`engine` must be an opened engine, such as `await openEngine()` gives");
}
