import assert from "node:assert/strict";
import { homedir } from "node:os";
import { join } from "node:path";
import { cacheFolder } from "../../src/files/cache_folder.ts";

/** What is found where these variables are set, and no others that count. */
function where<T>(variables: Record<string, string>, find: () => T): T {
  const names = ["SEMANTIC_AE_CACHE", "XDG_CACHE_HOME", "HOME"];
  const before = names.map((name) => [name, Deno.env.get(name)] as const);
  const set = (name: string, value?: string) =>
    value === undefined ? Deno.env.delete(name) : Deno.env.set(name, value);
  for (const name of names) set(name, variables[name]);
  try {
    return find();
  } finally {
    for (const [name, value] of before) set(name, value);
  }
}

const folderWhere = (variables: Record<string, string>, ...parts: string[]) =>
  where(variables, () => cacheFolder(...parts));

Deno.test("the cache lies where the nearest variable says, or at the user's home as the system knows it", () => {
  const all = { SEMANTIC_AE_CACHE: "/a b/c", XDG_CACHE_HOME: "/x", HOME: "/home/u" };
  assert.equal(folderWhere(all, "programs"), join("/a b/c", "programs"));
  assert.equal(folderWhere({ ...all, SEMANTIC_AE_CACHE: "" }), join("/x", "semantic-ae"));
  assert.equal(folderWhere({ HOME: "/home/u" }), join("/home/u", ".cache", "semantic-ae"));
  // Asked without HOME, too, which would else be the answer.
  assert.equal(folderWhere({}, "y"), join(where({}, homedir), ".cache", "semantic-ae", "y"));
});
