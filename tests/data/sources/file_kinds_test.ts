import assert from "node:assert/strict";
import { gzipSync } from "node:zlib";
import { openData } from "../../../src/data/open/open_data.ts";
import { closeData, dataLength, dataPassedOver } from "../../../src/data/open/data.ts";
import { describeFile } from "../../../src/data/sources/file_kinds.ts";
import { fakeJpeg, fixture } from "../helpers.ts";
import { png, withFolder } from "../pictures.ts";
import { tarFile } from "../tar_writer.ts";

const text = (words: string) => new TextEncoder().encode(words.padEnd(600, " "));
const hex = (digits: string) => {
  const bytes = new Uint8Array(600).fill(0x81);
  bytes.set(Uint8Array.fromHex(digits));
  return bytes;
};

const KINDS: readonly (readonly [name: string, bytes: Uint8Array, what: RegExp])[] = [
  ["a.tar.bz2", hex("425a6839"), /compressed by bzip2/],
  ["a.tbz2", hex("425a6839"), /compressed by bzip2/],
  ["a.tar.xz", hex("fd377a585a0000"), /compressed by xz/],
  ["a.tar.zst", hex("28b52ffd"), /compressed by Zstandard/],
  ["a.tar.lz4", hex("04224d18"), /compressed by LZ4/],
  ["a.zip", hex("504b0304"), /a zip archive/],
  ["a.rar", hex("526172211a0700"), /a RAR archive/],
  ["a.7z", hex("377abcaf271c"), /a 7-Zip archive/],
  ["a.csv.gz", gzipSync(text("a,b,c")), /compressed by gzip, and holds no tar/],
  ["a.h5", hex("894844460d0a1a0a"), /an HDF5 file/],
  ["a.npy", hex("934e554d505901"), /a NumPy array/],
  ["a.rec", hex("0a23d7ce10"), /MXNet RecordIO/],
  ["a.tfrecord", hex("a00100000000000012345678" + "0a9d03"), /a TFRecord file/],
  ["a.arrow", hex("4152524f5731"), /an Arrow file/],
  ["b.arrow", hex("ffffffff30010000"), /an Arrow stream.*: write it as Parquet/],
  [
    "a.npz",
    hex(`504b0304${"00".repeat(26)}${text("x_train.npy").subarray(0, 11).toHex()}`),
    /an archive of NumPy arrays/,
  ],
  ["a.pkl", hex("80049500"), /a Python pickle/],
  ["a.heic.mov", text("....ftypheic"), /a HEIC picture/],
  ["a.mp4", text("....ftypisom"), /a video/],
  ["files.txt", text("a.jpg\nb.jpg\n"), /a text file, .*not a list of them/],
  ["coco.json", text('{"images": []}'), /JSON, .*coco:FOLDER#FILE/],
];

Deno.test("a file that is no data is called what it is, with what to do about it", async () => {
  await withFolder(async (folder) => {
    for (const [name, bytes, what] of KINDS) {
      await Deno.writeFile(`${folder}/${name}`, bytes);
      await assert.rejects(openData(`${folder}/${name}`), (error) => {
        assert.ok(error instanceof Error);
        assert.match(error.message, what, name);
        assert.match(
          error.message,
          /which is not read as data: .*Data can be a folder of pictures, LMDB, tar shards/,
        );
        assert.doesNotMatch(error.message, /no LMDB file/);
        return true;
      });
    }
    await Deno.writeFile(`${folder}/noise`, new Uint8Array(700).map((_, i) => 128 + (i * 37) % 100));
    await assert.rejects(openData(`${folder}/noise`), /no data of a known kind \(it begins with bytes 80a5/);
  });
});

Deno.test("a file whose name or prefix says another kind than its bytes", async () => {
  await withFolder(async (folder) => {
    const write = (name: string, bytes: Uint8Array) => Deno.writeFile(`${folder}/${name}`, bytes);
    const pointer = text("version https://git-lfs.github.com/spec/v1\noid sha256:1\nsize 5\n");
    await write("lfs.parquet", pointer);
    await write("lfs.tar", pointer);
    await write("lfs.mdb", pointer);
    await write("zip.tar", hex("504b0304"));
    await write("page.parquet", text("<!DOCTYPE html><html>"));
    await write("data.mdb", hex("fd377a585a0000"));
    await write("table.mdb", await fixture("snappy.parquet"));
    for (
      const [uri, words] of [
        ["lfs.parquet", /lfs\.parquet: no Parquet file.* It is a pointer of Git LFS.*git lfs pull/],
        ["lfs.tar", /lfs\.tar: no tar archive: it is a pointer of Git LFS.*git lfs pull/],
        ["lfs.mdb", /no LMDB file.* It is a pointer of Git LFS/],
        ["zip.tar", /no tar archive: it is a zip archive; unpack it/],
        ["page.parquet", /It is an HTML page/],
        ["data.mdb", /no LMDB file.* It is compressed by xz/],
        ["table.mdb", /no LMDB file.* It is a Parquet file: name it as parquet:PATH/],
      ] as const
    ) await assert.rejects(openData(`${folder}/${uri}`), words, uri);
  });
});

Deno.test("what is data is told by its bytes, whatever its name: tar, tar.gz, Parquet, LMDB", async () => {
  await withFolder(async (folder) => {
    const tar = tarFile([{ name: "1.jpg", content: fakeJpeg(1) }]);
    const files: [name: string, bytes: Uint8Array, access: string][] = [
      ["shard", tar, "random"],
      ["shard.tar.part", tar, "random"],
      ["shard.gz", gzipSync(tar), "stream"],
      ["table", await fixture("snappy.parquet"), "random"],
      ["base", await fixture("images.mdb.gz"), "random"],
    ];
    for (const [name, bytes, access] of files) {
      await Deno.writeFile(`${folder}/${name}`, bytes);
      const data = await openData(`${folder}/${name}`);
      assert.equal(data.access, access, name);
      await closeData(data);
    }
    // A folder of them, without a prefix, and one that is called as a shard is.
    for (
      const [inner, bytes] of [["a.tar", tar], ["b.parquet", files[3][1]], ["c.mdb", files[4][1]]] as const
    ) {
      await Deno.mkdir(`${folder}/in.tar/deep`, { recursive: true });
      await Deno.writeFile(`${folder}/in.tar/deep/${inner}`, bytes);
      if (inner === "c.mdb") await Deno.rename(`${folder}/in.tar/deep/c.mdb`, `${folder}/in.tar/c.mdb`);
      const data = await openData(`${folder}/in.tar`);
      assert.equal(data.access, "random");
      await closeData(data);
      await Deno.remove(`${folder}/in.tar`, { recursive: true });
    }
  });
});

Deno.test("a folder of files that are no pictures says what those are of which there are most", async () => {
  await withFolder(async (folder) => {
    const refused = async (name: string, files: Record<string, Uint8Array>, what: RegExp) => {
      await Deno.mkdir(`${folder}/${name}/in`, { recursive: true });
      for (const [file, bytes] of Object.entries(files)) {
        await Deno.writeFile(`${folder}/${name}/${file}`, bytes);
      }
      await assert.rejects(openData(`${folder}/${name}`), what);
    };
    const video = text("....ftypisom"), list = text("a,b");
    await refused(
      "videos",
      { "in/a.mp4": video, "in/b.mp4": video, "c.csv": list },
      /passed over: 2 \.mp4, 1 \.csv\. in\/[ab]\.mp4 is a video \(MP4\): write its frames into a folder$/,
    );
    await refused(
      "cifar",
      { data_batch_1: hex("80029500") },
      /data_batch_1 is a Python pickle: write the pictures/,
    );
    await refused("unknown", { "in/idx3-ubyte": hex("00000803") }, /1 file passed over: 1 file$/);
  });
});

Deno.test("Parquet files that lie too deep for their folder, as in Hugging Face's cache, are said to be in theirs", async () => {
  await withFolder(async (folder) => {
    const snapshot = "datasets--a--b/snapshots/0b27/plain_text", name = "train-00000-of-00001.parquet";
    await Deno.mkdir(`${folder}/${snapshot}`, { recursive: true });
    await Deno.mkdir(`${folder}/datasets--a--b/blobs`);
    await Deno.writeFile(`${folder}/datasets--a--b/blobs/5e1f`, await fixture("snappy.parquet"));
    await Deno.symlink("../../../blobs/5e1f", `${folder}/${snapshot}/${name}`);
    for (const uri of [folder, `${folder}/datasets--a--b`, `parquet:${folder}`]) {
      await assert.rejects(openData(uri), (error: Error) => {
        assert.match(
          error.message,
          /\.parquet are deeper than 2 folders below it; name their folder, such as /,
        );
        assert.ok(error.message.endsWith(` ${folder}/${snapshot}`), error.message);
        return true;
      });
    }
    const data = await openData(`${folder}/datasets--a--b/snapshots/0b27`);
    assert.equal(dataLength(data), 20);
    await closeData(data);
  });
});

Deno.test("a folder of compressed shards needs no prefix, and tables beside shards do not stand for them", async () => {
  await withFolder(async (folder) => {
    const tar = tarFile([{ name: "1.jpg", content: fakeJpeg(1) }]), table = await fixture("snappy.parquet");
    const write = async (name: string, bytes: Uint8Array) => {
      await Deno.mkdir(`${folder}/${name.replace(/\/.*/, "")}`, { recursive: true });
      await Deno.writeFile(`${folder}/${name}`, bytes);
    };
    for (const i of [0, 1]) await write(`packed/${i}.tar.gz`, gzipSync(tar));
    // As img2dataset writes them, the table being one of addresses; whatever order the folder gives them in.
    for (const name of ["b.parquet", "b_stats.json", "b.tar", "a.tar", "a.parquet"]) {
      await write(`beside/${name}`, name.endsWith(".tar") ? tar : table);
    }
    for (const name of ["a.parquet", "b.parquet", "notes.tar"]) {
      await write(`tables/${name}`, name.endsWith(".tar") ? tar : table);
    }
    const kinds: [name: string, access: string, length: number | null, others: string][] = [
      ["packed", "stream", null, ""],
      ["beside", "random", 2, "2 .parquet,1 .json"],
      ["tables", "random", 40, "1 .tar"],
    ];
    for (const [name, access, length, others] of kinds) {
      const data = await openData(`${folder}/${name}`);
      assert.deepEqual([data.access, dataLength(data)], [access, length], name);
      const passed = dataPassedOver(data).map(({ what, count }) => `${count} ${what}`).sort().reverse();
      assert.equal(passed.join(), others, name);
      await closeData(data);
    }
    // Among pictures they are told for what they are.
    await write("packed/1.jpg", fakeJpeg(1));
    const data = await openData(`${folder}/packed`);
    assert.deepEqual(dataPassedOver(data).map(({ what, why }) => `${what} ${why}`), [
      ".tar.gz a source of its own, name it to read it",
    ]);
    await closeData(data);
  });
});

Deno.test("a folder of Parquet that Spark wrote: what it has not finished, and its notes, are no part of the table", async () => {
  await withFolder(async (folder) => {
    const table = await fixture("snappy.parquet"), root = `${folder}/pictures.parquet`;
    for (
      const name of [
        ...["part-00000.snappy.parquet", "label=1/part-00001.snappy.parquet", "_SUCCESS", ".part-00000.crc"],
        ...["_temporary/0/part-00002.snappy.parquet", "_delta_log/1.checkpoint.parquet", "_old.parquet"],
      ]
    ) {
      await Deno.mkdir(`${root}/${name}`.replace(/\/[^/]*$/, ""), { recursive: true });
      await Deno.writeFile(`${root}/${name}`, table);
    }
    for (const uri of [root, `parquet:${root}`]) {
      const data = await openData(uri);
      assert.equal(dataLength(data), 40);
      const passed = dataPassedOver(data).map(({ what, count }) => `${count} ${what}`).sort();
      assert.deepEqual(passed, ["1 .parquet", "1 file", "2 folder"]);
      await closeData(data);
    }
    // Who names such a file means it.
    const data = await openData(`${root}/_old.parquet`);
    assert.equal(dataLength(data), 20);
    await closeData(data);
  });
});

Deno.test("describeFile: nothing is said of what nobody knows, and an empty file is called so", async () => {
  assert.equal(describeFile(hex("8182838485")), null);
  assert.match(describeFile(new Uint8Array())!.what, /empty/);
  assert.equal(describeFile(await png())!.what, "a PNG picture");
});
