import assert from "node:assert/strict";
import { join } from "node:path";
import { publishFile } from "../../../src/files/publish.ts";
import { keepBefore } from "../../../src/train/run/put_back.ts";
import { withFolder } from "../../with_folder.ts";

Deno.test("a run's files are put back as they were before a resume, until they are forgotten", () =>
  withFolder(async (out) => {
    const write = (name: string, text: string) => publishFile(join(out, name), text);
    const read = (name: string) => Deno.readTextFile(join(out, name));
    const names = () => Array.from(Deno.readDirSync(out), ({ name }) => name).sort();
    await write("config.json", "first");
    await write("metrics.jsonl", "a line\n".repeat(20_000));
    using before = await keepBefore({ out, resume: true });
    await write("config.json", "refused");
    await write("metrics.jsonl", "");
    await write("machine.json", "of the refused start");
    await before.putBack();
    assert.deepEqual(names(), ["config.json", "metrics.jsonl"]);
    assert.equal(await read("config.json"), "first");
    assert.equal(await read("metrics.jsonl"), "a line\n".repeat(20_000));
    using again = await keepBefore({ out, resume: true });
    await write("config.json", "second");
    again.forget();
    await again.putBack();
    assert.equal(await read("config.json"), "second");
    // Of a new run there is nothing to put back.
    using begun = await keepBefore({ out, resume: false });
    await write("config.json", "third");
    await begun.putBack();
    assert.equal(await read("config.json"), "third");
  }));
