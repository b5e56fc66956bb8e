/**
 * Makes the demo's shards as `deno task train` does: demo_child.ts FOLDER TARBALLS INTEGRITY (as JSON). The packages
 * come piece by piece from a folder, not through npm. Runs in a process of its own, which the soak kills.
 */
import { join } from "node:path";
import { prepareDemo } from "../demo/mod.ts";
import type { Hand } from "../demo/select.ts";

/** Bytes of a tarball that come at once. */
const PIECE = 1 << 16;

if (import.meta.main) {
  const [folder, tarballs, integrity] = Deno.args;
  const download = async (hand: Hand, to: string): Promise<string> => {
    const bytes = await Deno.readFile(join(tarballs, `${hand}.tgz`)), path = join(to, `${hand}.tgz`);
    for (let at = 0; at < bytes.length; at += PIECE) {
      await Deno.writeFile(path, bytes.subarray(at, at + PIECE), { append: true });
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    return path;
  };
  try {
    const paths = await prepareDemo(console.log, {
      folder: join(folder, "emoji"),
      shards: join(folder, "shards"),
      download,
      integrity: JSON.parse(integrity) as Record<Hand, string>,
    });
    console.log(JSON.stringify(paths));
  } catch (error) {
    console.error(`error: ${(error as Error).message}`);
    Deno.exit(1);
  }
}
