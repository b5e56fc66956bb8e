import assert from "node:assert/strict";
import { openBadLog } from "../../../src/data/epoch/bad_log.ts";
import { withFolder } from "../pictures.ts";

Deno.test("bad.jsonl names every faulty record once, also when the run is resumed", async () => {
  await withFolder(async (folder) => {
    const path = `${folder}/bad.jsonl`;
    const record = (key: string) => ({ source: "s", key, reason: `damaged ${key}` });
    const log = await openBadLog(path);
    await assert.rejects(Deno.stat(path), Deno.errors.NotFound);
    assert.deepEqual([log.add(record("a")), log.add(record("b")), log.add(record("a"))], [true, true, false]);
    log.close();
    // A kill in the middle of a line.
    await Deno.writeTextFile(path, '{"source":"s","ke', { append: true });
    const again = await openBadLog(path);
    assert.deepEqual([again.add(record("b")), again.add(record("c"))], [false, true]);
    assert.equal(again.add({ ...record("c"), source: "other" }), true);
    again.close();
    const lines = (await Deno.readTextFile(path)).trimEnd().split("\n").map((line) => JSON.parse(line));
    assert.deepEqual(lines.map(({ source, key }) => source + key), ["sa", "sb", "sc", "otherc"]);
    assert.deepEqual(lines[0], record("a"));
    await Deno.writeTextFile(path, "no json\n");
    await assert.rejects(openBadLog(path), /bad\.jsonl: line 1 is no JSON/);
  });
});
