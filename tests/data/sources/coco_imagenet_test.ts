import assert from "node:assert/strict";
import fc from "npm:fast-check@4.10.2";
import { parseForeignJson } from "../../../src/data/io/foreign_text.ts";
import { openCoco } from "../../../src/data/sources/coco.ts";
import { openImagenet } from "../../../src/data/sources/imagenet.ts";
import { jsonElements } from "../../../src/data/sources/json_elements.ts";
import { safeRelative } from "../../../src/data/sources/picture_file.ts";
import type { Source } from "../../../src/data/types.ts";
import { fakeJpeg } from "../helpers.ts";
import { withFolder } from "../pictures.ts";

async function* inPieces(text: string, size: number): AsyncGenerator<Uint8Array> {
  const bytes = new TextEncoder().encode(text);
  for (let at = 0; at < bytes.length; at += size) yield await Promise.resolve(bytes.subarray(at, at + size));
}

async function elements(text: string, size: number, names = ["a", "b"]) {
  return (await Array.fromAsync(jsonElements("f.json", inPieces(text, size), names))).map((
    { name, value },
  ) => [name, value]);
}

Deno.test("json: elements of the wanted arrays, whatever stands beside them and however it is cut", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.jsonValue(),
      fc.array(fc.jsonValue(), { maxLength: 5 }),
      fc.array(fc.jsonValue(), { maxLength: 5 }),
      fc.constantFrom(undefined, 1),
      fc.integer({ min: 1, max: 40 }),
      async (other, a, b, indent, size) => {
        const text = JSON.stringify({ x: other, a, 'q"\\': [other], y: { a: [9] }, b, z: "a" }, null, indent);
        const got = await elements(text, size);
        const expected = [...a.map((value) => ["a", value]), ...b.map((value) => ["b", value])];
        assert.deepEqual(got, parseForeignJson(JSON.stringify(expected)));
      },
    ),
    { numRuns: 300 },
  );
  assert.deepEqual(await elements("{}", 3), []);
});

Deno.test("json: damage gives an error or other elements, never a hang", async () => {
  for (
    const [text, words] of [
      ["[1]", /not a JSON object \(byte 0\)/],
      ['{"a": [1, 2', /cut short/],
      ['{"a": [{"x": tru}]}', /no JSON before/],
      ["{} {}", /not a JSON object/],
      ["", /cut short/],
    ] as const
  ) {
    await assert.rejects(elements(text, 4), words);
  }
  const whole = JSON.stringify({ a: [{ x: [1, "y"] }, 2], b: ["z"] });
  await fc.assert(
    fc.asyncProperty(fc.nat({ max: whole.length - 1 }), fc.string({ maxLength: 3 }), async (at, text) => {
      try {
        await elements(whole.slice(0, at) + text + whole.slice(at + text.length), 7);
      } catch (error) {
        assert.equal((error as Error).name, "DamagedError");
      }
    }),
    { numRuns: 200 },
  );
});

async function write(folder: string, files: Record<string, string | Uint8Array>): Promise<void> {
  for (const [name, content] of Object.entries(files)) {
    const path = `${folder}/${name}`;
    await Deno.mkdir(path.slice(0, path.lastIndexOf("/")), { recursive: true });
    await Deno.writeFile(path, typeof content === "string" ? new TextEncoder().encode(content) : content);
  }
}

async function labelsOf(source: Source): Promise<[string, string | undefined][]> {
  const records = await Promise.all(Array.from({ length: source.length }, (_, i) => source.get(i)));
  const keys = await Promise.all(records.map((_, i) => source.key(i)));
  assert.deepEqual(records.map(({ key }) => key), keys);
  await source.close();
  return records.map(({ key, label }) => [key, label === undefined ? undefined : source.labels[label]]);
}

const COCO = JSON.stringify({
  info: { description: "x" },
  annotations: [
    { image_id: 30, category_id: 7, area: 10 },
    { image_id: 30, category_id: 2, area: 50, segmentation: [[1, 2, 3]] },
    { image_id: 30, category_id: 7, area: 20 },
    { image_id: 10, category_id: 7, bbox: [0, 0, 3, 4] },
  ],
  images: [
    { id: 30, file_name: "c.jpg" },
    { id: 10, file_name: "a.jpg" },
    { id: 20, file_name: "b.jpg" },
  ],
  categories: [{ id: 7, name: "dog" }, { id: 2, name: "cat" }],
});

Deno.test("json: as Python writes it, with a mark, and not in UTF-16", async () => {
  assert.deepEqual(await elements('\ufeff{"a": [{"area": NaN, "id": 12345678901234567890}, Infinity]}', 1), [
    ["a", { area: null, id: 12345678901234567890n }],
    ["a", Infinity],
  ]);
  await assert.rejects(elements("{'a': [1]}", 4), /not JSON \(byte 1\): single quotes, as Python/);
  await assert.rejects(elements("{\"a\": [{'x': 1}]}", 4), /no JSON before .* as Python shows an object/);
  const wide = (async function* () {
    yield await Promise.resolve(Uint8Array.of(0xff, 0xfe, 0x7b, 0, 0x7d, 0));
  })();
  await assert.rejects(
    Array.fromAsync(jsonElements("f.json", wide, ["a"])),
    /JSON in UTF-16; save it as UTF-8/,
  );
});

Deno.test("json: a wanted array that comes twice is refused, other names and inner ones may", async () => {
  for (const size of [1, 7, 100]) {
    await assert.rejects(elements('{"a": [1], "b": [2], "a": [3]}', size), {
      message: 'f.json: has a list "a" twice (byte 26); leave one of the two',
    });
    await assert.rejects(elements('{"a": [], "\\u0061": [3]}', size), /has a list "a" twice/);
    const inner = '{"c": [1], "a": [{"b": [1], "a": [2]}], "c": [4], "b": [3]}';
    assert.deepEqual(await elements(inner, size), [["a", { b: [1], a: [2] }], ["b", 3]]);
  }
});

Deno.test("coco: ids beyond 2^53 and texts, NaN areas, and annotations of what is not listed", async () => {
  await withFolder(async (folder) => {
    const annotations = `{
      "images": [{"id": 9007199254740993, "file_name": "a.jpg"}, {"id": 9007199254740992, "file_name": "b.jpg"},
        {"id": "x", "file_name": "c.jpg"}],
      "annotations": [
        {"image_id": 9007199254740993, "category_id": "cat", "area": NaN, "bbox": [0, 0, 5, 5]},
        {"image_id": 9007199254740992, "category_id": "dog", "area": 3},
        {"image_id": "x", "category_id": "emu", "area": 3},
        {"image_id": "77", "category_id": "dog"}, {"image_id": "x", "category_id": 7, "area": 4}, {"id": 5}],
      "categories": [{"id": "cat", "name": "crane"}, {"id": "dog", "name": "crane"}]}`;
    await write(folder, {
      "annotations/instances_p.json": annotations,
      "p/a.jpg": fakeJpeg(1),
      "p/b.jpg": fakeJpeg(2),
      "p/c.jpg": fakeJpeg(3),
    });
    const source = await openCoco(`${folder}/p`);
    assert.deepEqual(source.labels, ["crane", "crane"]);
    const labels = await Promise.all([0, 1, 2].map(async (i) => (await source.get(i)).label));
    assert.deepEqual(labels, [0, 1, undefined]);
    assert.deepEqual(source.passedOver?.().map(({ what, why, example }) => `${what} ${why}: ${example}`), [
      "annotation has no image_id or category_id: id 5",
      "label is of a category that the file does not list: category_id 7; it is a number, and ids there are texts",
      "annotated picture is not in the list of images: image_id 77; it is a text, and ids there are numbers",
    ]);
    await source.close();
  });
});

Deno.test("coco: pictures with the category of their largest object", async () => {
  await withFolder(async (folder) => {
    await write(folder, {
      "annotations/instances_train2017.json": COCO,
      "other.json": COCO.replaceAll("dog", "emu"),
      "train2017/a.jpg": fakeJpeg(1),
      "train2017/b.jpg": fakeJpeg(2),
      "train2017/c.jpg": fakeJpeg(3),
    });
    const source = await openCoco(`${folder}/train2017/`);
    assert.deepEqual(source.labels, ["cat", "dog"]);
    assert.deepEqual((await source.get(1)).bytes, fakeJpeg(1));
    assert.deepEqual(await labelsOf(source), [["c.jpg", "cat"], ["a.jpg", "dog"], ["b.jpg", undefined]]);
    const other = await openCoco(`${folder}/train2017`, { annotations: `${folder}/other.json` });
    assert.deepEqual(other.labels, ["cat", "emu"]);
    await assert.rejects(openCoco(folder), /name the folder of pictures in it, such as coco:.*train2017/);
    await assert.rejects(
      openCoco(`${folder}/val2017`),
      /no annotations; looked for .*instances_val2017\.json/,
    );
  });
});

Deno.test("coco: lists that do not fit their folder, and names that leave it", async () => {
  await withFolder(async (folder) => {
    const list = (images: unknown) => JSON.stringify({ images, annotations: [], categories: [] });
    await write(folder, {
      "p/a.jpg": fakeJpeg(1),
      "secret.jpg": fakeJpeg(9),
      "away.json": list([{ id: 1, file_name: "a.jpg" }, { id: 2, file_name: "../secret.jpg" }, {
        id: 3,
        file_name: "gone.jpg",
      }]),
      "wrong.json": list([{ id: 1, file_name: "x.jpg" }]),
      "empty.json": list([]),
      "nameless.json": list([{ id: 1 }]),
      "cut.json": COCO.slice(0, 100),
    });
    const open = (name: string) => openCoco(`${folder}/p`, { annotations: `${folder}/${name}.json` });
    const source = await open("away");
    await assert.rejects(source.get(1), /leads out of the folder/);
    await assert.rejects(
      source.get(2),
      (error: Error) => error.name === "BadRecordError" && /no such file/.test(error.message),
    );
    await assert.rejects(source.get(3), /record 3 is not one of/);
    await assert.rejects(
      open("wrong"),
      /has no x\.jpg, the first picture of .*wrong\.json, nor any other of its 1/,
    );
    await assert.rejects(open("empty"), /lists no images/);
    await assert.rejects(
      open("nameless"),
      /lists no images\. 1 image passed over: .*has no file_name or id: \{"id":1\}/,
    );
    await assert.rejects(open("cut"), /cut short/);
    await assert.rejects(open("missing"), /no such file/);
  });
  for (const name of ["../a", "a/../../b", "/a", "C:\\a", "a\\..\\b", "", "a\0b"]) {
    assert.ok(!safeRelative(name), name);
  }
  for (const name of ["a.jpg", "a/b..c/d.jpg", "..a"]) assert.ok(safeRelative(name), name);
});

Deno.test("imagenet: class folders, and the validation set with each kind of list", async () => {
  const pictures = { "val/V_1.JPEG": fakeJpeg(1), "val/V_2.JPEG": fakeJpeg(2), "val/V_3.JPEG": fakeJpeg(3) };
  const expected = [["V_1.JPEG", "n02"], ["V_2.JPEG", "n01"], ["V_3.JPEG", "n02"]];
  const lists: Record<string, string>[] = [
    { "val.txt": "V_2.JPEG n01\nV_1.JPEG n02\nV_3.JPEG n02\n" },
    {
      "LOC_val_solution.csv":
        "ImageId,PredictionString\nV_3,n02 1 2 3 4\nV_1,n02 1 2 3 4 n02 5 6 7 8\nV_2,n01 1 2 3 4\n",
    },
    { "imagenet_2012_validation_synset_labels.txt": "n02\r\nn01\r\nn02\r\n" },
    {
      "LOC_val_solution.csv":
        '"ImageId","PredictionString"\n"V_3","n02 1 2 3 4"\n"V_1","n02 1"\n"V_2","n01"\n',
    },
    { "val.txt": '"V_2.JPEG","n01"\n"V_1.JPEG","n02"\n"V_3.JPEG","n02"\n' },
    { "val.txt": "val\\V_2.JPEG n01\r\nval\\V_1.JPEG n02\r\nval\\V_3.JPEG n02\r\n" },
    { "val.txt": "V_1.JPEG 1\nV_2.JPEG 0\nV_3.JPEG 1\n", "synset_words.txt": "n01 tench, fish\nn02 dog\n" },
  ];
  for (const list of lists) {
    await withFolder(async (folder) => {
      await write(folder, { ...pictures, ...list });
      assert.deepEqual(await labelsOf(await openImagenet(`${folder}/val`)), expected);
    });
  }
  await withFolder(async (folder) => {
    const below = "ILSVRC/Data/CLS-LOC/val";
    const moved = Object.entries(pictures).map(([name, bytes]) => [name.replace("val", below), bytes]);
    await write(folder, { ...Object.fromEntries(moved), ...lists[1] });
    assert.deepEqual(
      await labelsOf(await openImagenet(`${folder}/${below}`)),
      expected,
      "as Kaggle hands it out",
    );
  });
  await withFolder(async (folder) => {
    await write(folder, { ...pictures, "val/../ILSVRC2012_validation_ground_truth.txt": "2\n1\n2\n" });
    const source = await openImagenet(`${folder}/val/`);
    assert.deepEqual((await labelsOf(source)).map(([, label]) => label), ["2", "1", "2"]);
    await write(folder, { "train/n02/b.JPEG": fakeJpeg(4), "train/n01/a.JPEG": fakeJpeg(5) });
    assert.deepEqual(await labelsOf(await openImagenet(`${folder}/train`)), [["n01/a.JPEG", "n01"], [
      "n02/b.JPEG",
      "n02",
    ]]);
    await assert.rejects(openImagenet(folder), /name one set, such as imagenet:.*train or imagenet:.*val/);
  });
});

Deno.test("imagenet: lists that do not match, folders that are none", async () => {
  await withFolder(async (folder) => {
    await write(folder, {
      "a/val/V_1.JPEG": fakeJpeg(1),
      "b/x/1.jpg": fakeJpeg(1),
      "b/2.jpg": fakeJpeg(2),
      "c/t.txt": "",
    });
    await assert.rejects(
      openImagenet(`${folder}/a/val`),
      /need the validation set's list; looked for val\.txt/,
    );
    await write(folder, { "list.txt": "V_9.JPEG 1\n", "lines.txt": "1\n2\n" });
    await assert.rejects(
      openImagenet(`${folder}/a/val`, { list: `${folder}/list.txt` }),
      /says nothing of V_1\.JPEG/,
    );
    await assert.rejects(
      openImagenet(`${folder}/a/val`, { list: `${folder}/lines.txt` }),
      /has 2 lines for 1 pictures/,
    );
    await assert.rejects(openImagenet(`${folder}/a/val`, { list: `${folder}/no.txt` }), /no such file/);
    await assert.rejects(
      openImagenet(`${folder}/b`),
      /both folders of classes \(1 pictures, such as x\/1\.jpg\) and pictures without a class \(1\)/,
    );
    await assert.rejects(openImagenet(`${folder}/c`), /no pictures/);
    await assert.rejects(openImagenet(`${folder}/nothing`), /no such file/);
  });
});

/** What was passed over, as short lines. */
const passedOf = (source: Source) =>
  source.passedOver!().map(({ what, why, count, example }) => `${count} ${what}: ${why}: ${example}`).sort();

Deno.test("coco: one bad image, a missing first picture and files beside the list refuse nothing and are told", async () => {
  await withFolder(async (folder) => {
    const images = [{ id: 1, file_name: "gone.jpg" }, { id: 2 }, { id: 3, file_name: "a.jpg" }, {
      id: 4,
      file_name: "caf\xe9.jpg",
    }];
    const latin = new TextEncoder().encode(
      JSON.stringify({ images: images.slice(0, 3), annotations: [], categories: [] }),
    );
    await write(folder, {
      "p/a.jpg": fakeJpeg(1),
      "p/extra.jpg": fakeJpeg(2),
      "p/deep/more.jpg": fakeJpeg(3),
      "p/notes.txt": "x",
      "list.json": latin,
      "latin.json": Uint8Array.from(
        JSON.stringify({ images: images.slice(2), annotations: [], categories: [] }),
        (c) => c.charCodeAt(0),
      ),
    });
    const source = await openCoco(`${folder}/p`, { annotations: `${folder}/list.json` });
    assert.deepEqual([source.length, await source.key(1)], [2, "a.jpg"]);
    await assert.rejects(source.get(0), /gone\.jpg: .*no such file/);
    assert.deepEqual(passedOf(source), [
      "1 .txt: : notes.txt",
      '1 image: has no file_name or id: {"id":2}',
      "2 .jpg: is not in the annotations: deep/more.jpg",
    ]);
    // Annotations that are not UTF-8: the picture is bad by its name, the others are read.
    const foreign = await openCoco(`${folder}/p`, { annotations: `${folder}/latin.json` });
    assert.equal(await foreign.key(1), "caf\\xE9.jpg");
    await assert.rejects(foreign.get(1), { name: "BadRecordError" });
    assert.equal((await foreign.get(0)).key, "a.jpg");
  });
});

Deno.test("imagenet: a picture that the list names twice, in two classes, has none", async () => {
  await withFolder(async (folder) => {
    const pictures = { "val/V_1.JPEG": fakeJpeg(1), "val/V_2.JPEG": fakeJpeg(2) };
    await write(folder, {
      ...pictures,
      "val.txt": "V_1.JPEG n01\nV_2.JPEG n02\nV_1.JPEG n02\nV_2.JPEG n02\n",
    });
    const source = await openImagenet(`${folder}/val`);
    assert.deepEqual(await labelsOf(source), [["V_1.JPEG", undefined], ["V_2.JPEG", "n02"]]);
    assert.deepEqual(passedOf(source), ["1 label: is stated twice, as different classes: V_1.JPEG"]);
  });
});

Deno.test("imagenet: one picture in a hundred that fits not is told, more are refused", async () => {
  await withFolder(async (folder) => {
    const names = Array.from({ length: 120 }, (_, i) => `V_${String(i).padStart(3, "0")}.JPEG`);
    const files = Object.fromEntries(names.map((name, i) => [`val/${name}`, fakeJpeg(i)]));
    const lines = names.map((name, i) => `${name} n0${i % 2}`);
    await write(folder, {
      ...files,
      "val/more/stray.jpg": fakeJpeg(1),
      "val/list.xml": "x",
      "val.txt": "\uFEFF" + lines.slice(0, -1).join("\r\n"),
      "short.txt": lines.slice(0, 100).join("\n"),
      "latin.txt": Uint8Array.of(0x56, 0xe9, 0x20, 0x31),
    });
    const source = await openImagenet(`${folder}/val`), labels = await labelsOf(source);
    assert.deepEqual([labels.length, labels[0], labels[119]], [120, ["V_000.JPEG", "n00"], [
      "V_119.JPEG",
      undefined,
    ]]);
    assert.deepEqual(passedOf(source), [
      "1 .xml: : list.xml",
      "1 label: is missing: the list says nothing of the picture: V_119.JPEG",
      "1 picture: is in a folder beside the flat set: more/stray.jpg",
    ]);
    assert.deepEqual(source.place!(119), {
      key: "V_119.JPEG",
      label: undefined,
      at: { path: `${folder}/val/V_119.JPEG` },
    });
    const open = (list: string) => openImagenet(`${folder}/val`, { list: `${folder}/${list}.txt` });
    await assert.rejects(open("short"), /says nothing of V_100\.JPEG and 19 others of 120 pictures/);
    await assert.rejects(open("latin"), /latin\.txt: is no text in UTF-8; save it as such/);
    const classes = Object.fromEntries(names.map((name, i) => [`train/n0${i % 2}/${name}`, fakeJpeg(i)]));
    await write(folder, { ...classes, "train/thumb.png": fakeJpeg(1) });
    const train = await openImagenet(`${folder}/train`);
    assert.deepEqual([train.length, train.labels], [120, ["n00", "n01"]]);
    assert.deepEqual(passedOf(train), ["1 picture: is in no class's folder: thumb.png"]);
  });
});
