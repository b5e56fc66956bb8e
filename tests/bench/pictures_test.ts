import assert from "node:assert/strict";
import { join } from "node:path";
import { sharedPictures, unpack } from "../../bench/whole_pictures.ts";
import { openSource } from "../../src/data/open/open_data.ts";
import { pack } from "../../src/data/pack.ts";
import { encodePng } from "../../src/data/picture/png.ts";
import { withFolder } from "../with_folder.ts";

/** A folder of small pictures. */
async function pictures(folder: string, count: number): Promise<string> {
  const path = join(folder, "photos");
  await Deno.mkdir(path);
  for (let n = 0; n < count; n++) {
    const picture = { width: 2, height: 2, data: new Uint8Array(12).fill(n) };
    await Deno.writeFile(join(path, `${n}.png`), encodePng(picture));
  }
  return path;
}

Deno.test("both sides read a folder where it is, and files of everything else", () =>
  withFolder(async (folder) => {
    const photos = await pictures(folder, 3), shards = join(folder, "shards");
    const source = await openSource(photos);
    await pack(source, shards);
    await source.close();
    const wanted = { demo: false, size: 8, parquet: true };
    const say = () => {};
    const where = { data: photos, scratch: join(folder, "a"), ...wanted };
    const same = await sharedPictures(where, say);
    assert.deepEqual([same.ours, same.peer], [await Deno.realPath(photos), await Deno.realPath(photos)]);
    const unpacked = await sharedPictures({ ...where, data: shards, scratch: join(folder, "b") }, say);
    assert.equal(unpacked.ours, unpacked.peer);
    const names = [...Deno.readDirSync(unpacked.peer)].map(({ name }) => name).sort();
    assert.deepEqual(names, ["000000.png", "000001.png", "000002.png"]);
    const first = await Deno.readFile(join(unpacked.peer, "000000.png"));
    assert.deepEqual(first, await Deno.readFile(join(photos, "0.png")));
  }));

Deno.test("only the first pictures are unpacked where so many are wanted", () =>
  withFolder(async (folder) => {
    const source = await openSource(await pictures(folder, 3)), to = join(folder, "first");
    assert.equal(await unpack(source, to, 2), 2);
    assert.equal([...Deno.readDirSync(to)].length, 2);
    await source.close();
  }));
