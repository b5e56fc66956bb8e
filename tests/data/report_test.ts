import assert from "node:assert/strict";
import { gzipSync } from "node:zlib";
import { contactSheet } from "../../src/data/contact_sheet.ts";
import { decodePicture } from "../../src/data/picture/decode.ts";
import { closeData } from "../../src/data/open/data.ts";
import { openData } from "../../src/data/open/open_data.ts";
import { reportData } from "../../src/data/report.ts";
import { dataTask } from "../../tasks/data.ts";
import { capture } from "../cli/capture.ts";
import { fixturePath } from "./helpers.ts";
import { A, HEIGHT, miniCoco, WIDTH } from "./mini_coco.ts";
import { jpeg, png, withFolder, writeFiles } from "./pictures.ts";
import { tarFile } from "./tar_writer.ts";

Deno.test("a report says what a folder and a stream hold", async () => {
  await withFolder(async (folder) => {
    const pictures = [await jpeg(1, 60, 40), await png(2, 80, 20), await jpeg(3, 61, 41)];
    const names = ["cat/a.jpg", "cat/b.png", "dog/c.jpg"];
    const files = Object.fromEntries(names.map((name, i) => [name, pictures[i]]));
    await writeFiles(`${folder}/photos`, { ...files, "dog/bad.jpg": new Uint8Array([1, 2, 3]) });
    const entries = names.map((name, i) => ({ name: name.slice(4), content: new Uint8Array(pictures[i]) }));
    await Deno.writeFile(`${folder}/t.tar.gz`, gzipSync(tarFile(entries)));

    const data = await openData(`${folder}/photos`);
    const report = await reportData(data, { sheet: 2, sheetSize: 16 });
    await closeData(data);
    assert.deepEqual([report.access, report.seen, report.total, report.bad], ["random", 4, 4, 1]);
    assert.deepEqual(report.formats, { jpeg: 2, png: 1 });
    assert.deepEqual([report.width, report.height!.median], [{ min: 60, median: 61, max: 80 }, 40]);
    assert.deepEqual(report.labels, [{ name: "cat", count: 2 }, { name: "dog", count: 1 }]);
    assert.match(report.examples[0].key + report.examples[0].reason, /dog\/bad\.jpg.*no JPEG/);
    assert.equal(report.bytes, pictures.reduce((sum, { length }) => sum + length, 0));
    const sheet = contactSheet(report)!;
    assert.deepEqual([sheet.width, sheet.height, report.sheet.length], [34, 16, 2]);

    const stream = await openData(`${folder}/t.tar.gz`);
    const streamed = await reportData(stream, { count: 2 });
    await closeData(stream);
    assert.deepEqual([streamed.access, streamed.seen, streamed.total, streamed.bad], ["stream", 2, null, 0]);
    assert.equal(contactSheet({ sheet: [], sheetSize: 9 }), null);
  });
});

Deno.test("a report counts each record once, also of a mixture with a stream: what cannot be read, and nulls", () =>
  withFolder(async (folder) => {
    const good = await jpeg(1);
    await writeFiles(`${folder}/photos`, { "a.jpg": good, "empty.jpg": new Uint8Array(0) });
    await Deno.symlink("nowhere", `${folder}/photos/gone.jpg`);
    const content = new Uint8Array(good);
    await Deno.writeFile(`${folder}/t.tar.gz`, gzipSync(tarFile([{ name: "b.jpg", content }])));
    // Three nulls, a path without bytes, zero bytes, and a picture.
    const table = fixturePath("absent.parquet"), parts = [`${folder}/photos`, table];
    const counted = async (uri: string) => {
      const data = await openData(uri), report = await reportData(data, { sheet: 1 });
      await closeData(data);
      const { read, bad, withoutPicture } = report.account;
      return [report.seen, read, bad, withoutPicture];
    };
    assert.deepEqual(await counted(parts.join()), [9, 2, 4, 3]);
    assert.deepEqual(await counted([...parts, `${folder}/t.tar.gz`].join()), [10, 3, 4, 3]);
  }));

Deno.test("deno task data prints the report and writes the sheet", async () => {
  await withFolder(async (folder) => {
    await writeFiles(`${folder}/photos`, { "a.jpg": await jpeg(1), "b.jpg": await jpeg(2) });
    const run = (...args: string[]) => capture(dataTask, args);
    const { code, out, err } = await run(`${folder}/photos`, "--sheet", `${folder}/sheet.png`);
    assert.equal(code, 0, err);
    assert.match(out, /pictures +2, 0 bad\n.*\nformats +jpeg 100/);
    assert.match(err, /^2 of 2 pictures$/m);
    assert.match((await run(`${folder}/photos`, "--count=1", "--no-sheet")).err, /^1 of 1 picture$/m);
    assert.equal((await decodePicture(await Deno.readFile(`${folder}/sheet.png`))).height, 96);
    assert.equal((await run()).code, 2);
    const missing = await run(`${folder}/none`);
    assert.deepEqual([missing.code, /none: no such/.test(missing.err)], [1, true]);
    await writeFiles(`${folder}/named`, {
      "red\nfish/a.jpg": await jpeg(1),
      "b\x1b[1m/a.jpg": await jpeg(2),
    });
    const named = await run(`${folder}/named`, "--no-sheet");
    assert.match(named.out, /^classes +2: b\\x1b\[1m 1, red\\nfish 1$/m);
  });
});

Deno.test("deno task data --boxes counts boxes and draws them on the sheet", () =>
  withFolder(async (folder) => {
    await miniCoco(`${folder}/coco`);
    await writeFiles(`${folder}/photos`, { "a.jpg": await jpeg(1) });
    const data = await openData(`coco:${folder}/coco`, { objects: true });
    const report = await reportData(data, { sheetSize: 96 });
    await closeData(data);
    assert.deepEqual(report.objects, { count: 3, crowds: 1, pictures: 3 });
    const { width, data: pixels } = contactSheet(report)!;
    // The crowd is the last of four: its box is white, and so is what was painted in it; the first's has a colour.
    const colours = (n: number) => {
      const [x, y, w, h] = A, left = n % 2 * 98, top = Math.floor(n / 2) * 98, found = new Set<string>();
      const [x0, x1] = [x, x + w].map((edge) => left + edge * 96 / WIDTH);
      const [y0, y1] = [y, y + h].map((edge) => top + edge * 96 / HEIGHT);
      for (let at = x0; at < x1; at++) {
        for (const row of [y0, y1 - 1]) {
          found.add(pixels.subarray((row * width + at) * 3, (row * width + at) * 3 + 3).join());
        }
      }
      return [...found];
    };
    assert.deepEqual(colours(3), ["255,255,255"]);
    assert.equal(colours(0).length, 1);
    assert.notDeepEqual(colours(0), colours(3));

    const sheet = `${folder}/sheet.png`;
    const good = await capture(dataTask, [`coco:${folder}/coco`, "--boxes", "--sheet", sheet]);
    assert.match(good.out, /^boxes +3, 1 of them crowds; 3 of 4 pictures show any$/m, good.err);
    assert.equal((await decodePicture(await Deno.readFile(sheet))).width, 2 * 98 - 2);
    const plain = await capture(dataTask, [`coco:${folder}/coco`, "--no-sheet", "--json"]);
    assert.equal(JSON.parse(plain.out).objects, null);
    const none = await capture(dataTask, [`coco:${folder}/coco,${folder}/photos`, "--boxes", "--no-sheet"]);
    assert.deepEqual(
      [none.code, /error: .*photos: has no boxes; COCO's format/.test(none.err)],
      [1, true],
      none.err,
    );
  }));
