import assert from "node:assert/strict";
import { join } from "node:path";
import { openData, openSource } from "../../../src/data/open/open_data.ts";
import { closeData, dataLength, dataPassedOver } from "../../../src/data/open/data.ts";
import type { StreamSource } from "../../../src/data/epoch/shuffle.ts";
import { pack } from "../../../src/data/pack.ts";
import type { Source } from "../../../src/data/types.ts";
import * as tf from "../../../src/engine/tensors.ts";
import { openWasm } from "../../../src/engine/wasm.ts";
import { embedder } from "../../../src/eval/embed.ts";
import { embedData, type EmbedDataOptions } from "../../../src/eval/embedding/embed_data.ts";
import { writeNpy } from "../../../src/eval/embedding/npy_format.ts";
import { EMBEDDING_FORMATS, isEmbedding, openEmbedding } from "../../../src/eval/embedding/open.ts";
import { allPictures } from "../../../src/eval/pictures.ts";
import { findPictures } from "../../../src/eval/search/pictures.ts";
import { weightsDigest } from "../../../src/eval/weights_digest.ts";
import { InUseError, lockPlace } from "../../../src/files/lock.ts";
import { encodeSafetensors } from "../../../src/files/safetensors.ts";
import { initModel } from "../../../src/model/init.ts";
import { faultyDisk, fullDisk } from "../../files/faulty_disk.ts";
import { writeSet } from "../search/made_up.ts";
import { colourFolder, TOY, withFolder } from "../toy.ts";

const engine = await openWasm();
const state = initModel(TOY, 0);
const model = { engine, config: TOY, state, model: "toy" };

/** Twelve pictures of three colours, one of them loose and one bad. */
async function pictures(folder: string): Promise<Source> {
  await colourFolder(folder, 4);
  await Deno.copyFile(join(folder, "red", "0.png"), join(folder, "loose.png"));
  await Deno.writeTextFile(join(folder, "green", "0.png"), "no picture");
  return await openSource(folder);
}

/** Reads all of a file. */
async function content(path: string) {
  const file = await openEmbedding(path);
  const tokens: Record<string, number[]> = {};
  for (const token of Object.keys(file.info.tokens)) {
    tokens[token] = [...(await file.rows(token as "class")).data];
  }
  const all = { info: file.info, labels: [...file.labels], keys: await file.keys(), tokens };
  file.close();
  return all;
}

Deno.test("embedding files: every format holds the same features, names and classes, and says what they are", () =>
  withFolder(async (folder) => {
    const data = await pictures(join(folder, "data")), bad: string[] = [];
    const embed = (name: string, options: Partial<EmbedDataOptions>) =>
      embedData({
        ...model,
        data,
        out: join(folder, name),
        batchSize: 5,
        onBad: ({ key }) => bad.push(key),
        ...options,
      });
    const info = await embed("a.safetensors", { tokens: ["class", "mean", "blocks", "all"] });
    assert.deepEqual(bad, ["green/0.png"]);
    assert.deepEqual([info.count, info.unlabelled, info.bad], [12, 1, 1]);
    assert.deepEqual(info.classes, ["blue", "green", "red"]);
    assert.deepEqual(info.tokens, { class: [16], mean: [16], blocks: [2, 16], all: [17, 16] });
    assert.equal(info.digest, await weightsDigest(state));
    assert.deepEqual(info.preprocessing.size, 16);
    const whole = await content(join(folder, "a.safetensors"));
    assert.deepEqual(whole.info, info);
    assert.deepEqual(whole.keys.slice(0, 5), [
      "blue/0.png",
      "blue/1.png",
      "blue/2.png",
      "blue/3.png",
      "green/1.png",
    ]);
    assert.deepEqual(whole.labels, [0, 0, 0, 0, 1, 1, 1, -1, 2, 2, 2, 2]);

    // The features are the embedder's own.
    const read = await allPictures(data, { prepare: { kind: "middle", size: 16 }, onBad: () => {} });
    const direct = await embedder(engine, TOY, { batchSize: 12, patches: true, blocks: 2 }).pictures(
      state,
      read.bytes,
    );
    const close = (a: ArrayLike<number>, b: ArrayLike<number>) => {
      assert.equal(a.length, b.length);
      for (let i = 0; i < a.length; i++) assert.ok(Math.abs(a[i] - b[i]) < 1e-5, `${i}: ${a[i]} ${b[i]}`);
    };
    close(whole.tokens.class, direct.class.data);
    close(whole.tokens.mean, direct.mean.data);
    close(whole.tokens.blocks, direct.blocks!.data);
    const second = whole.tokens.all.slice(17 * 16, 2 * 17 * 16);
    close(second.slice(0, 16), direct.class.data.subarray(16, 32));
    close(second.slice(16), direct.patches!.data.subarray(256, 512));

    for (const { ending, several } of EMBEDDING_FORMATS) {
      const name = `b${ending}`, tokens = several ? ["class", "blocks"] as const : ["blocks"] as const;
      await embed(name, { tokens });
      const found = await content(join(folder, name));
      for (const token of tokens) {
        assert.deepEqual(found.tokens[token], whole.tokens[token], `${ending} ${token}`);
      }
      assert.deepEqual([found.keys, found.labels], [whole.keys, whole.labels], ending);
      assert.ok(await isEmbedding(join(folder, name)), ending);
      const file = await openEmbedding(join(folder, name));
      await assert.rejects(
        file.rows("mean"),
        /holds .*blocks, but "mean" is needed; embed again with --tokens/,
      );
      file.close();
    }
    assert.deepEqual(
      [...Deno.readDirSync(folder)].map(({ name }) => name).sort(),
      ["a.safetensors", "b.lmdb", "b.npy", "b.npy.jsonl", "b.parquet", "b.safetensors", "data"],
    );
    await assert.rejects(
      embed("c.npy", { tokens: ["class", "mean"] }),
      /a \.npy file holds one kind of token/,
    );
    await assert.rejects(embed("c.txt", {}), /ends with one of \.safetensors, \.npy, \.parquet, \.lmdb/);
    await data.close();
  }));

for (const ending of [".parquet", ".lmdb"]) {
  Deno.test(`embedding: what was stopped or killed goes on, and gives the same bytes (${ending})`, () =>
    withFolder((folder) => goesOn(folder, ending)));
}

async function goesOn(folder: string, ending: string): Promise<void> {
  const data = await pictures(join(folder, "data"));
  const whole = join(folder, `whole${ending}`), out = join(folder, `parts${ending}`);
  const same = { ...model, data, tokens: ["class", "mean"] as const, batchSize: 2, onBad: () => {} };
  await embedData({ ...same, out: whole });
  // Stopped after some pictures; then "killed" by an error; then to the end.
  const stop = new AbortController(), gone: number[] = [];
  const stopped = embedData({
    ...same,
    out,
    signal: stop.signal,
    progress: ({ done }) => done >= 4 && stop.abort(new Error("stopped")),
  });
  await assert.rejects(stopped, /stopped/);
  assert.ok(!await Deno.stat(out).then(() => true, () => false), "nothing is there before it is whole");
  const killed = embedData({
    ...same,
    out,
    partBytes: 1,
    resumed: (done) => gone.push(done),
    progress: ({ done }) => {
      if (done > 8) throw new Error("killed");
    },
  });
  await assert.rejects(killed, /killed/);
  const bad: string[] = [], seen: number[] = [];
  const info = await embedData({
    ...same,
    out,
    resumed: (done) => gone.push(done),
    onBad: ({ key }) => bad.push(key),
    progress: ({ done }) => seen.push(done),
  });
  assert.deepEqual(gone, [4, 7]);
  assert.ok(seen[0] > 7, `${seen}`);
  assert.equal(info.bad, 1);
  assert.deepEqual(bad, [], "what was told before is not told again");
  assert.deepEqual(await Deno.readFile(out), await Deno.readFile(whole));
  // Pictures of another column, split or database of the same name do not go on with the parts of these.
  const left = { ...same, out, data: { ...data, words: "pairs#column=left" }, partBytes: 1 };
  const begun = embedData({ ...left, progress: ({ done }) => assert.ok(done < 8, "killed") });
  await assert.rejects(begun, /killed/);
  const right = { ...left, data: { ...data, words: "pairs#column=right" } };
  const told: string[] = [], lost = (line: string) => void told.push(line);
  const anew = await embedData({ ...right, lost, resumed: () => assert.fail("it must begin anew") });
  assert.equal(anew.source, "pairs#column=right");
  // Another model does not go on with the parts of this one.
  const other = { ...same, out, state: initModel(TOY, 1), partBytes: 1 };
  const halfway = embedData({ ...other, progress: ({ done }) => assert.ok(done < 8, "killed") });
  await assert.rejects(halfway, /killed/);
  await embedData({ ...same, out, lost, resumed: () => assert.fail("it must begin anew") });
  assert.deepEqual(await Deno.readFile(out), await Deno.readFile(whole));
  // Hours of work do not go without a word.
  const begunWas = `${out}: what was begun is made anew: `;
  assert.deepEqual(told, [
    `${begunWas}the source was pairs#column=left and is pairs#column=right`,
    `${begunWas}the model's weights changed`,
  ]);
  await closeData(data);
}

/** A source as a stream whose classes are names. */
function streamed(source: Source): StreamSource {
  return {
    uri: "stream",
    labels: [],
    shards: ["one"],
    async *open() {
      for (let i = 0; i < source.length; i++) {
        const { label, ...record } = await source.get(i);
        yield { ...record, className: source.labels[label!] };
      }
    },
    close: () => Promise.resolve(),
  };
}

Deno.test("embedding: a stream, whose classes are names, gives what its pictures in a folder give", () =>
  withFolder(async (folder) => {
    const source = await openSource(await colourFolder(join(folder, "data"), 2));
    const stream = streamed(source);
    const out = join(folder, "stream.safetensors"), same = { ...model, batchSize: 4 };
    await embedData({ ...same, data: source, out: join(folder, "folder.safetensors") });
    const killed = embedData({
      ...same,
      data: stream,
      out,
      partBytes: 1,
      progress: ({ done }) => assert.ok(done < 6),
    });
    await assert.rejects(killed);
    await embedData({ ...same, data: stream, out });
    const { info: _, ...a } = await content(out),
      { info: __, ...b } = await content(join(folder, "folder.safetensors"));
    assert.deepEqual(a, b);
    await source.close();
  }));

Deno.test("embedding: a mixture with a stream, one source after another; what was begun in another order is not gone on with", () =>
  withFolder(async (folder) => {
    const source = await openSource(await colourFolder(join(folder, "data"), 2));
    const parts = [{ source: streamed(source) }, { source }], close = () => source.close();
    const out = join(folder, "mixed.safetensors"), begun = join(folder, ".mixed.safetensors.embedding");
    const same = { ...model, batchSize: 4, data: { access: "mixed" as const, parts, close }, out };
    for (const earlier of [false, true]) {
      const gone: number[] = [];
      const killed = embedData({ ...same, partBytes: 1, progress: ({ done }) => assert.ok(done < 6) });
      await assert.rejects(killed);
      if (earlier) {
        const { order, ...request } = JSON.parse(await Deno.readTextFile(join(begun, "request.json")));
        assert.equal(order, "one after another");
        await Deno.writeTextFile(join(begun, "request.json"), JSON.stringify(request));
      }
      await embedData({ ...same, resumed: (done) => gone.push(done) });
      assert.deepEqual(gone, earlier ? [] : [4]);
      const own = await Promise.all(Array.from({ length: source.length }, (_, i) => source.key(i)));
      const named = ["stream", source.uri].flatMap((uri) => own.map((key) => `${uri}/${key}`));
      assert.deepEqual((await content(out)).keys, named);
      const pictures = await findPictures(same.data, { keys: named, rows: [1, 7] });
      assert.deepEqual([...pictures.keys()], [1, 7]);
    }
    await source.close();
  }));

Deno.test("embedding: pictures of one name in several sources are told apart, and found again by files of before", () =>
  withFolder(async (folder) => {
    const [a, b] = await Promise.all([3, 2].map((n) => colourFolder(join(folder, `of ${n}`), n)));
    await Deno.copyFile(join(b, "red/0.png"), join(b, "blue/0.png"));
    const out = join(folder, "both.safetensors"), gone: number[] = [];
    const data = await openData(`${a},${b}`, { once: true }), same = { ...model, data, out, batchSize: 6 };
    const killed = embedData({ ...same, partBytes: 1, progress: ({ done }) => assert.ok(done < 15) });
    await assert.rejects(killed);
    await embedData({ ...same, resumed: (done) => gone.push(done) });
    assert.deepEqual(gone, [12]);
    const { keys } = await content(out);
    assert.equal(new Set(keys).size, 15);
    assert.deepEqual([keys[0], keys[9]], [`${a}/blue/0.png`, `${b}/blue/0.png`]);
    const plain = keys.map((key) => key.replace(`${a}/`, "").replace(`${b}/`, ""));
    for (const names of [keys, plain]) {
      const found = await findPictures(data, { keys: names, rows: [0, 9] });
      for (const [row, from] of [[0, a], [9, b]] as const) {
        assert.deepEqual(found.get(row), await Deno.readFile(join(from, "blue/0.png")));
      }
    }
    await closeData(data);
  }));

Deno.test("embedding files: who dies between the two files of an .npy leaves no numbers under other names", () =>
  withFolder(async (folder) => {
    const data = await pictures(join(folder, "data")), out = join(folder, "a.npy");
    const info = await embedData({ ...model, data, out, onBad: () => {} });
    const old = await content(out), { keys, labels } = old, numbers = await Deno.readFile(out);
    const made = (keys: string[], numbers: number[]) => ({
      info,
      labels: Int32Array.from(labels),
      parts: [{
        count: keys.length,
        keys: () => Promise.resolve(keys),
        rows: () => Promise.resolve(Float32Array.from(numbers)),
      }],
    });
    const before = made(keys, old.tokens.class),
      next = made(keys.toReversed(), old.tokens.class.toReversed());
    const told: string[] = [];
    for (let last = 0; told.at(-1) !== "new"; last++) {
      await writeNpy(out, before);
      let step = 0;
      const dying = faultyDisk(() => {
        if (step++ >= last) throw new Error("killed");
      });
      await writeNpy(out, next, { disk: dying }).catch((error) => assert.match(error.message, /killed/));
      const left = await content(out).catch((error) => {
        assert.match(error.message, /a\.npy: is missing, though .*interrupted; embed again/);
        return null;
      });
      if (left?.keys[0] === keys[0]) assert.deepEqual(left, old);
      else if (left) assert.deepEqual(left.tokens.class, old.tokens.class.toReversed());
      told.push(!left ? "none" : left.keys[0] === keys[0] ? "old" : "new");
    }
    assert.deepEqual([...new Set(told)], ["old", "none", "new"], `${told}`);
    await writeNpy(out, before);
    assert.deepEqual(await content(out), old);
    // What fails before both are written leaves the old ones, and no rubbish.
    for (const disk of [fullDisk("a.npy-"), fullDisk("a.npy.jsonl")]) {
      await assert.rejects(writeNpy(out, next, { disk }), /no space is left on the device/);
      assert.deepEqual(await content(out), old);
      assert.deepEqual(await Deno.readFile(out), numbers);
    }
    assert.deepEqual([...Deno.readDirSync(folder)].map(({ name }) => name).sort(), [
      "a.npy",
      "a.npy.jsonl",
      "data",
    ]);
    await data.close();
  }));

Deno.test("embedding: pictures that stand elsewhere when it goes on are embedded anew", () =>
  withFolder(async (folder) => {
    const place = await colourFolder(join(folder, "data"), 2), out = join(folder, "a.safetensors");
    const embed = async (options: Partial<EmbedDataOptions> = {}) => {
      const data = await openSource(place);
      try {
        return await embedData({ ...model, data, out, batchSize: 2, partBytes: 1, ...options });
      } finally {
        await data.close();
      }
    };
    await assert.rejects(embed({ progress: ({ done }) => assert.ok(done < 4, "killed") }), /killed/);
    // As many pictures as before: one has gone, and another has come.
    await Deno.rename(join(place, "blue", "0.png"), join(place, "red", "9.png"));
    const told: string[] = [];
    await embed({ lost: (line) => told.push(line), resumed: () => assert.fail("it must begin anew") });
    assert.match(
      told.join(),
      /^[^,]*a\.safetensors: what was begun is made anew: its pictures do not stand where/,
    );
    assert.deepEqual((await content(out)).keys, [
      ...["blue/1.png", "green/0.png", "green/1.png", "red/0.png", "red/1.png", "red/9.png"],
    ]);
  }));

Deno.test("embedding: a part that is damaged, missing or of another place is made anew with those behind it", () =>
  withFolder(async (folder) => {
    const data = await openSource(await colourFolder(join(folder, "data"), 4));
    const out = join(folder, "a.lmdb"), whole = join(folder, "whole.lmdb");
    const same = { ...model, data, batchSize: 2 };
    await embedData({ ...same, out: whole });
    const part = (number: number) => join(folder, ".a.lmdb.embedding", `part-00000${number}.safetensors`);
    /** Changes one bit, so many bytes before the end of a part or behind the first place of a text in it. */
    const flip = (number: number, at: number, text?: string) => {
      const bytes = Deno.readFileSync(part(number));
      const from = text === undefined ? bytes.length : new TextDecoder("latin1").decode(bytes).indexOf(text);
      bytes[from + at] ^= 1;
      Deno.writeFileSync(part(number), bytes);
    };
    const damage: [() => Promise<void> | void, RegExp][] = [
      [
        () => flip(1, -2),
        /part-000001\.safetensors: damaged: its numbers of "class" do not fit their checksum/,
      ],
      [() => flip(1, 5, "blue/"), /part-000001\.safetensors: damaged: its notes do not fit their checksum/],
      [() => Deno.truncate(part(1), 100), /part-000001\.safetensors: /],
      [() => Deno.writeTextFile(part(1), ""), /part-000001\.safetensors: /],
      [() => Deno.remove(part(1)), /part-000001\.safetensors: is missing/],
      [() => Deno.copyFile(part(0), part(1)), /part-000001\.safetensors: does not hold/],
      [() => Deno.writeFile(part(1), encodeSafetensors({}, { notes: "{}" })), /part-000001\.safetensors: /],
    ];
    for (const [spoil, message] of damage) {
      const killed = { ...same, out, partBytes: 1 };
      await assert.rejects(
        embedData({ ...killed, progress: ({ done }) => assert.ok(done < 10, "killed") }),
        /killed/,
      );
      await spoil();
      const told: (string | number)[] = [];
      // Killed once more, after a part of another size than before: none of the old parts follows it.
      await assert.rejects(
        embedData({
          ...same,
          out,
          partBytes: 2 * 2 * 4 * TOY.width,
          lost: (line) => told.push(line),
          resumed: (done) => told.push(done),
          progress: ({ done }) => assert.ok(done < 8, "killed"),
        }),
        /killed/,
      );
      const [line, from] = told;
      assert.match(`${line}`, message);
      assert.match(`${line}`, /this part and those behind it are made anew$/);
      assert.deepEqual([told.length, from], [2, 2]);
      await embedData({ ...same, out, lost: (line) => assert.fail(line) });
      assert.deepEqual(await Deno.readFile(out), await Deno.readFile(whole));
      await Deno.remove(out);
    }
    // What is lost after the part was looked at comes into no file.
    const late = { ...same, out, partBytes: 1 };
    await assert.rejects(
      embedData({ ...late, progress: ({ done }) => done === 10 && flip(1, -2) }),
      /part-000001\.safetensors: damaged: .*checksum; give the same command again, which makes this part/,
    );
    await embedData(late);
    assert.deepEqual(await Deno.readFile(out), await Deno.readFile(whole));
    await data.close();
  }));

Deno.test("embedding: replaces an embedding, and nothing else that has its name", () =>
  withFolder(async (folder) => {
    const source = await openSource(await colourFolder(join(folder, "data"), 1));
    const path = (name: string) => join(folder, name), bytes = encodeSafetensors({});
    await Deno.writeTextFile(path("mine.lmdb"), "pictures");
    await Deno.writeFile(path("model.safetensors"), bytes);
    await Deno.writeFile(path("others.npy"), bytes);
    for (const other of ["mine.lmdb", "model.safetensors", "others.npy"]) {
      const before = await Deno.readFile(path(other));
      await assert.rejects(
        embedData({ ...model, data: source, out: path(other) }),
        /is there already and is no embedding that could be replaced \(.*\); name another file, or remove it/,
      );
      assert.deepEqual(await Deno.readFile(path(other)), before);
    }
    const out = path("own.safetensors"), info = await embedData({ ...model, data: source, out });
    assert.deepEqual(await embedData({ ...model, data: source, out }), info);
    await source.close();
  }));

Deno.test("embedding files beside their pictures are none of those, and are called what they are", () =>
  withFolder(async (folder) => {
    const colours = await colourFolder(join(folder, "colours"), 2), shards = join(folder, "shards");
    const pictures = await openSource(colours);
    await pack(pictures, shards, {});
    const made = { pictures: [["red/0.png", [1, 2]]] as const };
    for (const place of [colours, shards]) {
      for (const { ending } of EMBEDDING_FORMATS) {
        await writeSet(join(place, `a${ending}`), made);
        const data = await openSource(place);
        assert.deepEqual([data.length, data.labels], [6, ["blue", "green", "red"]], `${place} ${ending}`);
        await data.close();
      }
      for (const ending of [".lmdb", ".parquet"]) {
        await assert.rejects(
          openSource(join(place, `a${ending}`)),
          /holds features that deno task embed has written/,
        );
      }
    }
    const shard = await openSource(join(shards, "shard-00000.lmdb"));
    assert.equal(shard.length, 6);
    await Promise.all([pictures.close(), shard.close()]);
  }));

Deno.test("an embedding file beside Parquet files of pictures is passed over, and counts for no split", () =>
  withFolder(async (folder) => {
    const plain = join(folder, "pictures.parquet"), made = { pictures: [["0.png", [1, 2]]] as const };
    await Deno.copyFile(new URL("../../fixtures/sources/plain.parquet", import.meta.url), plain);
    const alone = await openSource(plain);
    for (const name of ["a.parquet", "train-00000-of-00001.parquet"]) {
      await writeSet(join(folder, name), made);
      for (const uri of [folder, `parquet:${folder}`, `${folder}/*.parquet`]) {
        const opened = await openData(uri), [passed] = dataPassedOver(opened);
        assert.equal(dataLength(opened), alone.length, uri);
        assert.deepEqual([passed.count, passed.what, passed.example], [1, ".parquet", name], uri);
        assert.match(passed.why, /^holds features that deno task embed has written/);
        await closeData(opened);
      }
      await assert.rejects(openSource(join(folder, name)), /parquet: holds features that deno task embed/);
      await Deno.remove(join(folder, name));
    }
    await alone.close();
    await Deno.remove(plain);
    await writeSet(join(folder, "a.parquet"), made);
    await assert.rejects(openSource(folder), /a\.parquet: holds features that deno task embed has written/);
  }));

Deno.test("embedding: a link is followed, also to where nothing is yet, and the file is made once", () =>
  withFolder(async (folder) => {
    const data = await openSource(await colourFolder(join(folder, "data"), 1));
    await Deno.mkdir(join(folder, "far"));
    for (const ending of EMBEDDING_FORMATS.map(({ ending }) => ending)) {
      const link = join(folder, `link${ending}`), file = join(folder, "far", `file${ending}`);
      await Deno.symlink(`far/file${ending}`, link);
      for (const state of [model.state, initModel(TOY, 1)]) {
        const { digest } = await embedData({ ...model, state, data, out: link });
        for (const path of [link, file]) assert.equal((await content(path)).info.digest, digest, path);
        assert.ok((await Deno.lstat(link)).isSymlink);
      }
      // Who names the file itself meets who names the link.
      const lock = await lockPlace(file);
      await assert.rejects(embedData({ ...model, data, out: link }), InUseError);
      await lock.release();
      // What an interrupted one leaves is beside the file, so that both go on with it.
      const killed = { ...model, data, batchSize: 1, partBytes: 1 };
      await assert.rejects(
        embedData({ ...killed, out: link, progress: ({ done }) => assert.ok(done < 2, "killed") }),
        /killed/,
      );
      const gone: number[] = [];
      await embedData({ ...killed, out: file, resumed: (done) => gone.push(done) });
      assert.deepEqual(gone, [1]);
    }
    const circle = join(folder, "circle.lmdb");
    await Deno.symlink("circle.lmdb", circle);
    await assert.rejects(embedData({ ...model, data, out: circle }), /circle\.lmdb: cannot write: /);
    assert.deepEqual(
      [...Deno.readDirSync(folder)].map(({ name }) => name).filter((name) => !name.startsWith("link")).sort(),
      ["circle.lmdb", "data", "far"],
    );
    await data.close();
  }));

Deno.test("embedding: a file that cannot be made, or is none, is named", () =>
  withFolder(async (folder) => {
    const source = await openSource(await colourFolder(join(folder, "data"), 1));
    // The name of the file has room, that of the folder of its parts has none.
    const out = join(folder, `${"n".repeat(240)}.lmdb`);
    await assert.rejects(
      embedData({ ...model, data: source, out }),
      (error: Error) => error.message === `${out}: cannot write: the name is too long`,
    );
    await Deno.mkdir(join(folder, "a.safetensors"));
    await assert.rejects(
      openEmbedding(join(folder, "a.safetensors")),
      /a\.safetensors: a folder, where a safetensors file is needed/,
    );
    assert.deepEqual([...Deno.readDirSync(folder)].map(({ name }) => name).sort(), ["a.safetensors", "data"]);
    const name = "backbone.norm.weight", norm = tf.mul(state.params[name], NaN);
    const spoiled = { ...state, params: { ...state.params, [name]: norm } };
    await assert.rejects(
      embedData({ ...model, state: spoiled, data: source, out: join(folder, "b.npy") }),
      /data: blue\/0\.png: its features \(class\) by this model are not finite numbers/,
    );
    norm.dispose();
    await source.close();
  }));

Deno.test("embedding files: names that begin with a byte order mark keep it, in every format", () =>
  withFolder(async (folder) => {
    const names = ["\uFEFFa/0.png", "b.png", "\uFEFFc.png"];
    for (const { ending } of EMBEDDING_FORMATS) {
      const pictures = names.map((name, i) => [name, [i, 1]] as const);
      const { keys } = await content(await writeSet(join(folder, `names${ending}`), { pictures }));
      assert.deepEqual(keys, names, ending);
    }
  }));

Deno.test("embedding files: what is none, or damaged, is refused by name", () =>
  withFolder(async (folder) => {
    const path = (name: string) => join(folder, name);
    await Deno.writeFile(path("other.safetensors"), encodeSafetensors({}));
    await Deno.writeTextFile(path("text.parquet"), "no parquet");
    await Deno.writeTextFile(path("text.lmdb"), "no LMDB");
    await Deno.writeTextFile(path("alone.npy"), "numbers");
    const newer = JSON.stringify({ format: "semantic-ae embedding", version: 99 });
    await Deno.writeFile(path("newer.safetensors"), encodeSafetensors({}, { embedding: newer }));
    for (
      const [name, message] of [
        ["none.safetensors", /there is no such embedding file/],
        ["other.safetensors", /holds no embedding that deno task embed has written/],
        ["text.parquet", /not a usable Parquet file/],
        ["text.lmdb", /text\.lmdb: no LMDB file/],
        ["alone.npy", /alone\.npy\.jsonl is missing/],
        ["newer.safetensors", /has format version 99; this program reads up to 1/],
      ] as const
    ) await assert.rejects(openEmbedding(path(name)), message, name);
    assert.deepEqual(
      await Promise.all(
        ["none.safetensors", "other.safetensors", "text.parquet", "text.lmdb", "none.lmdb"].map((name) =>
          isEmbedding(path(name))
        ),
      ),
      Array(5).fill(false),
    );
    const empty = {
      uri: "empty",
      length: 0,
      labels: [],
      get: () => Promise.reject(),
      key: () => Promise.reject(),
    };
    await assert.rejects(
      embedData({ ...model, data: { ...empty, close: () => Promise.resolve() }, out: path("x.npy") }),
      /empty: holds no picture that can be read/,
    );
    assert.ok(
      ![...Deno.readDirSync(folder)].some(({ name }) => name.startsWith(".")),
      "nothing is left over",
    );
  }));

Deno.test("embedding files: an LMDB that is cut short or damaged is refused, and pictures' shards are none", () =>
  withFolder(async (folder) => {
    const data = await pictures(join(folder, "data")), out = join(folder, "a.lmdb");
    // Features of this size stand in pages of their own.
    await embedData({ ...model, data, out, tokens: ["all", "class"], onBad: () => {} });
    const whole = await Deno.readFile(out), other = join(folder, "b.lmdb");
    const opened = async (bytes: Uint8Array) => {
      await Deno.writeFile(other, bytes);
      const file = await openEmbedding(other);
      try {
        return [await file.rows("all"), await file.rows("class"), await file.keys(), file.labels, file.info];
      } finally {
        file.close();
      }
    };
    const wanted = await opened(whole);
    for (let length = 0; length < whole.length; length += 1024) {
      await assert.rejects(
        opened(whole.subarray(0, length)),
        (error: Error) => error.message.startsWith(other),
        `${length}`,
      );
    }
    await assert.rejects(opened(whole.subarray(0, whole.length - 1)), /cut short/);
    // A flipped bit is told, or lies where nothing stands.
    let told = 0;
    for (let at = 4096; at < whole.length; at += 509) {
      const bytes = whole.slice();
      bytes[at] ^= 4;
      await opened(bytes).then((found) => assert.deepEqual(found, wanted, `${at}`), (error: Error) => {
        assert.ok(error.message.startsWith(other), error.message);
        told++;
      });
    }
    assert.ok(told > 20, `${told} were told`);
    // What an interrupted write has left is not read, and the next one removes it.
    await Deno.writeFile(join(folder, ".partial-a.lmdb-12345678"), whole.subarray(0, 9000));
    await embedData({ ...model, data, out, tokens: ["all", "class"], onBad: () => {} });
    assert.deepEqual(await Deno.readFile(out), whole);
    assert.ok(![...Deno.readDirSync(folder)].some(({ name }) => name.startsWith(".partial")));
    await pack(data, join(folder, "shards"));
    const shard = join(folder, "shards", "shard-00000.lmdb");
    assert.equal(await isEmbedding(shard), false);
    await assert.rejects(openEmbedding(shard), /holds no embedding that deno task embed has written/);
    await data.close();
  }));

Deno.test("embedding: what fails before any part is written leaves nothing", () =>
  withFolder(async (folder) => {
    const source = await openSource(await colourFolder(join(folder, "data"), 2));
    const broken: Source = {
      ...source,
      place: undefined,
      get: () => Promise.reject(new Error("the disk is gone")),
    };
    const out = join(folder, "a.safetensors");
    await assert.rejects(embedData({ ...model, data: broken, out }), /the disk is gone/);
    assert.deepEqual([...Deno.readDirSync(folder)].map(({ name }) => name), ["data"]);
    await source.close();
  }));

Deno.test("embedding: one that is stopped while its file is written goes on there, and embeds nothing twice", () =>
  withFolder(async (folder) => {
    const source = await openSource(await colourFolder(join(folder, "data"), 2));
    const out = join(folder, "a.safetensors"),
      same = { ...model, data: source, out },
      stop = new AbortController();
    const last = ({ done, total }: { done: number; total: number | null }) => {
      if (done === total) stop.abort(new Error("stopped"));
    };
    await assert.rejects(embedData({ ...same, signal: stop.signal, progress: last }), /stopped/);
    const names = () => [...Deno.readDirSync(folder)].map(({ name }) => name).sort();
    assert.deepEqual(names(), [".a.safetensors.embedding", "data"]);
    await embedData({ ...same, progress: ({ embedded }) => assert.equal(embedded, 0) });
    assert.deepEqual(names(), ["a.safetensors", "data"]);
    await source.close();
  }));
