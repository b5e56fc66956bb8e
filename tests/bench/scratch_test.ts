import assert from "node:assert/strict";
import { join } from "node:path";
import { openScratch } from "../../bench/whole_sides.ts";
import { withFolder } from "../with_folder.ts";

Deno.test("a benchmark's folder goes with it, and so does what a killed one has left", () =>
  withFolder(async (folder) => {
    const place = join(folder, "bench");
    await Deno.mkdir(join(folder, ".bench.partial"));
    await Deno.writeTextFile(join(folder, ".bench.partial", "left"), "x");
    {
      await using room = await openScratch(place);
      assert.deepEqual([...Deno.readDirSync(room.path)], []);
      await Deno.writeTextFile(join(room.path, "new"), "x");
    }
    assert.deepEqual([...Deno.readDirSync(folder)].filter(({ isDirectory }) => isDirectory), []);
  }));
