/** `file:///…` where a path is meant: a folder called `file:` is never made, and messages say the path. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { lockAblation } from "../../src/ablate/ablate.ts";
import { cocoEval } from "../../src/coco/coco_eval.ts";
import { fileChunks } from "../../src/data/io/reader/chunks.ts";
import { openDestination } from "../../src/files/destination.ts";
import { openSafetensors } from "../../src/files/safetensors.ts";
import { saveCheckpoint } from "../../src/train/run/checkpoint.ts";
import { lockRun } from "../../src/train/run/folder.ts";
import { withFolder } from "../with_folder.ts";

Deno.test("what is to be made is not made at an address, and what is read is told by its path", () =>
  withFolder(async (folder) => {
    const path = join(folder, "a b"), out = pathToFileURL(path).href, before = [...Deno.readDirSync(".")];
    const made = [
      () => openDestination(out),
      () => lockRun({ out, resume: false }),
      () => lockAblation(out),
      () => saveCheckpoint(out, { config: { seed: 0 } } as never, {}, { keep: 1 }),
    ];
    for (const make of made) {
      await assert.rejects(make(), { message: `${out}: an address, where a path is needed; write ${path}` });
    }
    assert.deepEqual([...Deno.readDirSync(".")], before);
    const message = `${out}: no such file or folder; a path is needed: write ${path}`;
    await assert.rejects(openSafetensors(out), { message });
    await assert.rejects(cocoEval(out, out), { message });
  }));

Deno.test("a folder where a file is read is told so, without the system's own words", () =>
  withFolder(async (folder) => {
    await assert.rejects(fileChunks(folder).next(), { message: `${folder}: cannot read: Is a directory` });
    await assert.rejects(
      openSafetensors(join(folder, "none")),
      /none: no such file or folder; check the path$/,
    );
  }));
