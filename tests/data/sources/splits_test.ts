import assert from "node:assert/strict";
import fc from "npm:fast-check@4.10.2";
import { gzipSync } from "node:zlib";
import { onePass } from "../../../src/data/epoch/one_pass.ts";
import { closeData, dataLabels, dataLength, dataPassedOver } from "../../../src/data/open/data.ts";
import { openData, type OpenDataOptions } from "../../../src/data/open/open_data.ts";
import { pack } from "../../../src/data/pack.ts";
import { openFolder } from "../../../src/data/sources/folder.ts";
import { isSplitFolder, splitsAmong } from "../../../src/data/sources/split_names.ts";
import { chooseSplit, SPLIT_WORDS, splitOf } from "../../../src/data/sources/splits.ts";
import { fakeJpeg, fixture, fixturePath, lmdbOf } from "../helpers.ts";
import { png, withFolder, writeFiles } from "../pictures.ts";
import { tarFile } from "../tar_writer.ts";

/** Opens, and tells how many records there are, the classes, and what was said. */
async function opened(uri: string, options: OpenDataOptions = {}) {
  const said: string[] = [];
  const data = await openData(uri, { ...options, progress: (line) => said.push(line) });
  const length = dataLength(data), labels = dataLabels(data);
  await closeData(data);
  return { length, labels, said: said.join("\n") };
}

/** Pictures below a folder: the number of each name's. */
async function pictures(root: string, counts: Record<string, number>): Promise<void> {
  for (const [name, count] of Object.entries(counts)) {
    await writeFiles(
      root,
      Object.fromEntries(
        Array.from({ length: count }, (_, i) => [`${name}/${i}.jpg`, fakeJpeg(i)]),
      ),
    );
    if (count === 0) await Deno.mkdir(`${root}/${name}`, { recursive: true });
  }
}

Deno.test("splitOf: a word among the letters of a name, its folders after it", () => {
  const cases: Record<string, string | null> = {
    "train-00000-of-00002.parquet": "train",
    "data/validation-00000-of-00001.parquet": "validation",
    "imagenet-val-000123.tar": "validation",
    "ILSVRC2012_img_train.tar": "train",
    "train2017": "train",
    "bedroom_val_lmdb": "validation",
    "test.mdb": "test",
    "default/test/0000.parquet": "test",
    "split=dev/part-0.parquet": "validation",
    "split=unlabeled/part-0.parquet": "unlabeled",
    "VOC/trainval.tar": "trainval",
    "train/test-0.tar": "test",
    "train-val-0.tar": "train+validation",
    "trainA-0.tar": "train",
    "TestImages_0.tar": "test",
    "valset-0.parquet": "validation",
    "trn-000.tar": "train",
    "heldout-0.tar": "test",
    "dataset-0.tar": null,
    "contest-0.tar": null,
    "strain.tar": null,
    "latest/0.tar": null,
    "evaluate.tar": null,
    "part-0.parquet": null,
    "constructor/0.tar": null,
    "split=constructor/part-0.parquet": "constructor",
  };
  for (const [name, split] of Object.entries(cases)) assert.equal(splitOf(name), split, name);
});

Deno.test("chooseSplit: no item of a test split comes to training unless it was asked for", () => {
  const name = fc.constantFrom("train", "test", "val", "dev", "a", "extra", "train-val").chain((word) =>
    fc.nat(99).map((number) => `${word}-${number}`)
  );
  fc.assert(
    fc.property(
      fc.array(name, { minLength: 1, maxLength: 8 }),
      fc.constantFrom("train", "test"),
      (names, role) => {
        const items = names.map((name) => ({ item: name, name, split: splitOf(name) }));
        const said: string[] = [],
          question = { where: "x", what: "file", role, progress: (line: string) => said.push(line) };
        let taken: string[];
        try {
          taken = chooseSplit(items, question);
        } catch (error) {
          assert.match((error as Error).message, /^x: holds .*#split=/);
          return;
        }
        const kinds = new Set(names.map(splitOf)), of = new Set(taken.map(splitOf));
        if (kinds.size === 1) assert.deepEqual(taken, names);
        else if (of.has("test") || of.has("validation")) assert.ok(role === "test" && of.size === 1);
        if (taken.length < names.length) assert.ok(said.length === 1 && said[0].includes("leaves out"));
        assert.deepEqual(chooseSplit(items, { ...question, wanted: "all" }), names);
      },
    ),
  );
});

Deno.test("Parquet: a folder and a pattern with splits give one, and say so; names that are written out are meant", async () => {
  await withFolder(async (folder) => {
    const hub = `${folder}/hub`;
    await Deno.mkdir(`${hub}/data`, { recursive: true });
    for (const split of ["train", "validation", "test"]) {
      await Deno.copyFile(fixturePath("snappy.parquet"), `${hub}/data/${split}-00000-of-00001.parquet`);
    }
    await Deno.writeTextFile(`${hub}/README.md`, "");
    const line =
      /takes the split train \(1 file\) and leaves out test \(1\), validation \(1\); #split=test behind the name takes another, #split=all takes all/;
    for (const uri of [hub, `parquet:${hub}`, `${hub}/data/*.parquet`, `${hub}/*/t*.parquet`]) {
      const { length, said } = await opened(uri);
      assert.equal(length, 20, uri);
      if (uri.includes("t*")) {
        assert.match(said, /takes the split train \(1 file\) and leaves out test \(1\)/);
      } else assert.match(said, line, uri);
    }
    const cases: [string, number][] = [
      ["#split=test", 20],
      ["#test", 20],
      ["#split=val", 20],
      ["#split=train+test", 40],
      ["#split=all", 60],
    ];
    for (const [words, length] of cases.filter(([words]) => words.includes("="))) {
      assert.equal((await opened(hub + words)).length, length, words);
    }
    for (const [words, length] of cases) {
      assert.deepEqual(
        await opened(`parquet:${hub}${words}`),
        { length, labels: ["cat", "dog", "emu"], said: "" },
        words,
      );
    }
    for (
      const uri of [`${hub}/data/{train,test}-*.parquet`, `${hub}/data/{train,test}-00000-of-00001.parquet`]
    ) {
      assert.deepEqual(await opened(uri), { length: 40, labels: ["cat", "dog", "emu"], said: "" }, uri);
    }
    assert.equal((await opened(`${hub}/data/{train,test}-00000-of-00001.parquet#split=test`)).length, 20);
    await assert.rejects(
      opened(`parquet:${hub}#split=tset`),
      /no file of split "tset"; did you mean "test"\?/,
    );
    await assert.rejects(
      opened(hub, { role: "test" }),
      /holds test \(1\), train \(1\), validation \(1\)\. Say which one is meant: #split=test, #split=train, #split=validation/,
    );
    await Deno.remove(`${hub}/data/validation-00000-of-00001.parquet`);
    assert.match(
      (await opened(hub, { role: "test" })).said,
      /takes the split test \(1 file\) and leaves out train/,
    );
    // Another name in the pattern of splits is a split; a file of no split is said to be left out.
    await Deno.rename(`${hub}/data/test-00000-of-00001.parquet`, `${hub}/data/extra-00000-of-00001.parquet`);
    assert.match((await opened(hub)).said, /takes the split train .* leaves out extra \(1\)/);
    assert.equal((await opened(`${hub}#split=extra`)).length, 20);
    await Deno.rename(`${hub}/data/train-00000-of-00001.parquet`, `${hub}/data/test.parquet`);
    await Deno.rename(`${hub}/data/extra-00000-of-00001.parquet`, `${hub}/data/extra.parquet`);
    await assert.rejects(
      opened(hub),
      /holds 1 file of no split \(data\/extra\.parquet\), test \(1\)\. Say which .*#split=all/,
    );
    await Deno.rename(`${hub}/data/test.parquet`, `${hub}/data/train.parquet`);
    assert.deepEqual(await opened(hub), { length: 40, labels: ["cat", "dog", "emu"], said: "" });
  });
});

Deno.test("tar: shards of train beside those of val", async () => {
  await withFolder(async (folder) => {
    for (const name of ["imagenet-train-0", "imagenet-train-1", "imagenet-val-0"]) {
      await Deno.writeFile(`${folder}/${name}.tar`, tarFile([{ name: "1.jpg", content: fakeJpeg(1) }]));
    }
    for (const uri of [folder, `tar:${folder}`, `${folder}/*.tar`, `${folder}/imagenet-*.tar`]) {
      const { length, said } = await opened(uri);
      assert.equal(length, 2, uri);
      assert.match(said, /takes the split train \(2 files\) and leaves out validation \(1\)/, uri);
    }
    assert.equal((await opened(`tar:${folder}#split=val`)).length, 1);
    assert.equal((await opened(folder, { role: "test" })).length, 1);
    assert.deepEqual(await opened(`${folder}/imagenet-train-*.tar`), { length: 2, labels: [], said: "" });
  });
});

Deno.test("LMDB: files and folders of train beside those of val, as LSUN names them", async () => {
  await withFolder(async (folder) => {
    const bytes = await fixture("images.mdb.gz");
    await Deno.mkdir(`${folder}/files`);
    for (const name of ["train", "val"]) await Deno.writeFile(`${folder}/files/${name}.mdb`, bytes);
    for (const name of ["bedroom_train_lmdb", "bridge_train_lmdb", "bedroom_val_lmdb"]) {
      await Deno.mkdir(`${folder}/lsun/${name}`, { recursive: true });
      await Deno.writeFile(`${folder}/lsun/${name}/data.mdb`, bytes);
      await Deno.writeFile(`${folder}/lsun/${name}/lock.mdb`, new Uint8Array(10));
    }
    // A database of another maker beside pictures makes no LMDB of their folder.
    await pictures(`${folder}/office`, { photos: 2 });
    await Deno.writeTextFile(`${folder}/office/contacts.mdb`, "Standard Jet DB");
    assert.equal((await opened(`${folder}/office`)).length, 2);
    for (const uri of [`${folder}/files`, `lmdb:${folder}/files`]) {
      const { length, said } = await opened(uri);
      assert.equal(length, 30);
      assert.match(said, /takes the split train \(1 LMDB\) and leaves out validation \(1\)/);
    }
    await Deno.symlink("bedroom_train_lmdb", `${folder}/lsun/a_train_lmdb`);
    const lsun = await opened(`${folder}/lsun`);
    assert.equal(lsun.length, 60);
    assert.match(lsun.said, /takes the split train \(2 LMDBs\) and leaves out validation \(1\)/);
    assert.equal((await opened(`lmdb:${folder}/lsun#split=val`)).length, 30);
    assert.equal((await opened(`lmdb:${folder}/lsun/bedroom_val_lmdb#split=val`)).length, 30);
    await assert.rejects(
      opened(`${folder}/files/val.mdb#split=test`),
      /no LMDB of split "test"; there are validation/,
    );
    await assert.rejects(
      opened(`lmdb:${folder}/lsun/bedroom_val_lmdb#split=train`),
      /no LMDB of split "train"/,
    );
    assert.equal((await opened(`${folder}/lsun#split=all`)).length, 90);
  });
});

Deno.test("LMDB: splits in the keys are asked for, and are no classes", async () => {
  await withFolder(async (folder) => {
    const path = `${folder}/all.lmdb`;
    await lmdbOf(path, ["train/cat/1.jpg", "train/dog/1.jpg", "val/cat/2.jpg"]);
    for (const role of ["train", "test"] as const) {
      await assert.rejects(
        opened(`lmdb:${path}`, { role }),
        /several splits \(train: train\/cat\/1\.jpg, validation: val\/cat\/2\.jpg\)\. Say which one is meant: #split=train, #split=validation/,
      );
    }
    const train = await opened(`lmdb:${path}#split=train`);
    assert.deepEqual([train.length, train.labels], [2, ["cat", "dog"]]);
    const named = await openData(`lmdb:${path}#split=train`, { labels: ["dog", "cat"] });
    assert.ok(named.access === "random");
    assert.deepEqual([(await named.source.get(0)).label, (await named.source.get(1)).label], [1, 0]);
    await closeData(named);
    const val = await opened(`lmdb:${path}#split=val`);
    assert.deepEqual([val.length, val.labels], [1, ["cat"]]);
    assert.deepEqual((await opened(`lmdb:${path}#split=train+val`)).length, 3);
    assert.deepEqual((await opened(`lmdb:${path}#split=all`)).labels, ["cat", "dog"]);
    assert.deepEqual((await opened(`lmdb:${path}#split=none`)).labels, ["train", "val"]);
    await assert.rejects(
      opened(`lmdb:${path}#split=test`),
      /all\.lmdb: holds nothing of split "test"; there are train, validation/,
    );
    await lmdbOf(path, ["cat/1.jpg", "train/1.jpg"]);
    assert.deepEqual((await opened(`lmdb:${path}`)).labels, ["cat", "train"]);
  });
});

Deno.test("tar: splits inside of an archive are asked for, by index and in a stream", async () => {
  const file = (name: string) => ({ name, content: fakeJpeg(1) });
  const names = [
    "set/train/cat/1.jpg",
    "set/train/dog/2.jpg",
    "set/train/bullet_test/3.jpg",
    "set/val/cat/4.jpg",
  ];
  await withFolder(async (folder) => {
    await Deno.writeFile(`${folder}/set.tar`, tarFile([...names, "set/cover.jpg"].map(file)));
    await Deno.writeFile(`${folder}/set.tgz`, gzipSync(tarFile([...names, "set/cover.jpg"].map(file))));
    for (const ending of ["tar", "tgz"]) {
      const count = async (split: string) => {
        const data = await openData(`${folder}/set.${ending}${split}`);
        const keys: string[] = [];
        try {
          for await (const { read } of onePass(data).records()) {
            keys.push((await read()).key.replace(/^set\//, ""));
          }
        } finally {
          await closeData(data);
        }
        const passed = dataPassedOver(data).map(({ why, count }) => `${count} ${why}`);
        return { keys, passed };
      };
      await assert.rejects(
        count(""),
        /several splits \(train: set\/train\/cat\/1\.jpg, validation: set\/val\/cat\/4\.jpg\)\. Say which/,
        ending,
      );
      assert.deepEqual(await count("#split=train"), {
        keys: ["train/cat/1", "train/dog/2", "train/bullet_test/3"],
        passed: ["1 is of the split validation", "1 is of no split"],
      });
      assert.deepEqual((await count("#split=val")).keys, ["val/cat/4"]);
      assert.equal((await count("#split=all")).keys.length, 5);
      await assert.rejects(
        count("#split=test"),
        /set\.t[^:]*: holds nothing of split "test"; there are train, validation/,
      );
    }
    // Shards that are written out are meant, whatever is in them.
    for (const name of ["train", "val"]) {
      await Deno.writeFile(`${folder}/${name}.tar`, tarFile([file(`${name}/1.jpg`)]));
    }
    assert.equal((await opened(`${folder}/{train,val}.tar`)).length, 2);
    // An archive that is named as a split holds what states none, too.
    await Deno.writeFile(`${folder}/train-0.tar`, tarFile(["1.jpg", "train/2.jpg", "val/3.jpg"].map(file)));
    assert.equal((await opened(`${folder}/train-0.tar#split=train`)).length, 2);
  });
});

Deno.test("folders of pictures called train, val and test are splits and no classes", async () => {
  await withFolder(async (folder) => {
    await pictures(folder, {
      "train/cat": 3,
      "train/dog": 2,
      "val/cat": 1,
      "val/dog": 1,
      "test": 4,
      "annotations": 0,
    });
    const train = await opened(folder);
    assert.deepEqual([train.length, train.labels], [5, ["cat", "dog"]]);
    assert.match(
      train.said,
      /takes the split train \(1 folder\) and leaves out test \(1\), validation \(1\)/,
    );
    const cases: [string, number, string[]][] = [
      ["#split=val", 2, ["cat", "dog"]],
      ["#split=test", 4, []],
      ["#split=train+validation", 7, ["cat", "dog"]],
      ["#split=all", 11, ["cat", "dog"]],
      ["#split=none", 11, ["test", "train", "val"]],
    ];
    for (const [words, length, labels] of cases) {
      for (const uri of [folder, `folder:${folder}`]) {
        assert.deepEqual(await opened(uri + words), { length, labels, said: "" }, words);
      }
    }
    await assert.rejects(
      opened(`${folder}#split=unlabeled`),
      /no folder of split "unlabeled"; there are test, train, validation/,
    );
    await assert.rejects(opened(folder, { role: "test" }), /Say which one is meant/);
    await Deno.remove(`${folder}/train`, { recursive: true });
    await assert.rejects(opened(folder), /holds test \(1\), validation \(1\)\. Say which one is meant/);
    // The only floor below is no class either; one split alone beside it would be.
    await pictures(`${folder}/only`, { "train/cat": 1, "train/dog": 1 });
    assert.deepEqual(await opened(`${folder}/only`), { length: 2, labels: ["cat", "dog"], said: "" });
  });
});

Deno.test("every word that names a split names one of folders, too", async () => {
  for (const word of SPLIT_WORDS) {
    assert.ok(
      isSplitFolder(word) && isSplitFolder(`${word}2017`) && isSplitFolder(`my_${word}_images`),
      word,
    );
    assert.notEqual(splitOf(word), null);
  }
  assert.ok(!isSplitFolder("evaluated") && !isSplitFolder("medieval") && !isSplitFolder("trainer"));
  await withFolder(async (folder) => {
    await pictures(folder, { "train/cat": 3, "eval/cat": 2 });
    const { length, labels, said } = await opened(folder);
    assert.deepEqual([length, labels], [3, ["cat"]]);
    assert.match(said, /takes the split train \(1 folder\) and leaves out test \(1\)/);
    assert.equal((await opened(folder, { role: "test" })).length, 2);
  });
});

Deno.test("names of folders tell splits by those beside them", () => {
  const cases: [names: string, splits: string][] = [
    ["train_0 train_1 test_0", "train train test"],
    ["trainA trainB testA testB", "train train test test"],
    ["train80 test20", "train test"],
    ["train_20230105 test_20230207", "train test"],
    ["train.v2 test.v2 docs", "train test -"],
    ["train_224 val_224 other", "train validation -"],
    ["train test1 test2", "train test test"],
    ["train_part1 train_part2 val", "train train validation"],
    ["train-jpg test-jpg-additional", "train test"],
    ["trainset testset", "train test"],
    ["TrainImages ValImages", "train validation"],
    ["imagesTr imagesTs labelsTr", "train test train"],
    ["tr te", "train test"],
    ["trn tst cat", "train test -"],
    // Names that have to do with no other, and words of a language, are classes.
    ["tr te en fr", "- - - -"],
    ["train_station test_tube", "- -"],
    ["train test_tube cat", "train - -"],
    ["latest_0 strain_0", "- -"],
  ];
  for (const [names, splits] of cases) {
    const list = names.split(" "), found = splitsAmong(list);
    assert.equal(list.map((name) => found.get(name) ?? "-").join(" "), splits, names);
  }
});

Deno.test("a folder of train and test whose names have numbers or letters more gives train alone", async () => {
  for (const [train, test] of [["train_0", "test_0"], ["trainA", "testA"], ["train", "test1"]]) {
    await withFolder(async (root) => {
      await pictures(root, { [`${train}/cat`]: 2, [`${test}/cat`]: 1, docs: 0 });
      const set = await opened(root);
      assert.equal(set.length, 2, train);
      assert.deepEqual(set.labels, ["cat"]);
      assert.match(set.said, /takes the split train \(1 folder\) and leaves out test \(1\)/);
      assert.equal((await opened(`${root}#split=test`)).length, 1);
      assert.equal((await opened(`${root}#split=${test}`)).length, 1);
      assert.deepEqual((await opened(`${root}#split=none`)).labels, [test, train].sort());
    });
  }
  // On a lower floor.
  await withFolder(async (root) => {
    await pictures(root, { "a/train_0": 2, "a/test_0": 1, "b/train_0": 3, "b/test_0": 1 });
    const set = await opened(root);
    assert.equal(set.length, 5);
    assert.deepEqual(set.labels, ["a", "b"]);
  });
});

Deno.test("a folder of a split counts once, whatever links lead to it", async () => {
  await withFolder(async (folder) => {
    await pictures(`${folder}/set`, { train2017: 3, val2017: 2 });
    await pictures(folder, { "elsewhere/cat": 1 });
    // So that other programs find them by these names.
    for (const [link, target] of [["train", "train2017"], ["val", "val2017"], ["here", "."]]) {
      await Deno.symlink(target, `${folder}/set/${link}`);
    }
    const { length, said } = await opened(`${folder}/set`);
    assert.equal(length, 3);
    assert.match(said, /takes the split train \(1 folder\) and leaves out validation \(1\)/);
    assert.equal((await opened(`${folder}/set#split=all`)).length, 5);
    assert.equal((await opened(`${folder}/set#split=val`)).length, 2);
    // Links to what is not there otherwise are followed.
    for (const name of ["test", "testing"]) await Deno.symlink("../elsewhere", `${folder}/set/${name}`);
    assert.equal((await opened(`${folder}/set#split=test`)).length, 1);
  });
});

Deno.test("one place under several names counts once, in folders, shards and LMDBs by one rule", async () => {
  await withFolder(async (folder) => {
    const bytes = await fixture("images.mdb.gz"), { symlink } = Deno;
    // Names of splits say more than those of the folders that they lead to.
    await pictures(`${folder}/set`, { april: 3, may: 2 });
    await symlink("april", `${folder}/set/train`);
    await symlink("may", `${folder}/set/val`);
    await symlink("..", `${folder}/set/up`);
    assert.equal((await opened(`${folder}/set`)).length, 3);
    assert.equal((await opened(`${folder}/set#split=val`)).length, 2);
    assert.equal((await opened(`${folder}/set#split=all`)).length, 5);
    // One place as two splits: each is there, and all together have it once.
    await Deno.mkdir(`${folder}/tars`);
    await Deno.writeFile(`${folder}/tars/a.tar`, tarFile([{ name: "1.jpg", content: fakeJpeg(1) }]));
    for (const name of ["train.tar", "val.tar", "b.tar"]) await symlink("a.tar", `${folder}/tars/${name}`);
    for (const [split, length] of [["train", 1], ["val", 1], ["all", 1]]) {
      assert.equal((await opened(`${folder}/tars#split=${split}`)).length, length, `${split}`);
      assert.equal((await opened(`${folder}/tars/*.tar#split=${split}`)).length, length, `${split}`);
    }
    assert.equal((await opened(`${folder}/tars/{a,b}.tar`)).length, 2, "what was written out is meant");
    await Deno.mkdir(`${folder}/lmdbs/set_lmdb`, { recursive: true });
    await Deno.writeFile(`${folder}/lmdbs/set_lmdb/data.mdb`, bytes);
    for (const name of ["a", "train", "val"]) await symlink("set_lmdb", `${folder}/lmdbs/${name}_lmdb`);
    for (const split of ["train", "val", "all"]) {
      assert.equal((await opened(`${folder}/lmdbs#split=${split}`)).length, 30, split);
    }
    await pictures(folder, { unpacked: 2 });
    await pack(await openFolder(`${folder}/unpacked`), `${folder}/packed`, { check: "sniff" });
    const [shard] = Array.from(Deno.readDirSync(`${folder}/packed`), ({ name }) => name);
    await symlink(shard, `${folder}/packed/latest.lmdb`);
    assert.equal((await opened(`${folder}/packed`)).length, 2);
  });
});

Deno.test("what links lead to from one split into another counts once in all of them, where it really is", async () => {
  await withFolder(async (folder) => {
    const { symlink } = Deno;
    const keys = async (uri: string) => {
      const data = await openData(uri);
      assert.ok(data.access === "random");
      const found = await Promise.all(
        Array.from({ length: data.source.length }, (_, i) => data.source.key!(i)),
      );
      await data.source.close();
      return found.sort();
    };
    await pictures(`${folder}/set`, { "train/cat": 3, "train/dog": 2, "val/cat": 1 });
    await pictures(folder, { pool: 4 });
    await symlink("../val/cat", `${folder}/set/train/more`);
    await symlink("../train/dog", `${folder}/set/val/dog`);
    for (const split of ["train", "val"]) await symlink("../../pool", `${folder}/set/${split}/pool`);
    // A split of nothing but links to another.
    await Deno.mkdir(`${folder}/set/test`);
    await symlink("../train/cat", `${folder}/set/test/cat`);
    const all = ["0.jpg", "1.jpg", "2.jpg", "3.jpg"];
    for (const prefix of ["", "folder:", "imagenet:"]) {
      const found = await keys(`${prefix}${folder}/set#split=all`);
      const named = (end: string) => found.filter((key) => key.includes(end)).length;
      assert.equal(found.length, 3 + 2 + 1 + all.length, prefix);
      assert.deepEqual([named("pool/"), named("more/"), named("dog/")], [4, 0, 2], prefix);
    }
    // Alone, each split has all that it leads to.
    assert.equal((await keys(`${folder}/set#split=train`)).length, 3 + 2 + 1 + 4);
    assert.equal((await keys(`${folder}/set#split=val`)).length, 1 + 2 + 4);
    assert.equal((await keys(`${folder}/set#split=test`)).length, 3);

    const bytes = await fixture("images.mdb.gz");
    for (const split of ["train", "val"]) {
      await Deno.mkdir(`${folder}/sets/${split}/a_lmdb`, { recursive: true });
    }
    for (const split of ["train", "val"]) {
      await Deno.writeFile(`${folder}/sets/${split}/a_lmdb/data.mdb`, bytes);
    }
    await symlink("../train/a_lmdb", `${folder}/sets/val/b_lmdb`);
    assert.equal((await keys(`${folder}/sets#split=all`)).length, 60);
    await Deno.remove(`${folder}/sets/val/a_lmdb`, { recursive: true });
    assert.equal((await keys(`${folder}/sets#split=all`)).length, 30);
  });
});

Deno.test("folders of classes stay classes where one is called test, or both train and test are among many", async () => {
  await withFolder(async (folder) => {
    await pictures(`${folder}/one`, { cat: 2, dog: 2, test: 2 });
    await assert.rejects(
      opened(`${folder}/one#split=val`),
      /one: holds no folder of split "val"; there are test/,
    );
    await assert.rejects(
      opened(`${folder}/one/cat#split=val`),
      /no folder of split "val"; no name states a split/,
    );
    assert.deepEqual(await opened(`${folder}/one`), { length: 6, labels: ["cat", "dog", "test"], said: "" });
    const many = Object.fromEntries(
      ["bus", "car", "cab", "van", "ship", "boat", "bike"].map((name) => [name, 1]),
    );
    await pictures(`${folder}/many`, { ...many, train: 1, test: 1 });
    const kept = await opened(`${folder}/many`);
    assert.equal(kept.length, 9);
    assert.match(
      kept.said,
      /takes the folders test, train as classes beside many others; where they are splits/,
    );
    await pictures(`${folder}/few`, { bus: 1, train: 1, test: 1 });
    await assert.rejects(
      opened(`${folder}/few`),
      /folders named as splits \(test, train\) beside other folders of pictures \(bus\).*#split=train.*#split=none where all are classes/,
    );
    assert.equal((await opened(`${folder}/few#split=none`)).length, 3);
    assert.equal((await opened(`${folder}/few#split=bus`)).length, 1);
    // The same classes in both say that these are splits, whatever stands beside them.
    await pictures(`${folder}/sure`, { "train/cat": 2, "test/cat": 1, unlabeled: 5 });
    await Deno.writeFile(`${folder}/sure/sheet.jpg`, fakeJpeg(1));
    const sure = await opened(`${folder}/sure`);
    assert.deepEqual([sure.length, sure.labels], [2, ["cat"]]);
    assert.match(
      sure.said,
      /1 picture beside the folders of splits is left out\n.* leaves out test \(1\), 1 folder of no split \(unlabeled\)/,
    );
    assert.equal((await opened(`${folder}/sure#split=unlabeled`)).length, 5);
    // Classes that have such words in longer names.
    await pictures(`${folder}/words`, { bullet_train: 1, train_station: 1, "test tube": 1, contest: 1 });
    assert.equal((await opened(`${folder}/words`)).said, "");
  });
});

Deno.test("splits on a lower floor: images/train beside images/val, and train beside test in each class", async () => {
  await withFolder(async (folder) => {
    await pictures(`${folder}/yolo`, { "images/train": 3, "images/val": 2, "labels/train": 0 });
    await pictures(`${folder}/classes`, {
      "cat/train": 2,
      "cat/test": 1,
      "dog/train": 2,
      "dog/test": 1,
      "dog/val": 1,
    });
    const yolo = await opened(`${folder}/yolo`);
    assert.equal(yolo.length, 3);
    assert.match(yolo.said, /takes the split train \(1 folder\) and leaves out validation \(1\)/);
    for (const uri of [`${folder}/classes`, `folder:${folder}/classes`]) {
      const { length, labels, said } = await opened(uri);
      assert.deepEqual([length, labels], [4, ["cat", "dog"]]);
      assert.match(
        said,
        /classes: takes the split train \(2 folders\) and leaves out test \(2\), validation \(1\)/,
      );
      assert.equal((await opened(`${uri}#split=test`)).length, 2);
      assert.equal((await opened(`${uri}#split=all`)).length, 7);
      assert.equal((await opened(`${uri}#split=none`)).length, 7);
      await assert.rejects(opened(`${uri}#split=extra`), /no folder of split "extra"/);
      await assert.rejects(opened(uri, { role: "test" }), /Say which one is meant/);
    }
    // Pictures that no split claims are no training pictures where there are test pictures, and that is said.
    await pictures(`${folder}/classes`, { emu: 3 });
    const some = await opened(`${folder}/classes`);
    assert.equal(some.length, 4);
    assert.match(some.said, /1 folder of no split \(emu\/0\.jpg\)/);
    // Classes below a class.
    await pictures(`${folder}/deep`, {
      "vehicle/train": 1,
      "vehicle/bus": 1,
      "thing/test": 1,
      "thing/cup": 1,
    });
    assert.deepEqual(await opened(`${folder}/deep`), { length: 4, labels: ["thing", "vehicle"], said: "" });
  });
});

Deno.test("COCO and ImageNet by their root: train2017 beside val2017, train beside val", async () => {
  await withFolder(async (folder) => {
    await pictures(folder, {
      "coco/train2017": 3,
      "coco/val2017": 2,
      "ilsvrc/train/n01440764": 2,
      "ilsvrc/val/n01440764": 1,
    });
    await Deno.mkdir(`${folder}/coco/annotations`);
    for (const [set, count] of [["train2017", 3], ["val2017", 2]] as const) {
      const images = Array.from({ length: count }, (_, id) => ({ id, file_name: `${id}.jpg` }));
      await Deno.writeTextFile(
        `${folder}/coco/annotations/instances_${set}.json`,
        JSON.stringify({ images, annotations: [], categories: [] }),
      );
    }
    for (const uri of [`coco:${folder}/coco`, `${folder}/coco`]) {
      const { length, labels, said } = await opened(uri);
      assert.deepEqual([length, labels], [3, []], uri);
      assert.match(said, /takes the split train \(1 folder\) and leaves out validation \(1\)/);
    }
    assert.equal((await opened(`coco:${folder}/coco#split=val`)).length, 2);
    assert.equal((await opened(`coco:${folder}/coco/val2017`)).length, 2);
    for (const uri of [`imagenet:${folder}/ilsvrc`, `${folder}/ilsvrc`]) {
      const { length, labels } = await opened(uri);
      assert.deepEqual([length, labels], [2, ["n01440764"]], uri);
    }
    assert.equal((await opened(`imagenet:${folder}/ilsvrc`, { role: "test" })).length, 1);
  });
});

Deno.test("splits whose folders hold shards, tar or Parquet are opened as what they are", async () => {
  await withFolder(async (folder) => {
    await writeFiles(folder, { "photos/a/1.png": await png(), "photos/b/2.png": await png(1) });
    const source = await openFolder(`${folder}/photos`);
    await Deno.mkdir(`${folder}/packed`);
    for (const split of ["train", "val"]) await pack(source, `${folder}/packed/${split}`);
    const packed = await opened(`${folder}/packed`);
    assert.deepEqual([packed.length, packed.labels], [2, ["a", "b"]]);
    assert.match(packed.said, /takes the split train/);
    for (const split of ["train", "val"]) {
      await Deno.mkdir(`${folder}/shards/${split}`, { recursive: true });
      await Deno.writeFile(
        `${folder}/shards/${split}/0.tar`,
        tarFile([{ name: "1.jpg", content: fakeJpeg(1) }]),
      );
    }
    for (const uri of [`${folder}/shards`, `tar:${folder}/shards`]) {
      assert.equal((await opened(uri)).length, 1, uri);
    }
    assert.equal((await opened(`${folder}/shards#split=all`)).length, 2);
  });
});
