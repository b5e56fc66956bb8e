/** Makes several_hosts.c, a plugin by which processes of one machine compute as several hosts. */
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { FUNCTIONS, NamedValue_Type, STRUCTS } from "../../../src/engine/xla/pjrt/layouts.ts";

/** The layouts for C. */
function header(): string {
  const lines = Object.entries(STRUCTS).flatMap(([name, { size, fields }]) => [
    `#define ${name}__SIZE ${size}`,
    ...Object.entries(fields).map(([field, [at]]) => `#define ${name}__${field} ${at}`),
  ]);
  lines.push(...Object.entries(FUNCTIONS).map(([name, at]) => `#define FN_${name} ${at}`));
  lines.push(...Object.entries(NamedValue_Type).map(([name, n]) => `#define NamedValue_Type__${name} ${n}`));
  return lines.join("\n") + "\n";
}

/** The C compiler of this machine; undefined where there is none, or the system is another. */
export function compiler(): string | undefined {
  if (Deno.build.os !== "linux") return undefined;
  for (const name of [Deno.env.get("CC"), "cc", "gcc", "clang"]) {
    if (!name) continue;
    try {
      if (new Deno.Command(name, { args: ["--version"] }).outputSync().success) return name;
    } catch {
      // The next one.
    }
  }
  return undefined;
}

/** Compiles the plugin into a folder and gives its path. */
export async function compilePlugin(folder: string): Promise<string> {
  await Deno.writeTextFile(join(folder, "layouts.h"), header());
  const source = fileURLToPath(new URL("./several_hosts.c", import.meta.url));
  const path = join(folder, "pjrt_several_hosts.so");
  const args = ["-O1", "-Wall", "-shared", "-fPIC", `-I${folder}`, "-o", path, source, "-ldl", "-lpthread"];
  const { success, stderr } = await new Deno.Command(compiler()!, { args }).output();
  if (!success) throw new Error(`several_hosts.c cannot be compiled: ${new TextDecoder().decode(stderr)}`);
  return path;
}
