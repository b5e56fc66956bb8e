import assert from "node:assert/strict";
import { gzipSync } from "node:zlib";
import { take } from "../../src/data/iter.ts";
import { closeData, type Data, dataLabels } from "../../src/data/open/data.ts";
import { openData } from "../../src/data/open/open_data.ts";
import { pack } from "../../src/data/pack.ts";
import { mixSources } from "../../src/data/epoch/mix.ts";
import { openFolder } from "../../src/data/sources/folder.ts";
import { streamBatches } from "../../src/data/stream.ts";
import { DEFAULT_VIEWS } from "../../src/views/sample.ts";
import { jpeg, png, withFolder, writeFiles } from "./pictures.ts";
import { tarFile } from "./tar_writer.ts";

const SIZE = 16;

/** Two epochs of classes by key; each key has one class. */
async function classesOf(
  data: Data,
  batchSize: number,
  cacheBytes?: number,
): Promise<Record<string, string>> {
  const found: Record<string, string> = {}, names = dataLabels(data);
  const views = { ...DEFAULT_VIEWS, imageSize: SIZE };
  const options = { imageSize: SIZE, batchSize, seed: 1, views, withLabels: true, cacheBytes, workers: 1 };
  for await (const { keys, labels } of take(streamBatches(data, options), 4)) {
    assert.equal(labels!.length, batchSize);
    keys.forEach((key, i) => {
      const name = names[labels![i]] ?? String(labels![i]);
      assert.equal(found[key] ??= name, name, key);
    });
  }
  return found;
}

const FILES = {
  "cat/0.jpg": await jpeg(0),
  "cat/1.png": await png(1),
  "dog/2.jpg": await jpeg(2),
  "3.jpg": await jpeg(3),
};
const WANTED = { "cat/0.jpg": "cat", "cat/1.png": "cat", "dog/2.jpg": "dog", "3.jpg": "-1" };

Deno.test("batches carry classes where they are asked for: folders, shards, mixes and streams", () =>
  withFolder(async (folder) => {
    await writeFiles(`${folder}/a`, FILES);
    await writeFiles(`${folder}/b`, { "bird/4.jpg": await jpeg(4), "dog/5.jpg": await jpeg(5) });
    const source = await openFolder(`${folder}/a`);
    for (const cacheBytes of [0, undefined]) assert.deepEqual(await classesOf(source, 2, cacheBytes), WANTED);
    for await (const batch of take(streamBatches(source, { ...OPTIONS, withLabels: false }), 1)) {
      assert.ok(!("labels" in batch));
    }

    await pack(source, `${folder}/shards`);
    const shards = await openData(`${folder}/shards`);
    assert.deepEqual(await classesOf(shards, 2, 0), WANTED);
    await closeData(shards);

    const mix = mixSources([{ source }, { source: await openFolder(`${folder}/b`) }]);
    assert.deepEqual(mix.labels, ["bird", "cat", "dog"]);
    assert.deepEqual(await classesOf(mix, 3, 0), { ...WANTED, "bird/4.jpg": "bird", "dog/5.jpg": "dog" });
    await mix.close();

    const entries = [[0, "1"], [1, "0"], [2, "1"]].flatMap(([i, label]) => [
      { name: `${i}.jpg`, content: FILES["cat/0.jpg"] },
      { name: `${i}.cls`, content: new TextEncoder().encode(`${label}`) },
    ]);
    await Deno.writeFile(`${folder}/t.tar.gz`, gzipSync(tarFile(entries)));
    const stream = await openData(`${folder}/t.tar.gz`);
    assert.deepEqual(Object.values(await classesOf(stream, 3)).sort(), ["0", "1", "1"]);
    await closeData(stream);
  }));

const OPTIONS = { imageSize: SIZE, batchSize: 2, seed: 1, views: { ...DEFAULT_VIEWS, imageSize: SIZE } };

Deno.test("classes that are names of a stream must be known beforehand", () =>
  withFolder(async (folder) => {
    const entries = ["cat", "dog"].flatMap((name, i) => [
      { name: `${i}.jpg`, content: FILES["cat/0.jpg"] },
      { name: `${i}.cls`, content: name },
    ]);
    await Deno.writeFile(`${folder}/a.tar.gz`, gzipSync(tarFile(entries)));
    const unknown = await openData(`${folder}/a.tar.gz`);
    await assert.rejects(classesOf(unknown, 2), /is of class "(cat|dog)", .*; give their names \(labels\)/);
    await closeData(unknown);
    const known = await openData(`${folder}/a.tar.gz`, { labels: ["dog", "cat"] });
    assert.deepEqual(await classesOf(known, 2), { "0": "cat", "1": "dog" });
    await closeData(known);
  }));
