/**
 * Packs what bench/gpu.sh carries to a machine without Deno and without a network: Deno itself and the benchmark as one
 * file. Prints what it made.
 */
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { task } from "../src/cli/command.ts";
import { binaryBytes } from "../src/text/amounts.ts";
import { pythonName } from "./peer.ts";

/** The Deno that is carried. */
const DENO = "@deno/linux-x64-glibc@2.9.6";
/** What a carried folder may have at most, in bytes. */
const MOST = 64 * 2 ** 20;

/** Runs a command and gives its output. */
async function output(command: string, args: string[], cwd?: string): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command(command, { args, cwd }).output();
  if (!success) throw new Error(`${command} ${args.join(" ")} failed: ${new TextDecoder().decode(stderr)}`);
  return new TextDecoder().decode(stdout);
}

/** TensorFlow.js asks for Node's modules by a name that no bundler sees. */
const REQUIRE =
  'import { createRequire } from "node:module";\nconst require = createRequire(import.meta.url);\n';

/** As xz does, by Python's library, which the other machine has too. */
const COMPRESS = "import lzma, shutil, sys\n" +
  "with open(sys.argv[1], 'rb') as a, lzma.open(sys.argv[2], 'wb', preset=9) as b: shutil.copyfileobj(a, b)";

export const benchTask = task({
  name: "bench gpu-pack",
  summary:
    "Packs what bench/gpu.sh carries to a machine with a card: Deno itself and the benchmark as one file.",
  operands: {
    folder: { value: "FOLDER", help: "where it goes; else .gpu in the repository", optional: true },
  },
}, async ({ folder: given }, { print }) => {
  const root = fileURLToPath(new URL("../", import.meta.url));
  const folder = given ?? join(root, ".gpu"), python = pythonName();
  await Deno.mkdir(folder, { recursive: true });
  // The program, with TensorFlow.js and all else inside.
  const bundle = ["bundle", "--quiet", "--platform", "deno", "--minify", "--keep-names"];
  const program = join(folder, "bench.js");
  await output(Deno.execPath(), [...bundle, "-o", program, join(root, "bench/gpu.ts")]);
  await Deno.writeTextFile(program, REQUIRE + await Deno.readTextFile(program));
  const packed = join(folder, "deno.xz"), made = join(folder, "deno.txt");
  if (await Deno.readTextFile(made).catch(() => "") !== DENO) {
    const scratch = await Deno.makeTempDir();
    try {
      const [{ filename }] = JSON.parse(await output("npm", ["pack", "--json", DENO], scratch));
      await output("tar", ["-xzf", filename, "package/deno"], scratch);
      await output(python, ["-c", COMPRESS, join(scratch, "package/deno"), packed]);
      await Deno.writeTextFile(made, DENO);
    } finally {
      await Deno.remove(scratch, { recursive: true });
    }
  }
  let sum = 0;
  for await (const { name } of Deno.readDir(folder)) {
    const { size } = await Deno.stat(join(folder, name));
    sum += size;
    print(`${join(folder, name)}  ${binaryBytes(size)}`);
  }
  if (sum > MOST) throw new Error(`${folder} has ${sum} bytes, more than the ${MOST} that are to be carried`);
  print("carry it beside the repository, then: bench/gpu.sh");
});
