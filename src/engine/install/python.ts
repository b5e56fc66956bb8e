import { join } from "node:path";
import { childEnvironment } from "../../files/child.ts";

/** The folders in which python3 looks for packages; none without python3. */
export async function pythonFolders(): Promise<string[]> {
  try {
    const args = ["-c", "import json, sys; print(json.dumps(sys.path))"];
    const how = { args, stderr: "null", ...childEnvironment() } as const;
    const { success, stdout } = await new Deno.Command("python3", how).output();
    const folders = success ? JSON.parse(new TextDecoder().decode(stdout)) as string[] : [];
    return folders.filter((folder) => folder !== "");
  } catch {
    return [];
  }
}

async function names(folder: string): Promise<string[]> {
  try {
    return (await Array.fromAsync(Deno.readDir(folder))).map(({ name }) => name).sort();
  } catch {
    return [];
  }
}

/**
 * PJRT plugins that Python packages have brought, such as jax_plugins/xla_cuda13.
 *
 * @param folders Folders of Python packages. Default: those that python3 names.
 */
export async function pythonPlugins(folders?: readonly string[]): Promise<string[]> {
  const found: string[] = [];
  for (const folder of folders ?? await pythonFolders()) {
    const packages = join(folder, "jax_plugins");
    for (const name of await names(packages)) {
      for (const file of await names(join(packages, name))) {
        if (/(plugin|pjrt).*\.(so|dylib|dll)$/.test(file)) found.push(join(packages, name, file));
      }
    }
    if ((await names(join(folder, "libtpu"))).includes("libtpu.so")) {
      found.push(join(folder, "libtpu", "libtpu.so"));
    }
  }
  return [...new Set(found)];
}
