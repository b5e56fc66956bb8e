import assert from "node:assert/strict";
import { locate } from "../../../src/data/open/expand_paths.ts";
import { mixRecords } from "../../../src/data/epoch/mix.ts";
import { openUri } from "../../../src/data/open/open_uri.ts";
import { streamRecords } from "../../../src/data/epoch/shuffle.ts";
import { fakeJpeg, fixture, fixturePath } from "../helpers.ts";
import { serveBytes, server } from "../http_servers.ts";
import { tarFile } from "../tar_writer.ts";
import { withFolder } from "../pictures.ts";

const options = { http: { retries: 0 } };

async function count(uri: string): Promise<[string, number]> {
  const data = await openUri(uri, options);
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

Deno.test("openUri: every kind of source by the user's words", async () => {
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
      [`hf-parquet:${folder}/hf`, "random", 40],
      [`${folder}/tars/d-0.tar*0.5,${folder}/photos*0.5`, "random", 2],
      [`${folder}/photos,${folder}/lmdb`, "random", 31],
    ];
    for (const [uri, access, length] of cases) assert.deepEqual(await count(uri), [access, length], uri);
    const [access, length] = await count(`${folder}/photos*1,tar:${running.url}*3`);
    assert.equal(access, "mixed");
    assert.ok(length >= 2);
  });
});

Deno.test("openUri: what cannot be opened is named", async () => {
  await withFolder(async (folder) => {
    const refused = (uri: string, words: RegExp) => assert.rejects(openUri(uri, options), words);
    await refused("lmdb:/nowhere", /nowhere: no such file/);
    await refused(`${folder}/x-*.tar`, /x-\*\.tar: no file has such a name/);
    await refused(`tar:${folder}`, /holds no files ending with \.tar/);
    await refused(`parquet:${folder}#val`, /holds no files of split "val"/);
    await refused(`${fixturePath("wds-000.tar.gz")},/nowhere.tar`, /nowhere\.tar: no such file/);
    await Deno.writeFile(`${folder}/p.mdb`, await fixture("pickles.mdb.gz"));
    await refused(`lmdb:${folder}/p.mdb`, /a Python pickle/);
  });
});

Deno.test("locate: names stand for themselves where nothing else fits", async () => {
  assert.deepEqual(await locate(["a.tar", "http://h/*.tar"], [".tar"]), ["a.tar", "http://h/*.tar"]);
  const files = await locate([`${fixturePath("")}wds-00?.tar.gz`], []);
  assert.equal(files.length, 3);
});
