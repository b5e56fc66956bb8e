/** Commands that are stopped while a server asks them to wait for ten minutes end at once. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { flagName, type Task } from "../src/cli/command.ts";
import { InterruptedError } from "../src/cli/interrupt.ts";
import { packTask } from "../tasks/pack.ts";
import { trainTask } from "../tasks/train.ts";
import { capture } from "./cli/capture.ts";
import { server } from "./data/http_servers.ts";
import { withFolder } from "./data/pictures.ts";
import { MINUSCULE } from "./train/fixture.ts";

const settings = { ...MINUSCULE, engine: "wasm", epochPictures: 24 };
const flags = Object.entries(settings).map(([key, value]) => `--${flagName(key)}=${value}`);

const CASES: [what: string, task: Task, args: (url: string, folder: string) => string[]][] = [
  ["pack of a stream", packTask, (url, folder) => [`${url}.tar`, join(folder, "made")]],
  ["pack by range requests", packTask, (url, folder) => [`${url}.parquet`, join(folder, "made")]],
  ["train", trainTask, (url, folder) => ["--data", `${url}.tar`, "--out", join(folder, "made"), ...flags]],
];

for (const [what, task, args] of CASES) {
  Deno.test(`${what} stops at once while a server asks to wait`, () =>
    withFolder(async (folder) => {
      const stop = new AbortController();
      await using running = server(() =>
        new Response("", { status: 429, headers: { "retry-after": "600" } })
      );
      const { code, err } = await capture(task, args(running.url, folder), {
        interrupt: stop.signal,
        said(text) {
          if (text.includes("asks to wait")) stop.abort(new InterruptedError("stopped"));
        },
      });
      assert.equal(code, 130, err);
      assert.match(err, /asks to wait 10 min; waiting \(up to 15 min in all\)/);
      assert.doesNotMatch(err, /error/);
      const made = [...Deno.readDirSync(folder)].map(({ name }) => name);
      assert.deepEqual(made, task === trainTask ? ["made"] : []);
    }));
}
