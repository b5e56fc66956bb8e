import assert from "node:assert/strict";
import { expandPaths } from "../../../src/data/sources/expand_paths.ts";
import { mixRecords } from "../../../src/data/epoch/mix_records.ts";
import { closeData, dataWords } from "../../../src/data/open/data.ts";
import { openData } from "../../../src/data/open/open_data.ts";
import { streamRecords } from "../../../src/data/epoch/shuffle.ts";
import { fakeJpeg, fixture, fixturePath } from "../helpers.ts";
import { serveBytes, server } from "../http_servers.ts";
import { tarFile } from "../tar_writer.ts";
import { withFolder } from "../pictures.ts";

const options = { http: { retries: 0 } };

async function count(uri: string): Promise<[string, number]> {
  const data = await openData(uri, options);
  if (data.access === "mixed") {
    const records = await Array.fromAsync(mixRecords(data.parts, { seed: 0, epoch: 0 }));
    await data.close();
    return [data.access, records.length];
  }
  if (data.access === "stream") {
    const records = await Array.fromAsync(streamRecords(data.source, { seed: 0, epoch: 0 }));
    await data.source.close();
    return [data.access, records.length];
  }
  await data.source.get(data.source.length - 1);
  await data.source.close();
  return [data.access, data.source.length];
}

Deno.test("openData: every kind of source by the user's words", async () => {
  await withFolder(async (folder) => {
    await Deno.mkdir(`${folder}/photos/cat`, { recursive: true });
    await Deno.writeFile(`${folder}/photos/cat/1.jpg`, fakeJpeg(1));
    await Deno.mkdir(`${folder}/lmdb`);
    await Deno.writeFile(`${folder}/lmdb/data.mdb`, await fixture("images.mdb.gz"));
    await Deno.writeFile(`${folder}/named.mdb`, await fixture("named.mdb.gz"));
    await Deno.mkdir(`${folder}/tars`);
    for (const i of [0, 1]) {
      await Deno.writeFile(
        `${folder}/tars/d-${i}.tar`,
        tarFile([{ name: `${i}.jpg`, content: fakeJpeg(i) }]),
      );
    }
    await Deno.mkdir(`${folder}/hf/data`, { recursive: true });
    await Deno.copyFile(fixturePath("snappy.parquet"), `${folder}/hf/data/train-00000-of-00001.parquet`);
    await Deno.copyFile(fixturePath("zstd-index.parquet"), `${folder}/hf/data/test.parquet`);
    await using running = server((request) =>
      serveBytes(request, tarFile([{ name: "r.jpg", content: fakeJpeg(3) }]))
    );
    const cases: [string, string, number][] = [
      [`${folder}/photos`, "random", 1],
      [`folder:${folder}/photos`, "random", 1],
      [`${folder}/lmdb`, "random", 30],
      [`lmdb:${folder}/lmdb/data.mdb`, "random", 30],
      [`lmdb:${folder}/named.mdb#val`, "random", 3],
      [`${folder}/tars/d-{0..1}.tar`, "random", 2],
      [`tar:${folder}/tars`, "random", 2],
      [`${folder}/tars/d-*.tar`, "random", 2],
      [fixturePath("wds-{000..002}.tar.gz"), "stream", 12],
      [`tar:${running.url}`, "stream", 1],
      [`tar:${running.url.replace("http", "HTTP")}`, "stream", 1],
      [`parquet:${folder}/hf#train`, "random", 20],
      [`hf-parquet:${folder}/hf#split=all`, "random", 40],
      [`${folder}/hf`, "random", 20],
      [`${folder}/tars/d-0.tar*0.5,${folder}/photos*0.5`, "random", 2],
      [`${folder}/photos,${folder}/lmdb`, "random", 31],
    ];
    for (const [uri, access, length] of cases) assert.deepEqual(await count(uri), [access, length], uri);
    // What a data set says that opens it again does so, the same records.
    for (const [uri, , length] of cases) {
      const data = await openData(uri, options), words = dataWords(data);
      await closeData(data);
      assert.deepEqual((await count(words))[1], length, words);
      assert.equal(words.includes("#"), uri.includes("#"), words);
    }
    const [access, length] = await count(`${folder}/photos*1,tar:${running.url}*3`);
    assert.equal(access, "mixed");
    assert.ok(length >= 2);
  });
});

Deno.test("openData: what cannot be opened is named", async () => {
  await withFolder(async (folder) => {
    const refused = (uri: string, words: RegExp) => assert.rejects(openData(uri, options), words);
    await refused("lmdb:/nowhere", /nowhere: no such file/);
    await refused(`${folder}/x-*.tar`, /x-\*\.tar: no file has such a name/);
    await refused(`tar:${folder}`, /holds no files ending with \.tar/);
    await refused(`parquet:${folder}#val`, /holds no files ending with \.parquet/);
    await Deno.copyFile(fixturePath("snappy.parquet"), `${folder}/train-0.parquet`);
    await refused(`parquet:${folder}#val`, /holds no file of split "val"; there are train/);
    await refused(`${fixturePath("wds-000.tar.gz")},/nowhere.tar`, /nowhere\.tar: no such file/);
    await Deno.writeFile(`${folder}/p.mdb`, await fixture("pickles.mdb.gz"));
    await refused(`lmdb:${folder}/p.mdb`, /a Python pickle/);
  });
});

Deno.test("expandPaths: names stand for themselves where nothing else fits", async () => {
  const paths = async (names: string[], endings: string[]) =>
    (await expandPaths(names, endings)).paths.map(({ path }) => path);
  assert.deepEqual(await paths(["a.tar", "http://h/*.tar", "x\\*.tar"], [".tar"]), [
    "a.tar",
    "http://h/*.tar",
    "x*.tar",
  ]);
  assert.equal((await paths([`${fixturePath("")}wds-00?.tar.gz`], [])).length, 3);
});

Deno.test("expandPaths: a folder of shards that links lead to as well counts once, and circles end", async () => {
  await withFolder(async (folder) => {
    for (const name of ["v1/b.tar", "v1/a/c.tar", "v1.tar", "z.tar"]) {
      await Deno.mkdir(`${folder}/set/${name.replace(/[^/]*$/, "")}`, { recursive: true });
      await Deno.writeTextFile(`${folder}/set/${name}`, "");
    }
    await Deno.mkdir(`${folder}/elsewhere`);
    await Deno.writeTextFile(`${folder}/elsewhere/d.tar`, "");
    await Deno.symlink("v1", `${folder}/set/latest`);
    await Deno.symlink("..", `${folder}/set/v1/a/circle`);
    await Deno.symlink(".", `${folder}/set/self`);
    await Deno.symlink("../elsewhere", `${folder}/set/more`);
    const { paths } = await expandPaths([`${folder}/set`], [".tar"]);
    assert.deepEqual(paths.map(({ name }) => name), [
      "more/d.tar",
      "v1/a/c.tar",
      "v1/b.tar",
      "v1.tar",
      "z.tar",
    ]);
  });
});

Deno.test("expandPaths: wildcards in any part of a path, and none where a backslash stands before them", async () => {
  await withFolder(async (folder) => {
    for (const name of ["a/x-0.tar", "a/x*.tar", "b/x-1.tar", "b/deep/y.tar", ".c/x-2.tar", "a{1/x.tar"]) {
      await Deno.mkdir(`${folder}/${name.replace(/\/[^/]*$/, "")}`, { recursive: true });
      await Deno.writeTextFile(`${folder}/${name}`, "");
    }
    const found = async (pattern: string) =>
      (await expandPaths([`${folder}/${pattern}`], [".tar"])).paths.map(({ path }) =>
        path.slice(folder.length + 1)
      );
    assert.deepEqual(await found("*/x-?.tar"), ["a/x-0.tar", "b/x-1.tar"]);
    assert.deepEqual(await found("a/x\\*.tar"), ["a/x*.tar"]);
    assert.deepEqual(await found("?/x\\*.tar"), ["a/x*.tar"]);
    assert.deepEqual(await found("a\\{1/*"), ["a{1/x.tar"]);
    assert.deepEqual(await found("b"), ["b/deep/y.tar", "b/x-1.tar"]);
    await assert.rejects(found("*/z*"), /\*\/z\*: no file has such a name/);
  });
});

Deno.test("openData: names with commas, stars, braces, signs and spaces are opened where they exist, and explained where not", async () => {
  await withFolder(async (folder) => {
    const names = [
      "a,b",
      "set*2",
      "x{1,2}",
      "C#",
      "C#split=test",
      "what?",
      "k=v&w",
      "50%2C",
      " edge ",
      "back\\slash",
      "t.tar",
    ];
    for (const name of names) {
      await Deno.mkdir(`${folder}/${name}/class`, { recursive: true });
      await Deno.writeFile(`${folder}/${name}/class/1.jpg`, fakeJpeg(1));
    }
    for (const name of names) {
      assert.deepEqual(await count(`${folder}/${name}`), ["random", 1], name);
      assert.deepEqual(await count(`folder:${folder}/${name}`), ["random", 1], name);
      assert.deepEqual(await count(`${folder}/${name}*0.5,${folder}/a,b*0.5`), ["random", 2], name);
      assert.deepEqual(
        await count(`file://${encodeURI(folder)}/${encodeURIComponent(name)}`),
        ["random", 1],
        name,
      );
    }
    assert.deepEqual(await count(`${folder}/a\\,b,${folder}/x\\{1\\,2\\}`), ["random", 2]);
    assert.deepEqual(await count(`${folder}/wh?t?`), ["random", 1]);
    await assert.rejects(
      openData(`${folder}/C*`, options),
      /stands for 2 paths .* of which one is wanted here/,
    );
    for (const name of ["c,d", "set*3", "y{1", "w?", "D#x"]) {
      const error = await openData(`${folder}/${name}`, options).catch((error: Error) => error);
      assert.ok(error instanceof Error);
      assert.match(
        error.message,
        /backslash takes the meaning from|write \\\{ where it belongs to the name/,
        name,
      );
    }
  });
});

Deno.test("openData: a signed URL is asked for as a whole", async () => {
  const asked: string[] = [];
  await using running = server((request) => {
    asked.push(request.url.slice(request.url.indexOf("/a.tar")));
    return serveBytes(request, tarFile([{ name: "r.jpg", content: fakeJpeg(3) }]));
  });
  const queries = ["sig=a,b&x=1", "sig=a*5", "sig=ab,cd*7", "sig=a{b,c}d", "sig=a%2Cb,c"];
  for (const query of queries) await count(`${running.url}/a.tar?${query}`);
  assert.deepEqual(
    asked.filter((_, i) => i === asked.indexOf(asked[i])),
    queries.map((query) => `/a.tar?${query}`),
  );
  await assert.rejects(
    openData(`${running.url}/a.tar?sig=a,./b`, options),
    /a comma in it may belong to the URL/,
  );
  assert.equal(new Set(asked).size, queries.length);
});
