import type { Client, CompileOptions } from "./types.ts";

/** Whether a plugin's compiler takes a program with these options: the way to find out what it knows. */
export function compiles(client: Client, program: string, options?: CompileOptions): boolean {
  try {
    client.compile(program, options).delete();
    return true;
  } catch {
    return false;
  }
}
