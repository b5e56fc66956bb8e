/**
 * Our environment for a child, without the variables of the dynamic loader. A program that may start only what it names is
 * refused to start anything while a child would inherit one, and machines with graphics cards often set `LD_LIBRARY_PATH`.
 * To be given together with `clearEnv: true`.
 *
 * @param more Variables beside those.
 */
export function childEnvironment(more: Record<string, string> = {}): Record<string, string> {
  const own = Object.entries(Deno.env.toObject()).filter(([name]) => !/^(LD|DYLD)_/.test(name));
  return { ...Object.fromEntries(own), ...more };
}
