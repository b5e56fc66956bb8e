import assert from "node:assert/strict";
import { join } from "node:path";
import { clearLeftovers, type Draft, type DraftStep, openDraft } from "../../src/files/draft.ts";
import { lockPlace } from "../../src/files/lock.ts";
import { withFolder } from "../with_folder.ts";

const names = (folder: string) => [...Deno.readDirSync(folder)].map(({ name }) => name).sort();

const FILES = ["a.txt", "deep/b.txt", "deep/er/c.txt"];

/** Writes a folder's files, all with the same content. */
async function fill({ path }: Pick<Draft, "path">, content: string): Promise<void> {
  await Deno.mkdir(join(path, "deep", "er"), { recursive: true });
  for (const file of FILES) await Deno.writeTextFile(join(path, file), content);
}

/** What a folder's files all hold; null where there is no folder. */
async function contentOf(folder: string): Promise<string | null> {
  if (!await Deno.stat(folder).catch(() => null)) return null;
  const contents = await Promise.all(FILES.map((file) => Deno.readTextFile(join(folder, file))));
  assert.equal(new Set(contents).size, 1, "the folder is whole");
  return contents[0];
}

Deno.test("draft: a process that dies before any step leaves no folder, the old or the new one, whole", () =>
  withFolder(async (folder) => {
    const dest = join(folder, "dest"), steps = ["make", "sync", "make way", "rename", "sync around", "clear"];
    for (const there of [false, true]) {
      for (const last of [...steps, "never"]) {
        await Deno.remove(dest, { recursive: true }).catch(() => {});
        if (there) await fill({ path: dest }, "old");
        const seen: DraftStep[] = [];
        const step = (name: DraftStep) => {
          seen.push(name);
          if (name === last) throw new Error("killed");
        };
        try {
          const draft = await openDraft(dest, { replace: true, step });
          await fill(draft, "new");
          await draft.publish();
        } catch (error) {
          assert.equal((error as Error).message, "killed");
        }
        assert.deepEqual(seen, steps.slice(0, last === "never" ? 6 : steps.indexOf(last) + 1));
        const content = await contentOf(dest);
        const wanted = ["sync around", "clear", "never"].includes(last)
          ? "new"
          : there && last !== "rename"
          ? "old"
          : null;
        assert.equal(content, wanted, `${last}, ${there}`);
        assert.ok(names(folder).every((name) => name === "dest" || /^\.dest\.(partial|old)$/.test(name)));

        const next = await openDraft(dest, { replace: true });
        await fill(next, "next");
        await next.publish();
        assert.equal(await contentOf(dest), "next");
        assert.deepEqual(names(folder), ["dest"]);
      }
    }
  }));

Deno.test("draft: nothing is replaced unasked, and what is discarded is gone", () =>
  withFolder(async (folder) => {
    const dest = join(folder, "dest");
    await fill({ path: dest }, "old");
    const draft = await openDraft(dest);
    await fill(draft, "new");
    await assert.rejects(draft.publish(), /dest: exists already, so nothing was put there/);
    await draft.discard();
    assert.deepEqual(names(folder), ["dest"]);
    assert.equal(await contentOf(dest), "old");
    await assert.rejects(openDraft(join(folder, "none", "dest")), /none\/dest: no such file or folder/);
    await assert.rejects(openDraft(join(dest, "a.txt", "dest")), /cannot write: Not a directory/);
  }));

Deno.test("draft: leftovers of this and of version 0.1 go, those of other names stay", () =>
  withFolder(async (folder) => {
    for (
      const name of [
        ".dest.partial",
        ".dest.partial-k3xz",
        ".dest.old",
        ".dest.partial-x.partial",
        ".dest2.partial",
      ]
    ) {
      await fill({ path: join(folder, name) }, "half");
    }
    const draft = await openDraft(join(folder, "dest"));
    assert.deepEqual(names(folder), [".dest.partial", ".dest.partial-x.partial", ".dest2.partial"]);
    assert.deepEqual(names(draft.path), []);
  }));

Deno.test("draft: the folder has the mode that the umask leaves", () =>
  withFolder(async (folder) => {
    const before = Deno.umask();
    try {
      for (const [umask, mode] of [[0o077, 0o700], [0o002, 0o775]]) {
        Deno.umask(umask);
        const draft = await openDraft(join(folder, "dest"), { replace: true });
        await draft.publish();
        assert.equal(Deno.statSync(join(folder, "dest")).mode! & 0o777, mode);
      }
    } finally {
      Deno.umask(before);
    }
  }));

Deno.test("draft: what a process left that died after publishing is cleared by whoever finds the folder made", () =>
  withFolder(async (folder) => {
    const dest = join(folder, "dest"), wheels = join(folder, ".wheels-dest");
    const leave = async () => {
      await fill({ path: dest }, "new");
      for (const name of [".dest.old", ".dest.partial", ".wheels-dest"]) {
        await Deno.mkdir(join(folder, name, "deep"), { recursive: true });
      }
    };
    await leave();
    await clearLeftovers(dest, [wheels]);
    assert.equal(names(folder).length, 4, "without a lock file nobody has died");
    const lock = await lockPlace(dest);
    await clearLeftovers(dest, [wheels]);
    assert.equal(names(folder).length, 5, "another is at work");
    await lock.release();
    await Deno.writeTextFile(join(folder, ".dest.lock"), "");
    await clearLeftovers(dest, [wheels]);
    assert.deepEqual(names(folder), ["dest"]);
    assert.equal(await contentOf(dest), "new");
    await clearLeftovers(join(folder, "nothing", "here"));
  }));
