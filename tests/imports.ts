/** Which file of the repository imports which, read from the text. */
import { join, normalize } from "node:path/posix";
import { ROOT } from "./user.ts";

/** Files by their paths in the repository, each with others that it names. */
export type Graph = ReadonlyMap<string, readonly string[]>;

/** What a module's text names. */
export interface Named {
  /** Imports, re-exports, types (`import type`, `import("…")`) and dynamic imports. */
  imports: string[];
  /** Modules that are started as a worker or a process: `new URL("./worker.ts", import.meta.url)`. */
  starts: string[];
}

/** What a module's text names, comments left out. Names of packages are among it; own modules end in `.ts`. */
export function namesIn(text: string): Named {
  const code = text.replaceAll(/\/\*[^]*?\*\//g, "").replaceAll(/^\s*\/\/.*$/gm, "");
  const all = (...forms: RegExp[]) =>
    forms.flatMap((form) => Array.from(code.matchAll(form), ([, name]) => name));
  return {
    imports: all(
      /^\s*(?:import|export)\b[^;"'`]*?\bfrom\s*"([^"]+)"/gm,
      /^\s*import\s*"([^"]+)"/gm,
      /\bimport\(\s*"([^"]+)"\s*\)/g,
    ),
    starts: all(
      /\bnew URL\(\s*"(\.[^"]*)"\s*,\s*import\.meta\.url/g,
      /\bimport\.meta\.resolve\(\s*"(\.[^"]*)"/g,
    ),
  };
}

/** All modules in a folder of the repository, by their paths. */
export function* modulesIn(path: string): Generator<string> {
  for (const { name, isDirectory } of Deno.readDirSync(join(ROOT, path))) {
    if (isDirectory) yield* modulesIn(join(path, name));
    else if (name.endsWith(".ts")) yield join(path, name);
  }
}

/** The imports of mod.ts and of all modules in some folders, and the same with what they start. */
export function readImports(...folders: string[]): { imports: Graph; withStarts: Graph } {
  const files = ["mod.ts", ...folders.flatMap((folder) => [...modulesIn(folder)])];
  const read = (choose: (named: Named) => string[]): Graph =>
    new Map(files.map((file) => {
      const names = choose(namesIn(Deno.readTextFileSync(join(ROOT, file))));
      const own = names.filter((name) => name.startsWith(".") && name.endsWith(".ts"));
      return [file, [...new Set(own.map((name) => normalize(join(file, "..", name))))].sort()];
    }));
  return {
    imports: read(({ imports }) => imports),
    withStarts: read(({ imports, starts }) => [...imports, ...starts]),
  };
}

/** Groups of files that import each other in a circle (strongly connected components, Tarjan 1972), each sorted. */
export function circlesIn(imports: Graph): string[][] {
  const order = new Map<string, number>(), low = new Map<string, number>();
  const stack: string[] = [], circles: string[][] = [];
  const visit = (file: string) => {
    order.set(file, order.size);
    low.set(file, order.get(file)!);
    stack.push(file);
    for (const next of imports.get(file) ?? []) {
      if (!order.has(next)) visit(next);
      if (stack.includes(next)) low.set(file, Math.min(low.get(file)!, low.get(next)!));
    }
    if (low.get(file) !== order.get(file)) return;
    const circle = stack.splice(stack.indexOf(file));
    if (circle.length > 1 || imports.get(file)?.includes(file)) circles.push(circle.sort());
  };
  for (const file of imports.keys()) if (!order.has(file)) visit(file);
  return circles;
}

/** All that a file needs: what it imports, what that imports, and so on. */
export function reachedFrom(imports: Graph, files: Iterable<string>): Set<string> {
  const reached = new Set<string>(), open = [...files];
  for (let file = open.pop(); file !== undefined; file = open.pop()) {
    if (reached.has(file)) continue;
    reached.add(file);
    open.push(...imports.get(file) ?? []);
  }
  return reached;
}
