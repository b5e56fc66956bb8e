import assert from "node:assert/strict";
import { join } from "node:path";
import { openOutput, refuseInputs } from "../../src/cli/output_file.ts";
import { withFolder } from "../eval/toy.ts";

const names = (folder: string) => [...Deno.readDirSync(folder)].map(({ name }) => name).sort();

Deno.test("an output file is tried before the work and written after it", () =>
  withFolder(async (folder) => {
    const path = join(folder, "ä b.txt"), output = await openOutput(path);
    assert.deepEqual(names(folder), []);
    await output.write("one");
    await (await openOutput(path)).write(new TextEncoder().encode("two"));
    assert.equal(await Deno.readTextFile(path), "two");
    assert.deepEqual(names(folder), ["ä b.txt"]);
  }));

Deno.test("where nothing can be written it is said before the work, and what else can be done", () =>
  withFolder(async (folder) => {
    await Deno.writeTextFile(join(folder, "file"), "");
    const cases: [string, RegExp][] = [
      [folder, /: a folder has this name; name a file; take another$/],
      [join(folder, "none", "x"), /none\/x: no such file or folder; check the path; take another$/],
      [join(folder, "file", "x"), /file\/x: .*a part of this path is a file; take another$/],
    ];
    for (const [path, message] of cases) {
      await assert.rejects(openOutput(path, "take another"), (error: Error) => {
        assert.match(error.message, message);
        return true;
      });
    }
    assert.deepEqual(names(folder), ["file"]);
  }));

Deno.test("a file that is read is not written over, whatever it is called", () =>
  withFolder(async (folder) => {
    const file = join(folder, "file"), link = join(folder, "link"), none = join(folder, "none");
    await Deno.writeTextFile(file, "mine");
    await Deno.symlink(file, link);
    await refuseInputs(none, [file, none, undefined]);
    await refuseInputs(file, [folder, none]);
    for (const path of [file, link, join(folder, ".", "file")]) {
      await assert.rejects(
        refuseInputs(path, [none, file]),
        /: is read here and would be replaced; name another file$/,
      );
    }
  }));

Deno.test({
  name: "a link is followed, and a device stays one",
  ignore: Deno.build.os === "windows",
  fn: () =>
    withFolder(async (folder) => {
      const file = join(folder, "file"), link = join(folder, "link"), device = join(folder, "device");
      await Deno.writeTextFile(file, "old");
      await Deno.symlink(file, link);
      await Deno.symlink("/dev/null", device);
      for (const path of [link, device]) await (await openOutput(path)).write("new");
      assert.equal(await Deno.readTextFile(file), "new");
      assert.ok((await Deno.lstat(link)).isSymlink && (await Deno.lstat(device)).isSymlink);
      assert.ok((await Deno.stat(device)).isCharDevice);
    }),
});

Deno.test({
  name: "a link to where nothing is yet is followed too, from link to link",
  ignore: Deno.build.os === "windows",
  fn: () =>
    withFolder(async (folder) => {
      await Deno.mkdir(join(folder, "far", "in"), { recursive: true });
      await Deno.symlink(join(folder, "far", "in"), join(folder, "near"));
      // Beside the folder that the link is really in, which is not the one that its name says.
      await Deno.symlink("../made", join(folder, "far", "in", "second"));
      await Deno.symlink("near/second", join(folder, "first"));
      const first = join(folder, "first");
      await (await openOutput(first)).write("new");
      assert.equal(await Deno.readTextFile(join(folder, "far", "made")), "new");
      assert.ok((await Deno.lstat(first)).isSymlink);
      await Deno.symlink("none/made", join(folder, "lost"));
      await assert.rejects(openOutput(join(folder, "lost")), /lost: no such file or folder; check the path$/);
      assert.deepEqual(names(folder), ["far", "first", "lost", "near"]);
    }),
});
