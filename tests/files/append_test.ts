import assert from "node:assert/strict";
import { join } from "node:path";
import { appendAll } from "../../src/files/append.ts";
import { withFolder } from "../with_folder.ts";
import { systemError } from "./faulty_disk.ts";

Deno.test("append: all bytes, also where the system takes few at a time; a failure names the file", () => {
  const got: number[] = [];
  const slow = {
    writeSync(bytes: Uint8Array) {
      if (got.length >= 4) throw systemError("ENOSPC", "No space left on device");
      got.push(...bytes.subarray(0, 2));
      return Math.min(2, bytes.length);
    },
  };
  appendAll(slow, "run/metrics.jsonl", Uint8Array.of(1, 2, 3));
  assert.deepEqual(got, [1, 2, 3]);
  assert.throws(
    () => appendAll(slow, "run/metrics.jsonl", Uint8Array.of(4, 5, 6)),
    { message: /^run\/metrics\.jsonl: cannot write: no space is left on the device; make room/ },
  );
});

/** Writes into each log of a run until it fails, and says why. */
const program = (folder: string) => {
  const from = (path: string) => JSON.stringify(import.meta.resolve(`../../src/${path}`));
  return `import { openMetrics } from ${from("train/run/metrics_file.ts")};
    import { openEventFile } from ${from("train/run/event_file.ts")};
    import { openBadLog } from ${from("data/epoch/bad_log.ts")};
    const folder = ${JSON.stringify(folder)}, until = (write) => {
      try {
        for (let i = 0; i < 1e5; i++) write(i);
      } catch (error) {
        console.log(error.message);
      }
    };
    const metrics = await openMetrics(folder + "/metrics.jsonl", 0);
    until((step) => metrics.write({ step, epoch: 0, loss: 1 }));
    const events = await openEventFile(folder + "/events", 0);
    until((step) => events.scalars(step, { loss: 1 }));
    const bad = await openBadLog(folder + "/bad.jsonl");
    until((i) => bad.add({ source: "photos", key: String(i), reason: "no picture" }));`;
};

Deno.test({
  name: "append: logs of a run that grow too large for the disk are named, and what to do",
  ignore: Deno.build.os === "windows",
  fn: () =>
    withFolder(async (folder) => {
      const { stdout } = await new Deno.Command("bash", {
        args: [
          "-c",
          `trap '' XFSZ; ulimit -f 100; exec "$0" eval --no-check "$1"`,
          Deno.execPath(),
          program(folder),
        ],
      }).output();
      const lines = new TextDecoder().decode(stdout).trim().split("\n");
      const said = "cannot write: the file would be larger than allowed here";
      assert.equal(lines.length, 3, lines.join("\n"));
      assert.ok(lines[0].startsWith(`${join(folder, "metrics.jsonl")}: ${said}`), lines[0]);
      assert.ok(lines[1].startsWith(join(folder, "events", "events.out.tfevents")), lines[1]);
      assert.ok(lines[1].includes(`: ${said}`), lines[1]);
      assert.ok(lines[2].startsWith(`${join(folder, "bad.jsonl")}: ${said}`), lines[2]);
    }),
});
