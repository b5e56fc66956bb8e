import assert from "node:assert/strict";
import { join } from "node:path";
import { soakTask } from "../../tasks/soak.ts";
import { capture } from "../cli/capture.ts";
import { withFolder } from "../with_folder.ts";
import { withVariables } from "../with_variables.ts";

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

Deno.test({
  name:
    "a soak that cannot run leaves no temporary folder; one that is stopped says so, also by its exit code",
  ignore: Deno.build.os === "windows",
  fn: () =>
    withFolder(async (folder) => {
      const names = () => Array.from(Deno.readDirSync(folder), ({ name }) => name);
      const nothing = { TMPDIR: folder, PJRT_PLUGIN: undefined, SEMANTIC_AE_CACHE: join(folder, "none") };
      await withVariables(nothing, async () => {
        const refused = await capture(soakTask, ["--engine", "xla"]);
        assert.deepEqual([refused.code, refused.out, names()], [1, "", []]);
        assert.match(refused.err, /^error: engine xla is not installed/);
        const interrupt = AbortSignal.abort();
        const stopped = await capture(soakTask, ["--engine", "wasm", "--seed", "3"], { interrupt });
        assert.deepEqual([stopped.code, names()], [130, []]);
        assert.match(stopped.out, /^soak .* minutes, engine wasm, seed 3, broken off$/m);
        assert.match(stopped.out, / min \(stopped\), seed 3 \|/);
      });
    }),
});
