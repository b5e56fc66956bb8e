/**
 * Installs a package as `deno task engine install` does: install_child.ts PACKAGE, as JSON. Runs in a process of its
 * own, which the soak kills.
 */
import { ensurePackage } from "../engine/install/install.ts";
import type { NativePackage } from "../engine/install/packages.ts";

if (import.meta.main) {
  try {
    console.log(await ensurePackage(JSON.parse(Deno.args[0]) as NativePackage));
  } catch (error) {
    console.error(`error: ${(error as Error).message}`);
    Deno.exit(1);
  }
}
