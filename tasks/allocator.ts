/**
 * Prints the library that a training's process should load first, for `LD_PRELOAD` in deno.json's tasks: the allocator
 * that XLA's steps are fastest with. Prints what `LD_PRELOAD` is already, where it is set, and nothing where there is no
 * such library. Fetches it the first time; never fails.
 */
import { canLoad, provideAllocator } from "../src/engine/install/allocator.ts";

if (import.meta.main) {
  const given = Deno.env.get("LD_PRELOAD"), path = given || await provideAllocator();
  if (path && (given || canLoad(path))) console.log(path);
}
