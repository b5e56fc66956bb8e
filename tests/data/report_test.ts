import assert from "node:assert/strict";
import { gzipSync } from "node:zlib";
import { decodePicture } from "../../src/data/picture/decode.ts";
import { closeData } from "../../src/data/open/data.ts";
import { openData } from "../../src/data/open/open_data.ts";
import { contactSheet, reportData } from "../../src/data/report.ts";
import { dataTask } from "../../tasks/data.ts";
import { capture } from "../cli/capture.ts";
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

Deno.test("deno task data prints the report and writes the sheet", async () => {
  await withFolder(async (folder) => {
    await writeFiles(`${folder}/photos`, { "a.jpg": await jpeg(1), "b.jpg": await jpeg(2) });
    const run = (...args: string[]) => capture(dataTask, args);
    const { code, out, err } = await run(`${folder}/photos`, "--sheet", `${folder}/sheet.png`);
    assert.equal(code, 0, err);
    assert.match(out, /pictures +2, 0 bad\n.*\nformats +jpeg 100/);
    assert.equal((await decodePicture(await Deno.readFile(`${folder}/sheet.png`))).height, 96);
    assert.equal((await run()).code, 2);
    const missing = await run(`${folder}/none`);
    assert.deepEqual([missing.code, /none: no such/.test(missing.err)], [1, true]);
  });
});
