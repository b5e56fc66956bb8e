import assert from "node:assert/strict";
import { join } from "node:path";
import { readOwnJson } from "../../src/files/own_json.ts";
import { withFolder } from "../with_folder.ts";

Deno.test("own JSON: an object is read, none is null, and what is damaged is named with what to do", () =>
  withFolder(async (folder) => {
    const path = join(folder, "result.json"), read = () => readOwnJson(path, "remove it");
    assert.equal(await read(), null);
    await Deno.writeTextFile(path, '{"a":[1]}\n');
    assert.deepEqual(await read(), { a: [1] });
    for (const text of ["", '{"a":[1', "null", "[1]", "\0\0\0"]) {
      await Deno.writeTextFile(path, text);
      await assert.rejects(read(), { message: `${path}: damaged, it holds no JSON object; remove it` });
    }
    await assert.rejects(
      readOwnJson(folder, "remove it"),
      (error: Error) => error.message.startsWith(folder),
    );
  }));
