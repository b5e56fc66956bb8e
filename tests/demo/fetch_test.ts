import assert from "node:assert/strict";
import { join } from "node:path";
import fc from "npm:fast-check@4.10.2";
import { openSource } from "../../src/data/open/open_data.ts";
import { fetchEmoji } from "../../src/demo/fetch.ts";
import { prepareDemo } from "../../src/demo/pack.ts";
import { isHeldOut, parseKey, selectMeanings } from "../../src/demo/select.ts";
import { drawing, entry, fakeEmoji, fakeOptions } from "./fake.ts";
import { withFolder } from "../with_folder.ts";

Deno.test("demo: skin tones, Component and what one hand lacks are left out", () => {
  const names = selectMeanings(fakeEmoji(3)).map(({ unified }) => unified);
  assert.deepEqual(names, ["a000", "a001", "a002", "no-picture"]);
  assert.throws(() => selectMeanings([{ unified: 1 }]), /no list of emoji/);
  assert.throws(() => selectMeanings({ entry: entry("a", "b") }), /no list of emoji/);
});

Deno.test("demo: the split depends on the meaning alone, and is about a tenth", () => {
  // Written down once: whoever changes the split changes what every table so far was about.
  const held = Array.from({ length: 60 }, (_, i) => `1f6${i}`).filter(isHeldOut);
  assert.deepEqual(held, ["1f615", "1f623", "1f634", "1f635", "1f641"]);
  fc.assert(
    fc.property(fc.uniqueArray(fc.string({ minLength: 1 }), { minLength: 1, maxLength: 20 }), (names) => {
      const once = names.map(isHeldOut);
      return names.toReversed().map(isHeldOut).toReversed().every((side, i) => side === once[i]);
    }),
  );
  const share = Array.from({ length: 5000 }, (_, i) => `meaning-${i}`).filter(isHeldOut).length / 5000;
  assert.ok(share > .085 && share < .115, `${share}`);
});

Deno.test("demo: keys name hand and meaning", () => {
  assert.deepEqual(parseKey("google/1f600"), { hand: "google", unified: "1f600" });
  for (const key of ["apple/1f600", "google", "google/", "a/google/b"]) {
    assert.throws(() => parseKey(key), /no key of the demo/);
  }
});

Deno.test("demo: pictures are fetched once, tarballs and drafts are gone", () =>
  withFolder(async (folder) => {
    const options = await fakeOptions(folder, 4);
    const lines: string[] = [];
    const first = await fetchEmoji({ ...options, progress: (line) => lines.push(line) });
    assert.deepEqual(first.meanings.map(({ unified }) => unified), ["a000", "a001", "a002", "a003"]);
    assert.deepEqual(await Deno.readFile(join(first.folder, "twitter", "a001.png")), drawing(1, "twitter"));
    assert.deepEqual(first.meanings[1], { unified: "a001", category: "Odd", name: "name a001" });
    const names = (await Array.fromAsync(Deno.readDir(folder))).map(({ name }) => name).sort();
    assert.deepEqual(names, ["emoji", "made"]);
    const hands = (await Array.fromAsync(Deno.readDir(join(folder, "emoji")))).map(({ name }) => name).sort();
    assert.deepEqual(hands, ["google", "meanings.json", "twitter"]);
    assert.equal(lines.length, 3);

    assert.deepEqual(await fetchEmoji(options), first);
    assert.equal(options.downloads(), 2);
  }));

Deno.test("demo: of two that want the pictures at once, one fetches and packs, and the other waits for it", () =>
  withFolder(async (folder) => {
    const options = await fakeOptions(folder, 30), lines: string[] = [];
    const [a, b] = await Promise.all([fetchEmoji(options), fetchEmoji(options)]);
    assert.deepEqual(a, b);
    const say = (line: string) => void lines.push(line);
    const [c, d] = await Promise.all([prepareDemo(say, options), prepareDemo(say, options)]);
    assert.deepEqual(c, d);
    assert.equal(options.downloads(), 2);
    assert.equal(lines.filter((line) => line.startsWith("packing")).length, 1);
    assert.match(lines.join("\n"), /waiting for this very process.*, which has the demo's shards/);
    const names = (await Array.fromAsync(Deno.readDir(folder))).map(({ name }) => name).sort();
    assert.deepEqual(names, ["emoji", "made", "shards"]);
  }));

Deno.test("demo: a list of meanings that is cut off is fetched anew", () =>
  withFolder(async (folder) => {
    const options = await fakeOptions(folder, 3), first = await fetchEmoji(options);
    await Deno.truncate(join(first.folder, "meanings.json"), 10);
    assert.deepEqual(await fetchEmoji(options), first);
    assert.equal(options.downloads(), 4);
  }));

Deno.test("demo: a tarball that is not the expected one is refused and leaves nothing", () =>
  withFolder(async (folder) => {
    const options = await fakeOptions(folder, 3);
    const corrupted = {
      ...options,
      download: async (hand: "google" | "twitter", to: string) => {
        const path = await options.download(hand, to);
        const bytes = await Deno.readFile(path);
        if (hand === "twitter") bytes[bytes.length >> 1] ^= 4;
        await Deno.writeFile(path, bytes);
        return path;
      },
    };
    await assert.rejects(
      fetchEmoji(corrupted),
      /twitter\.tgz is not the file that was expected.*sha512-.*--data/s,
    );
    const names = (await Array.fromAsync(Deno.readDir(folder))).map(({ name }) => name);
    assert.deepEqual(names, ["made"]);
    // The next try is not harmed.
    assert.equal((await fetchEmoji(options)).meanings.length, 3);
  }));

Deno.test("demo: no npm and a failing npm are told in words", () =>
  withFolder(async (folder) => {
    const bin = join(folder, "bin");
    await Deno.mkdir(bin);
    const script = 'import { fetchEmoji } from "MODULE";'.replace(
      "MODULE",
      import.meta.resolve("../../src/demo/fetch.ts"),
    ) +
      `try { await fetchEmoji({ folder: ${
        JSON.stringify(join(folder, "emoji"))
      } }); } catch (e) { console.log(e.message); }`;
    const run = async () => {
      const { stdout, stderr } = await new Deno.Command(Deno.execPath(), {
        args: ["eval", script],
        env: { PATH: bin },
      }).output();
      return new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
    };
    assert.match(
      await run(),
      /npm, which was not found: install Node with npm, or train on pictures of your own/,
    );
    await Deno.writeTextFile(join(bin, "npm"), "#!/bin/sh\necho 'code ENOTFOUND' >&2\nexit 7\n", {
      mode: 0o755,
    });
    assert.match(
      await run(),
      /npm could not fetch emoji-datasource-google@16.0.0 \(exit 7\).*network.*ENOTFOUND/s,
    );
  }));

Deno.test("demo: shards hold both hands of a meaning on one side, with categories", () =>
  withFolder(async (folder) => {
    const options = await fakeOptions(folder, 40);
    const paths = await prepareDemo(undefined, options);
    const sides: Record<string, string[]> = {};
    for (const side of ["train", "heldout"] as const) {
      const source = await openSource(paths[side]);
      assert.deepEqual(source.labels, ["Even", "Odd"]);
      sides[side] = [];
      for (let i = 0; i < source.length; i++) {
        const record = await source.get(i);
        const { hand, unified } = parseKey(record.key), number = Number(unified.slice(1));
        assert.equal(source.labels[record.label!], number % 2 ? "Odd" : "Even");
        assert.deepEqual(record.bytes, drawing(number, hand));
        assert.equal(isHeldOut(unified), side === "heldout");
        sides[side].push(record.key);
      }
      await source.close();
    }
    assert.equal(new Set([...sides.train, ...sides.heldout]).size, 80);
    assert.ok(sides.heldout.length > 0);
    const meanings = (keys: string[]) => new Set(keys.map((key) => parseKey(key).unified));
    assert.equal(meanings(sides.train).size * 2, sides.train.length);
    assert.equal(meanings(sides.heldout).size * 2, sides.heldout.length);

    // A second call finds the shards; damaged ones are made anew without another download.
    assert.deepEqual(await prepareDemo(undefined, options), paths);
    for await (const { name } of Deno.readDir(paths.heldout)) {
      if (name.endsWith(".lmdb")) await Deno.truncate(join(paths.heldout, name), 5000);
    }
    await prepareDemo(undefined, options);
    const again = await openSource(paths.heldout);
    assert.equal(again.length, sides.heldout.length);
    await again.close();
    assert.equal(options.downloads(), 2);
  }));
