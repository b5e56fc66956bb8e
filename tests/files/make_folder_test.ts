import assert from "node:assert/strict";
import { join } from "node:path";
import { makeFolder } from "../../src/files/make_folder.ts";
import { saveBest } from "../../src/train/run/best.ts";
import { openEventFile } from "../../src/train/run/event_file.ts";
import { withFolder } from "../with_folder.ts";

Deno.test("a folder that cannot be made is named in words, whoever makes it", () =>
  withFolder(async (folder) => {
    await makeFolder(join(folder, "a/b"));
    await makeFolder(join(folder, "a/b"));
    const file = join(folder, "file"), inside = join(file, "x");
    await Deno.writeTextFile(file, "");
    const message = (path: string) => `${path}: cannot write: Not a directory; a part of this path is a file`;
    await assert.rejects(makeFolder(inside), { message: message(inside) });
    await assert.rejects(openEventFile(inside, 0), { message: message(inside) });
    const best = { figure: "test top1", value: 1, on: "x" };
    await assert.rejects(saveBest(file, {} as never, {}, best), {
      message: message(join(file, "checkpoints")),
    });
  }));
