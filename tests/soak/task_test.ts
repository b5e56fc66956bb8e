import assert from "node:assert/strict";
import { join } from "node:path";
import { soakTask } from "../../tasks/soak.ts";
import { capture } from "../cli/capture.ts";
import { withFolder } from "../with_folder.ts";

Deno.test({
  name: "--work makes a new folder: one that is there, or that cannot be made, is told in words",
  ignore: Deno.build.os === "windows",
  fn: () =>
    withFolder(async (folder) => {
      for (
        const [work, why] of [[folder, "exists; --work makes a new folder"], [
          join(folder, "a/b"),
          "no such file",
        ]]
      ) {
        const { code, out, err } = await capture(soakTask, ["--work", work]);
        assert.deepEqual([code, out], [1, ""]);
        assert.ok(err.startsWith(`error: ${work}: ${why}`), err);
      }
    }),
});
