import assert from "node:assert/strict";
import { join } from "node:path";
import fc from "npm:fast-check@4.10.2";
import { type Disk, SYSTEM_DISK } from "../../src/files/disk.ts";
import { isPartial, publishFile, publishFileSync, removePartial } from "../../src/files/publish.ts";
import { faultyDisk, fullDisk, systemError } from "./faulty_disk.ts";
import { withFolder } from "../with_folder.ts";

const OLD = "the old content", NEW = "the new content, which is longer";

const names = (folder: string) => [...Deno.readDirSync(folder)].map(({ name }) => name).sort();

/** Both ways to publish. */
const WAYS: ((path: string, content: string, disk: Disk) => Promise<void>)[] = [
  (path, content, disk) => publishFile(path, content, { disk }),
  // deno-lint-ignore require-await
  async (path, content, disk) => publishFileSync(path, content, { disk }),
];

Deno.test("publish: written beside, synced, renamed, and the folder synced, in this order", () =>
  withFolder(async (folder) => {
    for (const publish of WAYS) {
      const steps: string[] = [], path = join(folder, "file");
      await publish(path, NEW, faultyDisk((step) => steps.push(step)));
      assert.deepEqual(steps, ["list", "create", "lock", "look", "write", "sync", "rename", "sync folder"]);
      assert.equal(await Deno.readTextFile(path), NEW);
      assert.deepEqual(names(folder), ["file"]);
    }
  }));

Deno.test("publish: a process that dies before any step leaves the old file or the new one, and nothing that stays", () =>
  withFolder(async (folder) => {
    const path = join(folder, "file");
    const steps = fc.integer({ min: 0, max: 12 }),
      portions = fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1 });
    await fc.assert(
      fc.asyncProperty(
        steps,
        portions,
        fc.constantFrom(...WAYS),
        fc.boolean(),
        async (last, sizes, publish, there) => {
          for (const name of names(folder)) await Deno.remove(join(folder, name));
          if (there) await Deno.writeTextFile(path, OLD);
          let step = 0, writes = 0;
          const dying = faultyDisk(() => {
            // From here on nothing happens any more: no tidying up either.
            if (step++ >= last) throw new Error("killed");
          }, (bytes) => bytes.subarray(0, sizes[writes++ % sizes.length]));
          const killed = await publish(path, NEW, dying).then(() => false, () => true);
          const content = await Deno.readTextFile(path).catch(() => null);
          assert.ok(content === NEW || content === (there ? OLD : null), `${content}`);
          if (!killed) assert.equal(content, NEW);
          assert.ok(names(folder).filter((name) => name !== "file").every(isPartial));
          await publish(path, "the next", SYSTEM_DISK);
          assert.deepEqual(names(folder), ["file"]);
          assert.equal(await Deno.readTextFile(path), "the next");
        },
      ),
    );
  }));

Deno.test("publish: what fails leaves the old file and no rubbish, and says what to do", () =>
  withFolder(async (folder) => {
    const path = join(folder, "file");
    await Deno.writeTextFile(path, OLD);
    const failing = (at: string, error: Error) =>
      faultyDisk((step) => {
        if (step === at) throw error;
      });
    const cases: [Disk, RegExp][] = [
      [
        fullDisk("file"),
        /file: cannot write: no space is left on the device; make room or choose another place$/,
      ],
      [failing("write", systemError("EDQUOT", "x")), /your share of the disk is used up/],
      [failing("write", systemError("EFBIG", "x")), /larger than allowed here \(ulimit -f/],
      [failing("create", systemError("EROFS", "x")), /the file system is read-only/],
      [
        failing("create", new Deno.errors.PermissionDenied("x")),
        /no permission to write; check its owner and mode/,
      ],
      [
        failing("create", new Deno.errors.NotCapable("x")),
        /Deno may not write this; run with --allow-write=/,
      ],
      [
        failing("rename", systemError("EIO", "Input/output error")),
        /file: cannot write: Input\/output error$/,
      ],
    ];
    for (const [disk, words] of cases) {
      for (const publish of WAYS) {
        await assert.rejects(publish(path, NEW, disk), (error: Error) => {
          assert.match(error.message, words);
          assert.ok(error.message.startsWith(path) && error.cause);
          return true;
        });
        assert.deepEqual(names(folder), ["file"]);
        assert.equal(await Deno.readTextFile(path), OLD);
      }
    }
    await Deno.mkdir(join(folder, "taken"));
    await assert.rejects(
      publishFile(join(folder, "taken"), NEW),
      /taken: cannot write: a folder has this name/,
    );
    await assert.rejects(
      publishFile(join(folder, "none", "file"), NEW),
      /none\/file: no such file or folder/,
    );
    await assert.rejects(publishFile(join(path, "below"), NEW), /below: cannot write: Not a directory/);
    assert.deepEqual(names(folder), ["file", "taken"]);
  }));

Deno.test({
  name: "publish: a file beyond the system's limit leaves the old one",
  ignore: Deno.build.os === "windows",
  fn: () =>
    withFolder(async (folder) => {
      const path = join(folder, "file"), module = import.meta.resolve("../../src/files/publish.ts");
      await Deno.writeTextFile(path, OLD);
      const program = `import { publishFile } from ${JSON.stringify(module)};
        await publishFile(${
        JSON.stringify(path)
      }, new Uint8Array(3e6)).catch((error) => console.log(error.message));`;
      // Blocks of 1 KiB or of half of it. The signal that comes with the limit would end the process.
      const { stdout } = await new Deno.Command("bash", {
        args: [
          "-c",
          `trap '' XFSZ; ulimit -f 2000; exec "$0" eval --no-check "$1"`,
          Deno.execPath(),
          program,
        ],
      }).output();
      assert.match(
        new TextDecoder().decode(stdout),
        /cannot write: the file would be larger than allowed here/,
      );
      assert.deepEqual(names(folder), ["file"]);
      assert.equal(await Deno.readTextFile(path), OLD);
    }),
});

Deno.test("publish: leftovers of the same file go, those of others and what is being written stay", () =>
  withFolder(async (folder) => {
    for (const name of [".partial-file-0abc", ".partial-file", ".partial-other-1", ".partial-file-busy"]) {
      await Deno.writeTextFile(join(folder, name), "half");
    }
    // As another process does while it writes.
    using busy = await Deno.open(join(folder, ".partial-file-busy"), { write: true });
    assert.equal(await busy.tryLock(true), true);
    await publishFile(join(folder, "file"), NEW);
    assert.deepEqual(names(folder), [".partial-file-busy", ".partial-other-1", "file"]);
    await removePartial(folder);
    assert.deepEqual(names(folder), ["file"]);
  }));

Deno.test("publish: many at once to one name all succeed, and the file is one of them, whole", () =>
  withFolder(async (folder) => {
    const path = join(folder, "file"),
      contents = Array.from({ length: 20 }, (_, i) => String(i).repeat(50_000));
    await Promise.all(contents.map((content) => publishFile(path, content)));
    assert.deepEqual(names(folder), ["file"]);
    assert.ok(contents.includes(await Deno.readTextFile(path)));
  }));

Deno.test("publish: on a file system without locks files are published all the same", () =>
  withFolder(async (folder) => {
    await Deno.writeTextFile(join(folder, ".partial-file-x"), "perhaps somebody's");
    const disk = faultyDisk((step) => {
      if (step === "lock") throw systemError("ENOLCK", "No locks available");
    });
    for (const publish of WAYS) await publish(join(folder, "file"), NEW, disk);
    assert.deepEqual(names(folder), [".partial-file-x", "file"]);
  }));

Deno.test("publish: modes follow the umask, and long names have room", () =>
  withFolder(async (folder) => {
    const before = Deno.umask();
    try {
      for (const [umask, mode] of [[0o077, 0o600], [0o002, 0o664], [0o022, 0o644]]) {
        Deno.umask(umask);
        await publishFile(join(folder, "file"), NEW);
        assert.equal(Deno.statSync(join(folder, "file")).mode! & 0o777, mode);
      }
    } finally {
      Deno.umask(before);
    }
    const long = "ä".repeat(120) + ".png";
    await publishFile(join(folder, long), NEW);
    assert.deepEqual(names(folder), ["file", long]);
  }));
