/** What `predict` and `detect predict` are named: files, folders, and which picture is which. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { openLines } from "../../src/cli/lines.ts";
import { openPictures } from "../../src/finetune/open_pictures.ts";
import { closeData } from "../../src/data/open/data.ts";
import { openData } from "../../src/data/open/open_data.ts";
import { pack } from "../../src/data/pack.ts";
import { colourFolder } from "../eval/toy.ts";
import { withFolder } from "../with_folder.ts";

const quiet = openLines({ write: () => {}, terminal: true });

/** The keys of all pictures, asked in the three ways that there are. */
async function keysOf(words: readonly string[]): Promise<string[]> {
  const source = await openPictures(words, quiet),
    indices = Array.from({ length: source.length }, (_, i) => i);
  try {
    const keys = await Promise.all(indices.map((i) => source.key(i)));
    assert.deepEqual((await Promise.all(indices.map((i) => source.get(i)))).map(({ key }) => key), keys);
    for (const i of indices) assert.equal(source.place?.(i)?.key ?? keys[i], keys[i]);
    return keys;
  } finally {
    await source.close();
  }
}

Deno.test("pictures of several folders, shards or splits are told apart; those of one have their names in it", () =>
  withFolder(async (folder) => {
    const a = await colourFolder(join(folder, "a"), 1, ["red"]),
      b = await colourFolder(join(folder, "b"), 1, ["red"]);
    const file = join(a, "red/0.png");
    assert.deepEqual(await keysOf([a]), ["red/0.png"]);
    assert.deepEqual(await keysOf([a, `${b}/`]), [`${a}/red/0.png`, `${b}/red/0.png`]);
    assert.deepEqual(await keysOf([file, b]), [file, `${b}/red/0.png`]);
    assert.deepEqual(await keysOf([`${a},${b}`]), [`${a}/red/0.png`, `${b}/red/0.png`]);
    const shards = join(folder, "shards");
    const data = await openData(a, { classes: false });
    await pack(data, shards);
    await closeData(data);
    assert.deepEqual(await keysOf([shards, b]), [`${shards}/red/0.png`, `${b}/red/0.png`]);
    await Deno.mkdir(join(folder, "set"));
    await Deno.rename(a, join(folder, "set/train"));
    await Deno.rename(b, join(folder, "set/test"));
    assert.deepEqual(
      (await keysOf([`${folder}/set#split=all`])).sort(),
      ["test", "train"].map((split) => `${folder}/set/${split}/red/0.png`),
    );
  }));
