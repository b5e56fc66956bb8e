/**
 * Makes one module of TensorFlow.js's own op tests. tfjs-core's npm package carries them for the makers of backends, but
 * they are written for a bundler.
 */
import { join } from "node:path";
import * as esbuild from "npm:esbuild@0.25.11";

const CORE = "@tensorflow/tfjs-core@4.22.0";

/** Folders of tfjs-core and of what it needs, by package name. */
async function packageFolders(): Promise<Map<string, string>> {
  const command = new Deno.Command(Deno.execPath(), {
    args: ["info", "--json", `npm:${CORE}`],
    stderr: "piped",
  });
  const { success, stdout, stderr } = await command.output();
  if (!success) throw new Error(`deno info npm:${CORE} failed: ${new TextDecoder().decode(stderr)}`);
  const { npmPackages } = JSON.parse(new TextDecoder().decode(stdout)) as {
    npmPackages: Record<string, { name: string; localPath: string }>;
  };
  const folders = new Map(Object.values(npmPackages).map(({ name, localPath }) => [name, localPath]));
  folders.set("@tensorflow/tfjs-core", npmPackages[CORE].localPath);
  return folders;
}

/** Names of all test files under a folder, in order. */
function testFiles(folder: string, below = ""): string[] {
  return [...Deno.readDirSync(join(folder, below))].sort((a, b) => a.name < b.name ? -1 : 1).flatMap(
    (entry) => {
      const name = below ? `${below}/${entry.name}` : entry.name;
      if (entry.isDirectory) return testFiles(folder, name);
      return entry.name.endsWith("_test.js") ? [name] : [];
    },
  );
}

/** The global function that the bundle calls with the name of each test file before the file's own code. */
export const FILE_HOOK = "__conformanceFile";

/**
 * Bundles the op tests into an ES module.
 *
 * @param chosen says which test files, by names such as `add_test.js` and `image/transform_test.js`
 * @returns the module's code and the names of its files
 */
export async function bundleTests(
  chosen: (file: string) => boolean = () => true,
): Promise<{ code: string; files: string[] }> {
  const folders = await packageFolders();
  const dist = join(folders.get("@tensorflow/tfjs-core")!, "dist");
  const ops = join(dist, "ops");
  const files = testFiles(ops).filter(chosen);
  const inside: esbuild.Plugin = {
    name: "tfjs-tests",
    setup(build) {
      // jasmine_util wants jasmine only to set a timeout on a copy that nothing uses.
      build.onResolve({ filter: /^jasmine-core/ }, () => ({ path: "jasmine", namespace: "virtual" }));
      build.onLoad(
        { filter: /.*/, namespace: "virtual" },
        () => ({ contents: "module.exports = { core: () => ({}) };" }),
      );
      build.onResolve(
        { filter: /^(seedrandom|long)$/ },
        ({ path, resolveDir }) =>
          resolveDir === folders.get(path)
            ? undefined
            : build.resolve("./", { resolveDir: folders.get(path)!, kind: "require-call" }),
      );
      build.onLoad({ filter: /_test\.js$/ }, async ({ path }) => {
        const name = path.slice(ops.length + 1).replaceAll("\\", "/");
        return {
          contents: `globalThis.${FILE_HOOK}?.(${JSON.stringify(name)});\n${await Deno.readTextFile(path)}`,
        };
      });
    },
  };
  const settings = `
    import { setTestEnvs } from "./jasmine_util";
    setTestEnvs(globalThis.${FILE_HOOK}.environments);
  `;
  try {
    const { outputFiles } = await esbuild.build({
      stdin: {
        contents: [`import "settings";`, ...files.map((file) => `import "./ops/${file}";`)].join("\n"),
        resolveDir: dist,
      },
      bundle: true,
      write: false,
      format: "esm",
      platform: "node",
      mainFields: ["module", "main"],
      external: ["node-fetch", "util", "fs", "path", "crypto", "worker_threads", "string_decoder", "canvas"],
      // Side effects are all that test files have.
      ignoreAnnotations: true,
      banner: {
        js: `import { createRequire } from "node:module"; const require = createRequire("file:///");`,
      },
      logLevel: "error",
      plugins: [{
        name: "settings",
        setup(build) {
          build.onResolve({ filter: /^settings$/ }, () => ({ path: "settings", namespace: "settings" }));
          build.onLoad(
            { filter: /.*/, namespace: "settings" },
            () => ({ contents: settings, resolveDir: dist }),
          );
        },
      }, inside],
    });
    return { code: outputFiles![0].text, files };
  } finally {
    await esbuild.stop();
  }
}
