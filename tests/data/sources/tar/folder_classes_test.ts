import assert from "node:assert/strict";
import { gzipSync } from "node:zlib";
import { collect } from "../../../../src/data/open/collect.ts";
import { openData, type OpenDataOptions } from "../../../../src/data/open/open_data.ts";
import { fakeJpeg } from "../../helpers.ts";
import { withFolder } from "../../pictures.ts";
import { type Entry, tarFile } from "../../tar_writer.ts";

const picture = (name: string): Entry => ({ name, content: fakeJpeg(1) });

/** Classes of an archive's pictures, by their keys' last parts. */
async function classesOf(uri: string, options: OpenDataOptions = {}) {
  const source = await collect(await openData(uri, options));
  try {
    const found: Record<string, string | null> = {};
    for (let i = 0; i < source.length; i++) {
      const { key, label } = await source.get(i);
      found[key.split("/").at(-1)!] = label === undefined ? null : source.labels[label];
    }
    return { labels: [...source.labels].sort(), found };
  } finally {
    await source.close();
  }
}

Deno.test("tar: folders are classes where nothing else names some, by index and in a stream", async () => {
  await withFolder(async (folder) => {
    const cases: [name: string, members: Entry[], found: Record<string, string | null>, split?: string][] = [
      ["plain", ["dogs/1.jpg", "cats/2.jpg"].map(picture), { 1: "dogs", 2: "cats" }],
      ["dot", ["./dogs/1.jpg", "./cats/2.jpg"].map(picture), { 1: "dogs", 2: "cats" }],
      ["root", ["flowers/rose/1.jpg", "flowers/tulip/2.jpg"].map(picture), { 1: "rose", 2: "tulip" }],
      [
        "split",
        ["set/train/cat/1.jpg", "set/train/dog/2.jpg", "set/val/cat/3.jpg"].map(picture),
        { 1: "cat", 2: "dog", 3: "cat" },
        "#split=all",
      ],
      [
        "tiny",
        ["t/train/n1/images/1.jpg", "t/train/n2/images/2.jpg", "t/val/n1/images/3.jpg"].map(picture),
        { 1: "n1", 2: "n2" },
        "#split=train",
      ],
      // Label files go before folders, even where some pictures have none.
      [
        "labels",
        [picture("a/1.jpg"), { name: "a/1.cls", content: "red" }, picture("b/2.jpg")],
        { 1: "red", 2: null },
      ],
      // JSON that says nothing of classes leaves the folders.
      [
        "captions",
        [picture("a/1.jpg"), { name: "a/1.json", content: '{"caption":"x"}' }, picture("b/2.jpg")],
        { 1: "a", 2: "b" },
      ],
      // ImageNet's archives of one class each, one behind the other.
      ["synsets", ["n01440764_1.JPEG", "n01443537_2.JPEG"].map(picture), {
        n01440764_1: "n01440764",
        n01443537_2: "n01443537",
      }],
      ["flat", ["1.jpg", "2.jpg"].map(picture), { 1: null, 2: null }],
    ];
    for (const [name, members, found, split = ""] of cases) {
      await Deno.writeFile(`${folder}/${name}.tar`, tarFile(members));
      await Deno.writeFile(`${folder}/${name}.tgz`, gzipSync(tarFile(members)));
      const labels = [...new Set(Object.values(found))].filter((one) => one !== null).sort();
      for (const ending of ["tar", "tgz"]) {
        assert.deepEqual(
          await classesOf(`${folder}/${name}.${ending}${split}`),
          { labels, found },
          `${name}.${ending}`,
        );
      }
    }
    // As in ImageNet's folders, whose pictures have the synset in their names, too.
    await Deno.writeFile(
      `${folder}/imagenet.tar`,
      tarFile(["i/n01440764/n01440764_1.JPEG", "i/n01443537/n01443537_2.JPEG"].map(picture)),
    );
    assert.deepEqual((await classesOf(`${folder}/imagenet.tar`)).labels, ["n01440764", "n01443537"]);
    // Where splits are said to be none, they are classes.
    assert.deepEqual((await classesOf(`${folder}/split.tar#split=none`)).labels, ["train", "val"]);
    // One folder is no class, and pictures beside folders have none.
    await Deno.writeFile(`${folder}/one.tar`, tarFile(["set/1.jpg", "set/2.jpg"].map(picture)));
    assert.deepEqual((await classesOf(`${folder}/one.tar`)).labels, []);
    await Deno.writeFile(`${folder}/some.tar`, tarFile(["s/0.jpg", "s/a/1.jpg", "s/b/2.jpg"].map(picture)));
    assert.deepEqual((await classesOf(`${folder}/some.tar`)).found, { 0: null, 1: "a", 2: "b" });
  });
});

Deno.test("tar: folders of several shards are classes together, in the order of a list that names them", async () => {
  await withFolder(async (folder) => {
    await Deno.writeFile(`${folder}/s-0.tar`, tarFile(["cats/1.jpg"].map(picture)));
    await Deno.writeFile(`${folder}/s-1.tar`, tarFile(["dogs/2.jpg"].map(picture)));
    await Deno.writeFile(`${folder}/s.tgz`, gzipSync(tarFile(["cats/1.jpg", "dogs/2.jpg"].map(picture))));
    assert.deepEqual((await classesOf(`${folder}/s-{0,1}.tar`)).found, { 1: "cats", 2: "dogs" });
    const lists = [["dogs", "bird", "cats"], ["bird", "dogs"]];
    const [all, part] = await Promise.all(
      lists.map(async (labels) => {
        const source = await collect(await openData(`${folder}/s-{0,1}.tar`, { labels }));
        const numbers = [(await source.get(0)).label, (await source.get(1)).label];
        await source.close();
        return { labels: source.labels, numbers };
      }),
    );
    assert.deepEqual(all, { labels: lists[0], numbers: [2, 0] });
    // A list of other classes is not theirs.
    assert.deepEqual(part, { labels: ["cats", "dogs"], numbers: [0, 1] });
    assert.deepEqual((await classesOf(`${folder}/s.tgz`, { labels: lists[0] })).found, {
      1: "cats",
      2: "dogs",
    });
  });
});
