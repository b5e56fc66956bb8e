import assert from "node:assert/strict";
import { join } from "node:path";
import { prepareData } from "../../bench/learn/data.ts";
import { drawn, openEmbedding, pixelFeatures, writeFeatures } from "../../bench/learn/features.ts";
import { judge } from "../../bench/learn/judge.ts";
import { openSource } from "../../src/data/open/open_data.ts";
import { decodePicture } from "../../src/data/picture/decode.ts";
import { basePicture } from "../../src/data/picture/resize.ts";
import { openEngine } from "../../src/engine/open.ts";
import { decodeSafetensors } from "../../src/files/safetensors.ts";
import { initModel } from "../../src/model/init.ts";
import { colourFolder, TOY, withFolder } from "../eval/toy.ts";

const SIZE = TOY.imageSize, PIXELS = SIZE * SIZE * 3;
const silent = () => {};
const engine = await openEngine("wasm");
Deno.test.afterAll(() => engine.close());

Deno.test("pictures are prepared once: parts apart from each other, shards of the train part, bad ones left out", () =>
  withFolder(async (folder) => {
    const said: string[] = [], say = (line: string) => said.push(line);
    const data = await colourFolder(join(folder, "train"), 8),
      testData = await colourFolder(join(folder, "test"), 2, ["red", "blue", "white"]);
    await Deno.writeTextFile(join(data, "green", "99.png"), "no picture");
    const wanted = { data, testData, selection: 6, size: SIZE }, place = join(folder, "data");
    const { parts, shards } = await prepareData(place, wanted, say);
    const bad = said.filter((line) => line.startsWith("left out"));
    assert.equal(bad.length, 1, said.join("\n"));
    assert.equal(parts.train.count + parts.selection.count, 24);
    assert.deepEqual([parts.test.count, parts.train.names, parts.test.names], [
      6,
      ["blue", "green", "red"],
      ["blue", "red", "white"],
    ]);
    const source = await openSource(shards);
    try {
      assert.equal(source.length, parts.train.count);
      // The peers' bytes are what ours is given, in the same order.
      const [bytes, labels] = await Promise.all([
        Deno.readFile(parts.train.base),
        Deno.readFile(parts.train.labels),
      ]);
      assert.equal(bytes.length, source.length * PIXELS);
      for (const i of [0, source.length - 1]) {
        const record = await source.get(i), base = basePicture(await decodePicture(record.bytes), SIZE);
        assert.deepEqual(bytes.subarray(i * PIXELS, (i + 1) * PIXELS), base);
        assert.equal(new Int32Array(labels.buffer)[i], record.label);
      }
    } finally {
      await source.close();
    }
    said.length = 0;
    assert.deepEqual(await prepareData(place, wanted, say), { parts, shards });
    assert.deepEqual(said, []);
    await assert.rejects(prepareData(place, { ...wanted, size: 8 }, say), /another size.*name another --out/);
  }));

Deno.test("without test pictures a second part is held out", () =>
  withFolder(async (folder) => {
    const data = await colourFolder(join(folder, "all"), 10);
    const { parts } = await prepareData(join(folder, "data"), {
      data,
      testData: "",
      selection: 5,
      size: SIZE,
    }, silent);
    assert.deepEqual([parts.train.count, parts.selection.count, parts.test.count], [20, 5, 5]);
  }));

Deno.test("features of an untrained encoder and of pixels are judged: colours are easy, unknown classes do not count", () =>
  withFolder(async (folder) => {
    const data = await colourFolder(join(folder, "train"), 12);
    const testData = await colourFolder(join(folder, "test"), 3, ["red", "blue", "white"]);
    const prepared = await prepareData(
      join(folder, "data"),
      { data, testData, selection: 6, size: SIZE },
      silent,
    );
    const pixels = await pixelFeatures(prepared, SIZE);
    assert.deepEqual(Object.keys(pixels.train!.tokens), ["8×8", "16×16"]);
    assert.deepEqual(pixels.test!.labels, [0, 0, 0, 2, 2, 2, -1, -1, -1]);
    const found = await judge(engine, pixels, 3, true);
    assert.deepEqual(Object.keys(found), ["selection", "test"]);
    assert.deepEqual(found.test!["8×8"], { knn: 1, linear: 1 });

    const embedding = openEmbedding(engine, prepared, SIZE);
    const features = await embedding.of(TOY, initModel(TOY, 0), ["train", "test"]);
    assert.deepEqual(Object.keys(features.test!.tokens), ["class", "mean"]);
    assert.equal(features.train!.tokens.class.width, TOY.width);
    const quick = await judge(engine, features, 3, false);
    assert.deepEqual(Object.keys(quick), ["test"]);
    assert.equal(quick.test!.mean.linear, undefined);
    assert.ok(quick.test!.mean.knn > .9, `${quick.test!.mean.knn}`);

    // Few of the train part are embedded, from all classes though these lie in order; and the same few are drawn later.
    const few = await embedding.of(TOY, initModel(TOY, 0), ["train", "selection"], 9);
    assert.equal(few.train!.tokens.class.rows, 9);
    assert.deepEqual(new Set(few.train!.labels), new Set([0, 1, 2]));
    assert.deepEqual(drawn(features.train!, 9).labels, few.train!.labels);
    assert.deepEqual(drawn(features.train!, 9).tokens.class, few.train!.tokens.class);
    assert.equal(drawn(features.train!, 30), features.train);

    const path = join(folder, "features.safetensors");
    await writeFeatures(path, features);
    const { tensors } = decodeSafetensors(await Deno.readFile(path));
    assert.deepEqual(tensors["test.class"].shape, [9, TOY.width]);
    assert.deepEqual([...tensors["test.labels"].data as Float32Array], features.test!.labels);
    await assert.rejects(embedding.file(join(folder, "none"), ["train"]), /there is no such file/);
  }));
