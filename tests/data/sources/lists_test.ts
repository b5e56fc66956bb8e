/** Lists beside pictures, as data sets lay them. */
import assert from "node:assert/strict";
import { closeData } from "../../../src/data/open/data.ts";
import { openData, type OpenDataOptions } from "../../../src/data/open/open_data.ts";
import { fakeJpeg, fixture } from "../helpers.ts";
import { withFolder, writeFiles } from "../pictures.ts";

/** Pictures, and texts by their names. */
interface Layout {
  pictures: string[];
  lists: Record<string, string>;
}

async function lay(folder: string, { pictures, lists }: Layout): Promise<void> {
  const encoder = new TextEncoder();
  await writeFiles(folder, {
    ...Object.fromEntries(pictures.map((name, i) => [name, fakeJpeg(i, 60)])),
    ...Object.fromEntries(Object.entries(lists).map(([name, text]) => [name, encoder.encode(text)])),
  });
}

/** The pictures of a source with their classes, `1.jpg cat`; and what was said. */
async function look(uri: string, options: OpenDataOptions = {}) {
  const said: string[] = [], data = await openData(uri, { ...options, progress: (line) => said.push(line) });
  assert.ok(data.access === "random");
  const { source } = data, found: string[] = [];
  for (let i = 0; i < source.length; i++) {
    const { key, label } = await source.get(i), place = source.place?.(i);
    if (place?.label !== undefined) assert.equal(place.label, label);
    found.push(label === undefined ? key : `${key} ${source.labels[label]}`);
  }
  await closeData(data);
  return { found, said: said.join("\n") };
}

const numbered = (count: number) => Array.from({ length: count }, (_, i) => i);

const CUB: Layout = {
  pictures: ["images/001.A/A_1.jpg", "images/001.A/A_2.jpg", "images/002.B/B_1.jpg", "images/002.B/B_2.jpg"],
  lists: {
    "images.txt": "1 001.A/A_1.jpg\n2 001.A/A_2.jpg\n3 002.B/B_1.jpg\n4 002.B/B_2.jpg\n",
    "train_test_split.txt": "1 0\n2 1\n3 1\n4 0\n",
    "image_class_labels.txt": "1 1\n2 1\n3 2\n4 2\n",
    "classes.txt": "1 001.A\n2 002.B\n",
  },
};

const VOC: Layout = {
  pictures: numbered(6).map((i) => `JPEGImages/2007_0${i}.jpg`),
  lists: {
    "ImageSets/Main/train.txt": "2007_00\n2007_01\n",
    "ImageSets/Main/val.txt": "2007_02\n2007_03\n2007_04\n",
    "ImageSets/Main/trainval.txt": numbered(5).map((i) => `2007_0${i}\n`).join(""),
    "ImageSets/Main/cat_train.txt": "2007_00 -1\n2007_01  1\n",
    "ImageSets/Main/cat_val.txt": "2007_02 -1\n2007_03  1\n2007_04  1\n",
    "ImageSets/Segmentation/train.txt": "2007_02\n",
    "ImageSets/Segmentation/val.txt": "2007_01\n",
  },
};

const FOOD: Layout = {
  pictures: ["images/pie/1.jpg", "images/pie/2.jpg", "images/soup/1.jpg", "images/soup/4.jpg"],
  lists: {
    "meta/train.txt": "pie/1\nsoup/1\n",
    "meta/test.txt": "pie/2\nsoup/4\n",
    "meta/classes.txt": "pie\nsoup\n",
  },
};

/** What is taken by default, and what of it. */
const LAYOUTS: [name: string, layout: Layout, inside: string, found: string[], by: RegExp][] = [
  ["CUB", CUB, "", ["images/001.A/A_2.jpg 001.A", "images/002.B/B_1.jpg 002.B"], /by train_test_split.txt/],
  ["CUB", CUB, "/images", ["001.A/A_2.jpg 001.A", "002.B/B_1.jpg 002.B"], /by \.\.\/train_test_split.txt/],
  ["VOC", VOC, "/JPEGImages", ["2007_00.jpg", "2007_01.jpg"], /leaves out validation \(3\), 1 picture of no/],
  [
    "Food-101",
    FOOD,
    "",
    ["images/pie/1.jpg pie", "images/soup/1.jpg soup"],
    /by meta\/test.txt, meta\/train/,
  ],
  ["Food-101", FOOD, "/images", ["pie/1.jpg pie", "soup/1.jpg soup"], /split train \(2 pictures\)/],
  [
    "SUN397",
    {
      pictures: ["a/abbey/sun_1.jpg", "a/apse/indoor/sun_2.jpg", "b/bar/sun_3.jpg"],
      lists: { "Training_01.txt": "/a/abbey/sun_1.jpg\n", "Testing_01.txt": "/a/apse/indoor/sun_2.jpg\n" },
    },
    "",
    ["a/abbey/sun_1.jpg abbey"],
    /leaves out test \(1\), 1 picture of no split/,
  ],
  [
    "CelebA",
    {
      pictures: ["img/000001.jpg", "img/000002.jpg", "img/000003.jpg"],
      lists: {
        "list_eval_partition.txt": "000001.jpg 0\n000002.jpg 1\n000003.jpg 2\n",
        "list_attr_celeba.txt": "3\nBald Young\n000001.jpg -1 1\n000002.jpg 1 1\n000003.jpg -1 -1\n",
      },
    },
    "/img",
    ["000001.jpg"],
    /validation \(1\), test \(1\)/,
  ],
  [
    "tables of splits and classes",
    {
      pictures: ["1.png", "2.png", "3.png"],
      lists: {
        "metadata.csv":
          'file_name,label,split,text\r\n1.png,cat,train,"a, ""b""\nc"\r\n2.png,dog,train,x\r\n3.png,cat,test,y\r\n',
      },
    },
    "",
    ["1.png cat", "2.png dog"],
    /by metadata.csv[^]*takes the classes of metadata.csv/,
  ],
  [
    "JSON lines in each split's folder",
    {
      pictures: ["train/1.png", "train/2.png", "test/1.png"],
      lists: {
        "train/metadata.jsonl":
          '{"file_name":"1.png","label":0,"box":[1]}\n{"file_name":"2.png","label":1}\n',
        "test/metadata.jsonl": '{"file_name":"1.png","label":1}\n',
      },
    },
    "",
    ["1.png 0", "2.png 1"],
    /takes the classes of metadata.jsonl/,
  ],
  [
    "Kaggle's",
    {
      pictures: ["train/1.jpg", "train/2.jpg", "test/1.jpg"],
      lists: {
        "train.csv": "id,label\n1,cat\n2,dog\n",
        "test.csv": "id\n1\n",
        "sample_submission.csv": "id,label\n1,pig\n2,pig\n",
      },
    },
    "",
    ["1.jpg cat", "2.jpg dog"],
    /takes the classes of \.\.\/train.csv$/,
  ],
  [
    "Tiny ImageNet's validation",
    {
      pictures: numbered(6).map((i) => `images/val_${i}.JPEG`),
      lists: {
        "val_annotations.txt": numbered(6).map((i) => `val_${i}.JPEG\tn${i % 2}\t0\t32\t44\t62\n`).join(""),
      },
    },
    "",
    numbered(6).map((i) => `images/val_${i}.JPEG n${i % 2}`),
    /takes the classes of val_annotations.txt$/,
  ],
  [
    "Oxford Pets",
    {
      pictures: numbered(6).map((i) => `images/pet_${i}.jpg`),
      lists: {
        "annotations/trainval.txt": numbered(4).map((i) => `pet_${i} ${i % 2 + 1} 1 1\n`).join(""),
        "annotations/test.txt": [4, 5].map((i) => `pet_${i} ${i % 2 + 1} 1 1\n`).join(""),
      },
    },
    "/images",
    numbered(4).map((i) => `pet_${i}.jpg ${i % 2 + 1}`),
    /takes the split trainval/,
  ],
  [
    "frames of videos",
    {
      pictures: ["f/run/v_1/1.jpg", "f/run/v_1/2.jpg", "f/sit/v_2/1.jpg", "f/sit/v_3/1.jpg"],
      lists: {
        "lists/trainlist01.txt": "run/v_1.avi 1\nsit/v_2.avi 2\n",
        "lists/testlist01.txt": "sit/v_3.avi\n",
      },
    },
    "",
    ["f/run/v_1/1.jpg run", "f/run/v_1/2.jpg run", "f/sit/v_2/1.jpg sit"],
    /split train \(3 pictures\)/,
  ],
  [
    "test pictures alone",
    { pictures: ["a/1.jpg", "a/2.jpg", "b/3.jpg"], lists: { "testing_list.txt": "a/2.jpg\n" } },
    "",
    ["a/1.jpg a", "b/3.jpg b"],
    /leaves out test \(1\)/,
  ],
  [
    "whole paths of another machine",
    {
      pictures: ["1.jpg", "2.jpg"],
      lists: { "train.lst": "/home/me/set/1.jpg\n", "val.lst": "/home/me/set/2.jpg\n" },
    },
    "",
    ["1.jpg"],
    /leaves out validation \(1\)/,
  ],
];

Deno.test("lists beside pictures keep splits apart and state classes", async (test) => {
  for (const [name, layout, inside, found, by] of LAYOUTS) {
    await test.step(`${name}${inside}`, () =>
      withFolder(async (folder) => {
        await lay(`${folder}/set`, layout);
        const seen = await look(`${folder}/set${inside}`);
        assert.deepEqual(seen.found, found);
        assert.match(seen.said, by);
      }));
  }
});

Deno.test("lists: another split, all, none, and another list are asked for", async () => {
  await withFolder(async (folder) => {
    await lay(`${folder}/cub`, CUB);
    await lay(`${folder}/voc`, VOC);
    const found = async (uri: string, options?: OpenDataOptions) =>
      (await look(`${folder}/${uri}`, options)).found.map((key) => key.replace(/^.*\/| .*$/g, ""));
    assert.deepEqual(await found("cub#split=test"), ["A_1.jpg", "B_2.jpg"]);
    assert.deepEqual(await found("cub", { role: "test" }), ["A_1.jpg", "B_2.jpg"]);
    for (const all of ["all", "none"]) assert.equal((await found(`cub#split=${all}`)).length, 4);
    await assert.rejects(
      found("cub#split=val"),
      /by train_test_split.txt: holds no picture of split "val"; there are/,
    );
    assert.equal((await found("voc#split=trainval")).length, 5);
    assert.equal((await found("voc#split=train+val")).length, 5);
    assert.deepEqual(await found("voc#list=ImageSets/Segmentation"), ["2007_02.jpg"]);
    assert.deepEqual(await found("voc/JPEGImages#list=ImageSets/Segmentation/train.txt"), ["2007_02.jpg"]);
    await assert.rejects(
      found("voc#list=mine.txt"),
      /no list "mine.txt"; there are ImageSets\/Main\/cat_train.txt/,
    );
    await Deno.writeTextFile(`${folder}/voc/list_of_mine.txt`, "2007_05\n2007_00\n");
    assert.deepEqual(await found("voc#list=list_of_mine.txt"), ["2007_00.jpg", "2007_05.jpg"]);
  });
});

Deno.test("lists: a column of classes of any name is asked for", async () => {
  await withFolder(async (folder) => {
    await lay(folder, { pictures: ["1.jpg", "2.jpg"], lists: { "dogs.csv": "id,breed\n1,pug\n2,poodle\n" } });
    assert.match((await look(folder)).said, /#label=NAME takes one of breed$/);
    assert.deepEqual((await look(`${folder}#label=breed`)).found, ["1.jpg pug", "2.jpg poodle"]);
    await assert.rejects(
      look(`${folder}#label=kind`),
      /no table .* column "kind"; there are the columns breed/,
    );
  });
});

Deno.test("lists: metadata.parquet is read as metadata.csv is", async () => {
  await withFolder(async (folder) => {
    await lay(folder, { pictures: ["0.jpg", "1.jpg", "2.jpg"], lists: {} });
    await Deno.writeFile(`${folder}/metadata.parquet`, await fixture("metadata.parquet"));
    assert.deepEqual((await look(folder)).found, ["0.jpg cat", "1.jpg dog"]);
    assert.deepEqual((await look(`${folder}#split=test`)).found, ["2.jpg cat"]);
  });
});

Deno.test("lists: files that may list splits and are not read are told, where nothing else tells splits apart", async () => {
  await withFolder(async (folder) => {
    const pictures = ["jpg/1.jpg", "jpg/2.jpg"];
    await lay(`${folder}/a`, { pictures, lists: { "setid.mat": "MATLAB" } });
    assert.match(
      (await look(`${folder}/a/jpg`)).said,
      /takes all pictures; \.\.\/setid.mat may be of splits, .*train.txt/,
    );
    assert.equal((await look(`${folder}/a#split=none`)).said, "");
    await lay(`${folder}/b`, {
      pictures,
      lists: { "train.json": "{}", "train.txt": "jpg/1.jpg\n", "test.txt": "jpg/2.jpg\n" },
    });
    assert.doesNotMatch((await look(`${folder}/b`)).said, /json/);
  });
});

Deno.test("lists: splits in folders stay as they are where all are wanted", async () => {
  await withFolder(async (folder) => {
    await lay(folder, {
      pictures: ["train/a/1.jpg", "train/a/2.jpg", "test/a/3.jpg"],
      lists: { "train/train.txt": "a/1.jpg\n", "train/val.txt": "a/2.jpg\n" },
    });
    assert.deepEqual((await look(folder)).found, ["a/1.jpg a"]);
    assert.equal((await look(`${folder}#split=all`)).found.length, 3);
  });
});

Deno.test("lists: what lists no pictures of the folder changes nothing", async (test) => {
  const captions = numbered(6);
  const layouts: [name: string, layout: Layout, inside?: string][] = [
    ["texts of single pictures", {
      pictures: captions.map((i) => `train_${i}.jpg`),
      lists: Object.fromEntries(captions.map((i) => [`train_${i}.txt`, `train_${i} with a test\n`])),
    }],
    ["numbers and prose", {
      pictures: ["trip/1.jpg", "trip/2.jpg", "home/3.jpg"],
      lists: { "labels.csv": "a,b\n1,2\n2,3\n", "train.txt": "late\n", "test.txt": "exam\n" },
    }],
    ["answers for other pictures", {
      pictures: ["test/1.jpg", "test/2.jpg"],
      lists: { "train.csv": "id,label\n1,cat\n2,dog\n", "sample_submission.csv": "id,label\n1,a\n2,b\n" },
    }, "/test"],
    ["a row for each box", {
      pictures: ["1.jpg", "2.jpg"],
      lists: { "boxes.csv": "filename,class,xmin\n1.jpg,cat,1\n1.jpg,dog,1\n2.jpg,dog,1\n" },
    }],
    ["a class with a list's name, and captions", {
      pictures: ["a/1.jpg", "b/2.jpg"],
      lists: { "labels.txt": "a/1.jpg a dog runs\nb/2.jpg a cat\n" },
    }],
  ];
  for (const [name, layout, inside = ""] of layouts) {
    await test.step(name, () =>
      withFolder(async (folder) => {
        await lay(`${folder}/with`, layout);
        await lay(`${folder}/without`, { ...layout, lists: {} });
        const { found } = await look(`${folder}/with${inside}`);
        assert.deepEqual(found, (await look(`${folder}/without${inside}`)).found);
      }));
  }
});

Deno.test("folders: a lone folder around the classes' is none, nor are letters that sort them", async () => {
  await withFolder(async (folder) => {
    await lay(`${folder}/a`, { pictures: ["101/cat/1.jpg", "101/dog/2.jpg"], lists: {} });
    assert.deepEqual((await look(`${folder}/a`)).found, ["101/cat/1.jpg cat", "101/dog/2.jpg dog"]);
    await lay(`${folder}/b`, { pictures: ["cat/1.jpg", "cat/2.jpg"], lists: {} });
    assert.deepEqual((await look(`${folder}/b`)).found, ["cat/1.jpg cat", "cat/2.jpg cat"]);
    await lay(`${folder}/c`, { pictures: ["cat/tabby/1.jpg", "cat/2.jpg"], lists: {} });
    assert.deepEqual((await look(`${folder}/c`)).found, ["cat/2.jpg cat", "cat/tabby/1.jpg cat"]);
    await lay(`${folder}/d`, { pictures: ["a/abbey/1.jpg", "b/bar/out/2.jpg"], lists: {} });
    assert.deepEqual((await look(`${folder}/d`)).found, ["a/abbey/1.jpg abbey", "b/bar/out/2.jpg bar/out"]);
  });
});
