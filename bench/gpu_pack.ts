/**
 * Packs what is carried to a machine without Deno and without a network: Deno itself and the packages
 * that all tasks need. bench/carried.sh unpacks them. Prints what it made.
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
async function output(
  command: string,
  args: string[],
  how: Pick<Deno.CommandOptions, "cwd" | "env"> = {},
): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command(command, { args, ...how }).output();
  if (!success) throw new Error(`${command} ${args.join(" ")} failed: ${new TextDecoder().decode(stderr)}`);
  return new TextDecoder().decode(stdout);
}

/** As xz does, by Python's library, which the other machine has too. */
const COMPRESS = "import lzma, shutil, sys\n" +
  "with open(sys.argv[1], 'rb') as a, lzma.open(sys.argv[2], 'wb', preset=9) as b: shutil.copyfileobj(a, b)";

/** Files as tar and xz, by Python's library: root, list of relative paths on standard input, archive. */
const ARCHIVE = `import sys, tarfile
with tarfile.open(sys.argv[2], "w:xz", preset=6) as archive:
    for name in sys.stdin.read().split("\\n"):
        archive.add(f"{sys.argv[1]}/{name}", name)`;

/** Packages that some task or bench imports and that need a compiler, a browser or another system there. */
const NOT_CARRIED =
  /^(esbuild|@esbuild|wabt|jasmine-core|puppeteer-core|@puppeteer|chromium-bidi|devtools-protocol|zod|core-js|@types)\/|musl/;

/** What `deno info --json` says of a program, as far as it is used here. */
interface ProgramInfo {
  modules: { npmPackage?: string }[];
  npmPackages: Record<string, { name: string; dependencies: string[] }>;
}

/**
 * The names of the packages that programs import, and of all that these need. Names alone: TensorFlow.js requires a package
 * that it does not declare, and Deno gives it whichever version there is.
 *
 * @param cache Deno's folder in which they are.
 */
async function importedPackages(programs: string[], cache: string): Promise<Set<string>> {
  const found = new Set<string>();
  for (const program of programs) {
    const { modules, npmPackages } = JSON.parse(
      await output(Deno.execPath(), ["info", "--json", program], { env: { DENO_DIR: cache } }),
    ) as ProgramInfo;
    const keys = new Set(modules.flatMap(({ npmPackage }) => npmPackage ?? []));
    for (const key of keys) {
      const { name, dependencies } = npmPackages[key];
      found.add(name);
      for (const one of dependencies) keys.add(one);
    }
  }
  return found;
}

/**
 * Whether a file of the cache's packages is needed to run a task. Deno wants all packages that the lock file names, but
 * only looks whether they are there.
 */
function isCarried(path: string, imported: ReadonlySet<string>): boolean {
  if (/\/(package|registry)\.json$/.test(path)) return true;
  const [name] = /^(@[^/]+\/)?[^/]+/.exec(path) ?? [];
  if (name === undefined || !imported.has(name)) return false;
  if (NOT_CARRIED.test(path) || /\.(map|md|[cm]?ts)$/.test(path)) return false;
  return !path.startsWith("@tensorflow/") || /(\.node\.js|\.json|\.wasm)$/.test(path);
}

/** Fetches what the tasks need into an empty cache, and packs what of it they read. */
async function packTasks(root: string, archive: string): Promise<void> {
  const scratch = await Deno.makeTempDir(), tasks = join(root, "tasks");
  try {
    const names = (await Array.fromAsync(Deno.readDir(tasks))).filter(({ isFile }) => isFile);
    const programs = [join(root, "bench/main.ts"), ...names.map(({ name }) => join(tasks, name))];
    const args = ["cache", "--quiet", "--no-check", ...programs];
    const { success, stderr } = await new Deno.Command(Deno.execPath(), { args, env: { DENO_DIR: scratch } })
      .output();
    if (!success) throw new Error(`the packages cannot be fetched: ${new TextDecoder().decode(stderr)}`);
    const imported = await importedPackages(programs, scratch);
    const npm = join(scratch, "npm"), registries = await Array.fromAsync(Deno.readDir(npm));
    const files: string[] = [];
    for (const { name: registry } of registries) {
      const found = await output("find", [".", "-type", "f"], { cwd: join(npm, registry) });
      const paths = found.trim().split("\n").map((path) => path.slice(2));
      files.push(
        ...paths.filter((path) => isCarried(path, imported)).map((path) => `npm/${registry}/${path}`),
      );
    }
    const child = new Deno.Command(pythonName(), { args: ["-c", ARCHIVE, scratch, archive], stdin: "piped" })
      .spawn();
    await new Blob([files.join("\n")]).stream().pipeTo(child.stdin);
    if (!(await child.status).success) throw new Error(`${archive} cannot be written`);
  } finally {
    await Deno.remove(scratch, { recursive: true });
  }
}

export const benchTask = task({
  name: "bench gpu-pack",
  summary:
    "Packs what bench/gpu.sh and bench/carried.sh need on a machine with a card and without a network: Deno itself and " +
    "the packages of all tasks.",
  operands: {
    folder: { value: "FOLDER", help: "where it goes; else .gpu in the repository", optional: true },
  },
}, async ({ folder: given }, { print }) => {
  const root = fileURLToPath(new URL("../", import.meta.url));
  const folder = given ?? join(root, ".gpu"), python = pythonName();
  await Deno.mkdir(folder, { recursive: true });
  const packed = join(folder, "deno.xz"), made = join(folder, "deno.txt");
  if (await Deno.readTextFile(made).catch(() => "") !== DENO) {
    const scratch = await Deno.makeTempDir();
    try {
      const [{ filename }] = JSON.parse(await output("npm", ["pack", "--json", DENO], { cwd: scratch }));
      await output("tar", ["-xzf", filename, "package/deno"], { cwd: scratch });
      await output(python, ["-c", COMPRESS, join(scratch, "package/deno"), packed]);
      await Deno.writeTextFile(made, DENO);
    } finally {
      await Deno.remove(scratch, { recursive: true });
    }
  }
  await packTasks(root, join(folder, "tasks.tar.xz"));
  let sum = 0;
  for await (const { name } of Deno.readDir(folder)) {
    const { size } = await Deno.stat(join(folder, name));
    sum += size;
    print(`${join(folder, name)}  ${binaryBytes(size)}`);
  }
  if (sum > MOST) throw new Error(`${folder} has ${sum} bytes, more than the ${MOST} that are to be carried`);
  print("carry it with the repository, then: bench/gpu.sh, or bench/carried.sh deno task train …");
});
