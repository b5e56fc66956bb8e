import assert from "node:assert/strict";
import { join } from "node:path";
import { benchTask } from "../../bench/draw_masks.ts";
import { capture } from "../cli/capture.ts";
import { colourFolder, withFolder } from "../eval/toy.ts";

const names = (folder: string) => [...Deno.readDirSync(folder)].map(({ name }) => name).sort();

Deno.test("bench draw-masks: a set is there whole or not at all, and is not mixed with another", () =>
  withFolder(async (folder) => {
    const pictures = await colourFolder(join(folder, "photos"), 1, ["red"]), out = join(folder, "drawn");
    const draw = (...words: string[]) =>
      capture(benchTask, ["--pictures", pictures, "--out", out, "--size", "16", ...words]);
    await Deno.writeTextFile(join(pictures, "red", "0.png"), "no picture");
    const failed = await draw("--count", "3");
    assert.equal(failed.code, 1, failed.err);
    assert.deepEqual(names(folder), ["photos"], "nothing is left of what was begun");

    await colourFolder(pictures, 1, ["red"]);
    const drawn = await draw("--count", "3");
    assert.equal(drawn.code, 0, drawn.err);
    const files = ["00000.png", "00001.png", "00002.png"];
    assert.deepEqual([names(join(out, "images")), names(join(out, "masks"))], [files, files]);
    const again = await draw("--count", "2");
    assert.match(again.err, /drawn: exists already; nothing is overwritten/);
    assert.deepEqual([again.code, names(join(out, "images"))], [1, files]);
    assert.match((await draw("--seed", "4294967296")).err, /from 0 to 4294967295/);
  }));
