import assert from "node:assert/strict";
import { take } from "../../../src/data/iter.ts";
import { closeData, dataPassedOver } from "../../../src/data/open/data.ts";
import { openData, type OpenDataOptions } from "../../../src/data/open/open_data.ts";
import { describePassedOver } from "../../../src/data/sources/passed_over.ts";
import { identityName, personOf } from "../../../src/data/sources/people/names.ts";
import { streamBatches } from "../../../src/data/stream.ts";
import type { Source } from "../../../src/data/types.ts";
import { MARKET, personPicture, sysuFiles, writeMarket, writeSysu } from "../../reid/layouts.ts";
import { smallStream } from "../helpers.ts";
import { withFolder, writeFiles } from "../pictures.ts";
import { tarFile } from "../tar_writer.ts";

/** Keys and classes of all records. */
async function listed(uri: string, options: OpenDataOptions = {}): Promise<[string, string | undefined][]> {
  const data = await openData(uri, options);
  assert.ok(data.access === "random");
  const { source } = data, all: [string, string | undefined][] = [];
  for (let i = 0; i < source.length; i++) {
    const { key, label, bytes } = await source.get(i);
    assert.ok(bytes.length > 0);
    assert.equal(await source.key(i), key);
    all.push([key, label === undefined ? undefined : source.labels[label]]);
  }
  await source.close();
  return all;
}

Deno.test("names of pictures say person and camera", () => {
  const cases: [string, [number, number] | null, string | undefined][] = [
    ["0001_c1s1_000151_01.jpg", [1, 1], "0001"],
    ["gallery/000028311/000028311_c1_1.jpg", [28311, 1], "000028311"],
    ["0000others_c1_17", [0, 1], undefined],
    ["0000_c2s3_000151_01.jpg", [0, 2], undefined],
    ["-1_c6s3_000151_01.jpg", [-1, 6], undefined],
    ["0005_c12_f0046182.jpg", [5, 12], "0005"],
    ["0001_x1s1_000151_01.jpg", null, undefined],
    ["c1_0001.jpg", null, undefined],
    ["-2_c1s1.jpg", null, undefined],
    ["0001_c/1.jpg", null, undefined],
  ];
  for (const [name, person, identity] of cases) {
    assert.deepEqual(personOf(name), person && { identity: person[0], camera: person[1] }, name);
    assert.equal(identityName(name), identity, name);
  }
});

Deno.test("Market-1501: three parts, identities as classes, junk and distractors without", () =>
  withFolder(async (folder) => {
    await writeMarket(folder);
    await Deno.writeTextFile(`${folder}/bounding_box_test/Thumbs.db`, "");
    assert.deepEqual((await listed(`market:${folder}`)).map(([key]) => key), [
      "0002_c1s1_000451_03.png",
      "0002_c2s1_000301_01.png",
      "0007_c3s3_077419_03.png",
    ]);
    // Its folders tell it without a prefix, too.
    assert.deepEqual(await listed(folder), await listed(`market:${folder}`));
    assert.deepEqual(await listed(`market:${folder}#query`), [
      ["0001_c1s1_001051_00.png", "0001"],
      ["0003_c5s1_001051_00.png", "0003"],
    ]);
    const gallery = await listed(`market:${folder}#split=gallery`);
    assert.deepEqual(gallery.slice(0, 3), [
      ["-1_c1s1_000401_03.png", undefined],
      ["0000_c1s1_000151_01.png", undefined],
      ["0001_c1s1_002301_00.png", "0001"],
    ]);
    assert.equal(
      gallery.length,
      Object.keys(MARKET).filter((name) => name.startsWith("bounding_box_test")).length,
    );
    assert.deepEqual(await listed(`market:${folder}/bounding_box_test#gallery`), gallery);
    const data = await openData(`market:${folder}#gallery`);
    assert.match(describePassedOver(dataPassedOver(data)) ?? "", /1 file passed over: 1 \.db/);
    await closeData(data);

    const refused: [string, OpenDataOptions, RegExp][] = [
      [`market:${folder}`, { role: "test" }, /has two parts to be tested on; write #query behind the name/],
      [`market:${folder}#gallerie`, {}, /has no part "gallerie"; did you mean gallery\?/],
      [
        `market:${folder}/query`,
        {},
        /holds no folder bounding_box_train, where Market-1501 has its train pictures/,
      ],
      [`market:${folder}/nothing#query`, {}, /nothing: /],
    ];
    for (const [uri, options, message] of refused) await assert.rejects(openData(uri, options), message, uri);
  }));

Deno.test("SYSU-30k: test pictures by their lists, in the lists' order", () =>
  withFolder(async (folder) => {
    await writeSysu(folder);
    assert.deepEqual((await listed(`sysu:${folder}#query`)).map(([, label]) => label), [
      "000028311",
      "000028312",
      "000028313",
    ]);
    const names = [
      "0000others_c1_2.png",
      "gallery/000028312/000028312_c1_1.png",
      "000028311/000028311_c1_1.png",
    ];
    await Deno.writeTextFile(`${folder}/meta/gallery.txt`, `${names.join("\r\n")}\r\n\r\n${names[0]}\n`);
    assert.deepEqual(await listed(`sysu:${folder}#gallery`), [
      ["0000others/0000others_c1_2.png", undefined],
      ["000028312/000028312_c1_1.png", "000028312"],
      ["000028311/000028311_c1_1.png", "000028311"],
    ]);
    const data = await openData(`sysu:${folder}#gallery`);
    assert.match(
      describePassedOver(dataPassedOver(data)) ?? "",
      /4 pictures \(is not in gallery\.txt.*1 name \(stands more than once in gallery\.txt: 0000others_c1_2\.png/,
    );
    await closeData(data);
    // The lists may stand beside query and gallery, too.
    await Deno.rename(`${folder}/meta`, `${folder}/sysu_test_set_all/meta`);
    assert.equal((await listed(`sysu:${folder}/sysu_test_set_all#query`)).length, 3);
    await Deno.remove(`${folder}/sysu_test_set_all/meta`, { recursive: true });
    assert.equal((await listed(`sysu:${folder}#split=gallery&meta=none`)).length, 7);
  }));

Deno.test("SYSU-30k: what is missing or does not belong together is said", () =>
  withFolder(async (folder) => {
    await writeSysu(folder);
    const refused = async (uri: string, message: RegExp) => await assert.rejects(openData(uri), message, uri);
    await Deno.remove(`${folder}/meta/query.txt`);
    await refused(
      `sysu:${folder}#query`,
      /has no meta\/query\.txt, the list of the pictures that count as query \(looked in .*\); put it there, or take all pictures of the folder: #meta=none/,
    );
    await Deno.writeTextFile(
      `${folder}/meta/query.txt`,
      "000028311_c2_2.png\n000090001_c2_2.png\n000090002_c2_2.png\n",
    );
    await refused(
      `sysu:${folder}#query`,
      /query\.txt: names 2 pictures of 3 that .*query does not hold, such as 000090001_c2_2\.png; do they belong together\?/,
    );
    await Deno.writeTextFile(`${folder}/meta/query.txt`, "000090001_c2_2.png\n");
    await refused(`sysu:${folder}#query`, /names 1 pictures? of 1 that/);
    await Deno.writeTextFile(`${folder}/meta/query.txt`, "\n\n");
    await refused(`sysu:${folder}#query`, /query\.txt: names no pictures/);
    await refused(`sysu:${folder}#split=query&meta=all`, /meta is "all"; only none can be said of it/);
    await Deno.remove(`${folder}/sysu_test_set_all`, { recursive: true });
    await refused(
      `sysu:${folder}#gallery`,
      /holds no folder sysu_test_set_all\/gallery; unpack sysu_test_set_all\.tar there/,
    );
    await Deno.remove(`${folder}/sysu_train_set_all`, { recursive: true });
    await refused(`sysu:${folder}`, /holds neither a folder sysu_train_set_all nor its tars/);
  }));

Deno.test("SYSU-30k: training folders are an ordinary source without classes", () =>
  withFolder(async (folder) => {
    await writeSysu(folder, { folders: 3, pictures: 2 });
    await writeFiles(folder, {
      "sysu_train_set_all/0000000002/list.txt": new Uint8Array(),
      "sysu_train_set_all/0000000002/more/0000000002_9.png": personPicture(2, 9),
      "sysu_train_set_all/loose.png": personPicture(3, 9),
    });
    await Deno.mkdir(`${folder}/sysu_train_set_all/0000000000`);
    await Deno.mkdir(`${folder}/sysu_train_set_all/0000000009`);
    // A folder counts once, under its own name.
    await Deno.symlink("0000000001", `${folder}/sysu_train_set_all/0000000000a`);
    const all = await listed(`sysu:${folder}`);
    assert.deepEqual(
      all,
      [1, 2, 3].flatMap((n) => [1, 2].map((i) => [`000000000${n}/000000000${n}_${i}.png`, undefined])),
    );
    assert.deepEqual(await listed(`sysu:${folder}/sysu_train_set_all`), all);
    const data = await openData(`sysu:${folder}`), { source } = data as { source: Source };
    assert.match(
      describePassedOver(dataPassedOver(data)) ?? "",
      /1 \.png \(is in none of the folders: loose\.png\)/,
    );
    await assert.rejects(source.key(6), /record 6 is not one of 0 … 5/);
    await closeData(data);
  }));

Deno.test("SYSU-30k: the tars of its training set are streamed as they are, with the pictures of the folders", () =>
  withFolder(async (folder) => {
    const files = Object.entries(sysuFiles({ folders: 4, pictures: 2 }))
      .filter(([name]) => name.startsWith("sysu_train_set_all/"));
    for (const part of [0, 1]) {
      const entries = files.slice(4 * part, 4 * part + 4).map(([name, content]) => ({
        name,
        content: new Uint8Array(content),
      }));
      await Deno.writeFile(`${folder}/sysu_train_set_all_part${part + 1}.tar`, tarFile(entries));
    }
    const data = await openData(`sysu:${folder}`, { classes: false });
    assert.equal(data.access, "stream");
    const keys = new Set<string>();
    const batches = streamBatches(data, smallStream(16, { batchSize: 4, seed: 5, shuffleBuffer: 3 }));
    for await (const batch of take(batches, 2)) for (const key of batch.keys) keys.add(key);
    assert.deepEqual([...keys].sort(), files.map(([name]) => name.replace(".png", "")).sort());
    await closeData(data);

    const said: string[] = [];
    await Deno.mkdir(`${folder}/sysu_train_set_all/0000000001`, { recursive: true });
    await Deno.writeFile(`${folder}/sysu_train_set_all/0000000001/1.png`, personPicture(1, 1));
    const unpacked = await openData(`sysu:${folder}`, { progress: (line) => said.push(line) });
    assert.deepEqual([unpacked.access, said.length], ["random", 1]);
    assert.match(said[0], /takes the unpacked folders of sysu_train_set_all and leaves out 2 tars/);
    await closeData(unpacked);
  }));
