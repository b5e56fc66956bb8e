/**
 * The environment of a child, for {@linkcode Deno.Command}: ours without the variables of the dynamic loader. A program that
 * may start only what it names is refused to start anything while a child would inherit one, and machines with graphics cards
 * often set `LD_LIBRARY_PATH`.
 *
 * @param more Variables beside those.
 * @returns Options. Where this program may not read its environment, the child inherits it as it is.
 */
export function childEnvironment(
  more: Record<string, string> = {},
): { env: Record<string, string>; clearEnv?: true } {
  let own: Record<string, string>;
  try {
    own = Deno.env.toObject();
  } catch {
    return { env: more };
  }
  const kept = Object.entries(own).filter(([name]) => !/^(LD|DYLD)_/.test(name));
  return { env: { ...Object.fromEntries(kept), ...more }, clearEnv: true };
}
