import assert from "node:assert/strict";
import { gzipSync } from "node:zlib";
import { fileURLToPath } from "node:url";
import { decodePicture } from "../../src/data/picture/decode.ts";
import { openDecoder } from "../../src/data/decode/decoder.ts";
import { openFolder } from "../../src/data/sources/folder.ts";
import { openData, openSource } from "../../src/data/open/open_data.ts";
import { pack, type PackOptions, type PackProgress } from "../../src/data/pack.ts";
import { basePicture, resize } from "../../src/data/picture/resize.ts";
import type { Source } from "../../src/data/types.ts";
import { tarFile } from "./tar_writer.ts";
import { packTask } from "../../tasks/pack.ts";
import { capture } from "../cli/capture.ts";
import { jpeg, makeFolder, png, withFolder, worst, writeFiles } from "./pictures.ts";

const namesIn = (folder: string) => [...Deno.readDirSync(folder)].map((entry) => entry.name).sort();

async function recordsOf(source: Source) {
  const records = await Promise.all(Array.from({ length: source.length }, (_, i) => source.get(i)));
  await source.close();
  return records;
}

Deno.test("packed pictures are the folder's, byte for byte, over as many shards as the size asks", () =>
  withFolder(async (folder) => {
    await makeFolder(`${folder}/src`, 30, 3);
    const source = await openFolder(`${folder}/src`);
    const progress: PackProgress[] = [];
    const report = await pack(source, `${folder}/deep/dest/`, {
      shardSize: 2000,
      progress: (now) => progress.push(now),
    });
    assert.ok(report.shards > 2);
    assert.deepEqual([report.records, report.bad], [30, []]);
    const shards = Array.from(
      { length: report.shards },
      (_, i) => `shard-${String(i).padStart(5, "0")}.lmdb`,
    );
    assert.deepEqual(namesIn(`${folder}/deep/dest`), ["report.json", ...shards].sort());
    assert.deepEqual(namesIn(`${folder}/deep`), ["dest"]);
    assert.deepEqual(JSON.parse(await Deno.readTextFile(`${folder}/deep/dest/report.json`)), report);
    assert.deepEqual(progress.map(({ done }) => done), Array.from({ length: 30 }, (_, i) => i + 1));
    assert.deepEqual(progress.at(-1), {
      done: 30,
      total: 30,
      bytes: report.bytes,
      bad: 0,
      shards: report.shards,
    });

    const packed = await openSource(`${folder}/deep/dest`);
    assert.deepEqual(packed.labels, source.labels);
    assert.deepEqual(await recordsOf(packed), await recordsOf(source));
    // Shards are a source like any other.
    const shardSource = await openSource(`${folder}/deep/dest`);
    const again = await pack(shardSource, `${folder}/one`);
    await shardSource.close();
    assert.deepEqual([again.shards, again.records], [1, 30]);
  }));

Deno.test("pictures that cannot be read are listed in the report and not packed", () =>
  withFolder(async (folder) => {
    const photo = await jpeg();
    await writeFiles(`${folder}/src`, {
      "good.png": await png(),
      "half.jpg": photo.slice(0, photo.length / 2),
      "zip.jpg": new Uint8Array([0x50, 0x4b, 3, 4]),
      "good.jpg": photo,
      "empty.png": new Uint8Array(0),
    });
    await Deno.symlink("nowhere", `${folder}/src/link.png`);
    const source = await openFolder(`${folder}/src`);
    const report = await pack(source, `${folder}/dest`);
    const reasons = Object.fromEntries(report.bad.map(({ key, reason }) => [key, reason]));
    assert.deepEqual(Object.keys(reasons), ["empty.png", "half.jpg", "link.png", "zip.jpg"]);
    assert.match(reasons["half.jpg"], /no end marker/);
    assert.match(reasons["link.png"], /no such file/);
    const records = await recordsOf(await openSource(`${folder}/dest`));
    assert.deepEqual(records.map((record) => record.key), ["good.jpg", "good.png"]);
    // Looking at first bytes only, half a JPEG passes.
    const sniffed = await pack(source, `${folder}/sniffed`, { check: "sniff" });
    assert.deepEqual(sniffed.bad.map(({ key }) => key), ["empty.png", "link.png", "zip.jpg"]);
  }));

Deno.test("nothing is overwritten, and a pack that fails leaves nothing", () =>
  withFolder(async (folder) => {
    await makeFolder(`${folder}/src`, 4);
    await writeFiles(folder, {
      "bad/x.png": new Uint8Array(9),
      "file": new Uint8Array(1),
      "full/x": new Uint8Array(1),
    });
    await Deno.mkdir(`${folder}/empty`);
    // As of a process that died when it had published the folder.
    await Deno.writeTextFile(`${folder}/.full.lock`, "");
    const source = await openFolder(`${folder}/src`);
    for (const dest of ["file", "full", "empty", "src"]) {
      await assert.rejects(pack(source, `${folder}/${dest}`), /exists already; nothing is overwritten/);
    }
    await assert.rejects(pack(source, ".."), /name a new folder/);
    await assert.rejects(pack(source, `${folder}/file/below`), /below: cannot read: Not a directory/);
    await assert.rejects(pack(source, `${folder}/dest`, { shardSize: 0 }), /shard size/);
    await assert.rejects(
      pack(await openFolder(`${folder}/bad`), `${folder}/dest`),
      /no picture to pack; 1 are bad, the first: x.png/,
    );
    const stop = new AbortController();
    await assert.rejects(
      pack(source, `${folder}/dest`, {
        signal: stop.signal,
        progress: () => stop.abort(new Error("enough")),
      }),
      /enough/,
    );
    const broken: Source = { ...source, get: () => Promise.reject(new Error("the disk is gone")) };
    await assert.rejects(pack(broken, `${folder}/dest`), /the disk is gone/);
    assert.deepEqual(namesIn(folder), ["bad", "empty", "file", "full", "src"]);
  }));

const equal = (a: Uint8Array, b: Uint8Array) => a.length === b.length && a.every((byte, i) => byte === b[i]);

const meanError = (a: Uint8Array, b: Uint8Array) =>
  a.reduce((sum, value, i) => sum + Math.abs(value - b[i]), 0) / a.length;

const TASK = fileURLToPath(import.meta.resolve("../../tasks/pack.ts"));

Deno.test("a pack that is killed leaves nothing that reads as whole, and the next one works", () =>
  withFolder(async (folder) => {
    await makeFolder(`${folder}/src`, 400);
    const dest = `${folder}/out/dest`;
    // A shard for each picture: enough of them are finished when the process dies.
    const child = new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "--no-check", "--no-lock", TASK, `${folder}/src`, dest, "--shard-size", "1"],
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    const texts = Promise.all([child.stdout.text(), child.stderr.text()]);
    const draftFiles = () => {
      try {
        return [...Deno.readDirSync(`${folder}/out`)].filter(({ isDirectory }) => isDirectory)
          .flatMap(({ name }) =>
            namesIn(`${folder}/out/${name}`).map((file) => `${folder}/out/${name}/${file}`)
          );
      } catch {
        return [];
      }
    };
    for (let tries = 0; draftFiles().length < 10 && tries < 3000; tries++) {
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    child.kill("SIGKILL");
    const status = await child.status;
    await texts;
    assert.equal(status.signal, "SIGKILL", "the pack was over before it was killed");

    await assert.rejects(openSource(dest), /no such file or folder/);
    assert.deepEqual(namesIn(`${folder}/out`), [".dest.lock", ".dest.partial"]);
    // LMDB's own lock files lie beside shards that are being written.
    const left = draftFiles().filter((path) => !path.endsWith("-lock"));
    assert.ok(left.length > 5, `${left.length} files`);
    // One that was just being made may have no byte yet.
    for (const path of left) await assert.rejects(openSource(path), /unfinished shard|empty: 0 bytes/, path);
    const draft = left[0].slice(0, left[0].lastIndexOf("/"));
    await assert.rejects(openSource(draft), /no pictures/);

    const source = await openFolder(`${folder}/src`);
    await pack(source, dest);
    assert.deepEqual(namesIn(`${folder}/out`), ["dest"], "what the killed one left is gone");
    assert.equal((await recordsOf(await openSource(dest))).length, 400);
  }));

Deno.test({
  name: "a pack for which there is no room says so, whenever it finds out, and leaves nothing",
  ignore: Deno.build.os === "windows",
}, () =>
  withFolder(async (folder) => {
    await makeFolder(`${folder}/src`, 400);
    // Blocks of 512 bytes. LMDB crashes where only a part of its first two pages can be written, which 13 blocks are.
    await Promise.all([13, 200].map(async (blocks) => {
      const { code, stderr } = await new Deno.Command("sh", {
        args: ["-c", `trap '' XFSZ; ulimit -f ${blocks}; exec "$0" "$@"`, Deno.execPath()].concat(
          [
            "run",
            "-A",
            "--no-check",
            "--no-lock",
            "--quiet",
            TASK,
            `${folder}/src`,
            `${folder}/out/${blocks}`,
          ],
        ),
        env: { NO_COLOR: "1" },
      }).output();
      const text = new TextDecoder().decode(stderr);
      assert.equal(code, 1, text);
      assert.match(text, /^error: \S+\.partial: cannot write: the file would be larger than allowed here/m);
    }));
    assert.deepEqual(namesIn(`${folder}/out`), []);
  }));

Deno.test("two packs to one place at once: one wins, the other is told at once by whom it is in use", () =>
  withFolder(async (folder) => {
    await makeFolder(`${folder}/src`, 12);
    const source = await openFolder(`${folder}/src`);
    const results = await Promise.allSettled(
      [0, 1].map(() => pack(source, `${folder}/dest`, { shardSize: 500 })),
    );
    // Either may be first to ask the system for the lock.
    assert.deepEqual(results.map(({ status }) => status).sort(), ["fulfilled", "rejected"]);
    const refused = results.find(({ status }) => status === "rejected");
    assert.match(
      String((refused as PromiseRejectedResult).reason),
      /dest is in use by this very process, process \d+ on .* since .*Z\. Wait until it is done, or name another folder/,
    );
    assert.deepEqual(namesIn(folder), ["dest", "src"]);
    assert.equal((await recordsOf(await openSource(`${folder}/dest`))).length, 12);
  }));

Deno.test("shards have the modes that the umask leaves", () =>
  withFolder(async (folder) => {
    await makeFolder(`${folder}/src`, 2);
    const before = Deno.umask(0o027), source = await openFolder(`${folder}/src`);
    try {
      await pack(source, `${folder}/dest`);
    } finally {
      Deno.umask(before);
      await source.close();
    }
    const mode = (path: string) => Deno.statSync(`${folder}/${path}`).mode! & 0o777;
    assert.deepEqual(["dest", "dest/report.json", "dest/shard-00000.lmdb"].map(mode), [0o750, 0o640, 0o640]);
  }));

Deno.test("the task packs, reports, and explains wrong arguments", () =>
  withFolder(async (folder) => {
    await makeFolder(`${folder}/src`, 3);
    await writeFiles(`${folder}/src`, { "broken.png": new Uint8Array(3) });
    const run = (...args: string[]) => capture(packTask, args);
    const good = await run(`${folder}/src`, `${folder}/dest`, "--shard-size", "1MiB");
    assert.equal(good.code, 0, good.err);
    assert.match(good.out, /3 pictures, .* 1 shard, 2 classes/);
    assert.match(good.out, /1 picture could not be read.*report\.json:\n {2}broken\.png: no JPEG/);
    assert.match(good.err, /4 of 4 pictures: .*, 1 shard, 1 bad/);
    const again = await run(`${folder}/src`, `${folder}/dest`);
    assert.equal(again.code, 1);
    assert.match(again.err, /^error: .*exists already/m);
    const none = `${folder}/none`;
    const wrong: [RegExp, ...string[]][] = [
      [/^error: --shard-size is "big", but it must be a size, such as 500MB/, "--shard-size", "big"],
      [/^error: --quality is "0", .* a whole number from 1 to 100$/, "--max-side", "64", "--quality", "0"],
      [
        /^error: --quality is "101", .* a whole number from 1 to 100$/,
        "--max-side",
        "64",
        "--quality",
        "101",
      ],
      [/^error: --quality is for pictures that are made smaller: give --max-side too$/, "--quality", "80"],
      [/^error: --max-side is "1e9", .* a whole number from 1 to 65535$/, "--max-side", "1e9"],
      [/^error: --raw is "-3", .* a whole number from 1 to 65535$/, "--raw=-3"],
      [/^error: --raw and --max-side exclude each other$/, "--raw", "32", "--max-side", "64"],
    ];
    await Promise.all(wrong.map(async ([words, ...flags]) => {
      const { code, out, err } = await run(`${folder}/src`, none, ...flags);
      assert.equal(code, 2, err);
      // One line, and nothing else.
      assert.match(err.trimEnd(), words);
      assert.equal(out, "");
    }));
    assert.ok(!namesIn(folder).includes("none"));
  }));

Deno.test("the task's --max-side, --quality and --raw: smaller records that decode to about the same pictures", () =>
  withFolder(async (folder) => {
    const files = {
      "a.jpg": await jpeg(1, 320, 240),
      "b.png": await png(2, 200, 300),
      "c.jpg": await jpeg(3, 90, 60),
    };
    await writeFiles(`${folder}/src`, files);
    const packed = async (dest: string, ...flags: string[]) => {
      const { code, err } = await capture(packTask, [`${folder}/src`, `${folder}/${dest}`, ...flags]);
      assert.equal(code, 0, err);
      const records = await recordsOf(await openSource(`${folder}/${dest}`));
      assert.deepEqual(records.map(({ key }) => key), Object.keys(files));
      return await Promise.all(
        records.map(async ({ bytes }) => ({ bytes, picture: await decodePicture(bytes) })),
      );
    };
    const [coarse, fine, usual, raw] = await Promise.all([
      packed("coarse", "--max-side", "128", "--quality", "30"),
      packed("fine", "--max-side", "128", "--quality", "100"),
      packed("usual", "--max-side", "128"),
      packed("raw", "--raw", "48"),
    ]);
    for (const [i, file] of Object.values(files).entries()) {
      const whole = await decodePicture(file);
      const base = basePicture(whole, 48);
      assert.equal(raw[i].picture.width * raw[i].picture.height, 48 * 48);
      assert.ok(worst(raw[i].picture.data, base) <= 8);
      const scale = Math.min(1, 128 / Math.max(whole.width, whole.height));
      const [width, height] = [whole.width, whole.height].map((side) => Math.round(side * scale));
      const wanted = scale < 1 ? resize(whole, width, height, "bicubic") : whole;
      const errors = [fine, usual, coarse].map((made) => {
        const { picture } = made[i];
        assert.deepEqual([picture.width, picture.height], [width, height]);
        return meanError(picture.data, wanted.data);
      });
      // What is small enough stays as it is, whatever the quality.
      if (scale === 1) assert.ok([coarse, fine, usual].every((made) => equal(made[i].bytes, file)));
      else {
        assert.ok(errors[0] < errors[1] && errors[1] < errors[2] && errors[2] < 12, `${errors}`);
        const sizes = [coarse, usual, fine].map((made) => made[i].bytes.length);
        assert.ok(sizes[0] < sizes[1] && sizes[1] < sizes[2] && sizes[2] < file.length, `${sizes}`);
      }
    }
  }));

Deno.test("--max-side makes larger pictures smaller and leaves the others; --raw stores base pictures", () =>
  withFolder(async (folder) => {
    const [large, small] = [await jpeg(1, 320, 240), await jpeg(2, 50, 64)];
    await writeFiles(`${folder}/src`, {
      "a/large.jpg": large,
      "b/small.jpg": small,
      "b/x.jpg": new Uint8Array(9),
    });
    const source = await openFolder(`${folder}/src`);
    const made = await pack(source, `${folder}/made`, { maxSide: 64, quality: 95 });
    assert.deepEqual([made.records, made.bad.length], [2, 1]);
    assert.match(made.pictures, /at most 64 pixels, smaller ones as JPEG 95/);
    const [first, second] = await recordsOf(await openSource(`${folder}/made`));
    assert.deepEqual(second.bytes, small);
    assert.ok(first.bytes.length < large.length && first.label === 0);
    const shrunk = await decodePicture(first.bytes), whole = await decodePicture(large);
    assert.deepEqual([shrunk.width, shrunk.height], [64, 48]);
    assert.ok(worst(shrunk.data, resize(whole, 64, 48, "bicubic").data) <= 16);

    await pack(source, `${folder}/raw`, { raw: 32 });
    await source.close();
    const [raw] = await recordsOf(await openSource(`${folder}/raw`));
    const picture = await decodePicture(raw.bytes);
    assert.deepEqual([picture.width, picture.height], [32, 32]);
    assert.ok(worst(picture.data, basePicture(whole, 32)) <= 8);
    const decoder = openDecoder({ size: 32 });
    assert.deepEqual(await decoder.base(raw.bytes), picture.data);
    decoder.close();
    await assert.rejects(
      decodePicture(raw.bytes.subarray(0, 2000)),
      /a PPM of 32 × 32 needs 3072 bytes of pixels/,
    );

    const refuse = (options: PackOptions, words: RegExp) =>
      assert.rejects(pack(source, `${folder}/no`, options), words);
    await refuse({ raw: 32, maxSide: 64 }, /exclude each other/);
    await refuse({ quality: 80 }, /give max side too/);
    await refuse({ maxSide: 64, quality: 0 }, /quality must be/);
    await refuse({ raw: 0.5 }, /raw must be/);
  }));

Deno.test("classes of a stream are packed, numbers and names", () =>
  withFolder(async (folder) => {
    const picture = await jpeg();
    const packed = async (name: string, contents: (string | null)[]) => {
      const entries = contents.flatMap((content, i) => [
        { name: `${i}.jpg`, content: picture },
        ...(content === null ? [] : [{ name: `${i}.cls`, content }]),
      ]);
      await Deno.writeFile(`${folder}/${name}.tar.gz`, gzipSync(tarFile(entries)));
      const data = await openData(`${folder}/${name}.tar.gz`);
      // Each picture has a shard of its own.
      const report = await pack(data, `${folder}/${name}`, { shardSize: 1 });
      const source = await openSource(`${folder}/${name}`);
      assert.deepEqual(source.labels, report.labels);
      return { report, labels: (await recordsOf(source)).map(({ label }) => label) };
    };
    const names = await packed("names", ["emu", "cat", null, "emu", "7"]);
    assert.deepEqual([names.report.labels, names.labels], [["emu", "cat", "7"], [0, 1, undefined, 0, 2]]);
    assert.deepEqual(names.report.passedOver, []);
    const numbers = await packed("numbers", ["2", "0", null, "cat", "1"]);
    assert.deepEqual([numbers.report.labels, numbers.labels], [["0", "1", "2"], [
      2,
      0,
      undefined,
      undefined,
      1,
    ]]);
    assert.deepEqual(numbers.report.passedOver, [
      {
        what: "label",
        why: "is a name, where the classes before are numbers",
        count: 1,
        example: '3 ("cat")',
      },
    ]);
  }));
