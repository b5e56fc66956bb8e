import assert from "node:assert/strict";
import { join } from "node:path";
import { InterruptedError } from "../../../src/cli/interrupt.ts";
import { engineTask } from "../../../tasks/engine.ts";
import { capture } from "../../cli/capture.ts";
import { withFolder } from "../../with_folder.ts";
import { withVariables } from "../../with_variables.ts";

Deno.test({
  name: "an installation that is stopped while it fetches leaves nothing, and says no more than that",
  ignore: Deno.build.os !== "linux" || Deno.build.arch !== "x86_64",
  fn: () =>
    withFolder(async (folder) => {
      const bin = join(folder, "bin"), cache = join(folder, "cache"), stop = new AbortController();
      await Deno.mkdir(bin);
      // A pip that gets no answer.
      await Deno.writeTextFile(join(bin, "python3"), "#!/bin/sh\nexec sleep 600\n", { mode: 0o755 });
      const variables = { SEMANTIC_AE_CACHE: cache, PATH: `${bin}:${Deno.env.get("PATH")}` };
      const { code, err } = await withVariables(variables, () =>
        capture(engineTask, ["install", "xla-cpu"], {
          interrupt: stop.signal,
          said: (text) =>
            text.includes("Downloading") && stop.abort(new InterruptedError("stopped by SIGINT")),
        }));
      assert.equal(code, 130, err);
      assert.doesNotMatch(err, /error/);
      assert.deepEqual([...Deno.readDirSync(join(cache, "engines"))], []);
    }),
});
