import assert from "node:assert/strict";
import { join } from "node:path";
import { figuresOf, followLines, type Program, runWhole, sampleTree } from "../../bench/whole_run.ts";
import { withFolder } from "../with_folder.ts";

/** A shell script as a program; `$0` is its file of marks. */
function script(folder: string, lines: string): Program {
  const marks = join(folder, "marks.jsonl");
  return {
    command: "sh",
    args: ["-c", lines, marks],
    cwd: folder,
    env: Deno.env.toObject(),
    marks,
    pictures: 4,
  };
}

const never = new AbortController().signal, unix = Deno.build.os !== "windows";

Deno.test("figures are those of the steps, from the first step and from the start", () => {
  const marks = [{ at: 5, loss: 9 }, { at: 6, loss: 8 }, { at: 7, loss: 6 }, { at: 8, loss: 4 }, {
    at: 9,
    loss: 3,
  }];
  const memory = [{ at: 1, bytes: 10 }, { at: 4, bytes: 30 }, { at: 8, bytes: 20 }, { at: 10, bytes: 45 }];
  assert.deepEqual(figuresOf({ marks, memory }, 4), {
    steady: 4,
    whole: 20 / 9,
    first: 5,
    firstLoss: 8.5,
    lastLoss: 3.5,
    peak: 30,
    last: 20,
    most: 45,
  });
  const { peak, last } = figuresOf({ marks, memory: [] }, 4);
  assert.deepEqual([peak, last], [undefined, undefined]);
  assert.throws(() => figuresOf({ marks: marks.slice(0, 1), memory }, 4), /only 1 steps were seen/);
});

Deno.test("a file that grows is followed line by line", () =>
  withFolder(async (folder) => {
    const path = join(folder, "lines"), follow = followLines(path);
    assert.deepEqual(follow(), []);
    await Deno.writeTextFile(path, "a\nb");
    assert.deepEqual(follow(), ["a"]);
    await Deno.writeTextFile(path, "c\nd\n", { append: true });
    assert.deepEqual(follow(), ["bc", "d"]);
    assert.deepEqual(follow(), []);
  }));

Deno.test({
  name: "memory is that of a program and its children",
  ignore: Deno.build.os !== "linux",
  fn: async () => {
    // Only the child holds 64 MB.
    const child = `const held = new Uint8Array(64e6).fill(1); setTimeout(() => held, 600_000)`;
    const args = ["-c", `"$0" eval '${child}' & trap 'kill $!' TERM; wait`, Deno.execPath()];
    const program = new Deno.Command("sh", { args }).spawn();
    for await (const { bytes } of sampleTree(program.pid)) {
      if (bytes < 64e6) continue;
      // It ends, and so do the samples.
      program.kill("SIGTERM");
      assert.ok(bytes < 1e9, `${bytes} bytes`);
    }
    await program.status;
  },
});

Deno.test({
  name: "a program's steps are seen, and no other lines",
  ignore: !unix,
  fn: () =>
    withFolder(async (folder) => {
      const lines = ['{"loss": 3}', '{"loss": 2}', '{"evaluator": "x"}'];
      const run = await runWhole(
        script(folder, lines.map((line) => `echo '${line}' >> "$0"`).join("\n")),
        never,
      );
      assert.deepEqual(run.marks.map(({ loss }) => loss), [3, 2]);
    }),
});

Deno.test({
  name: "a program that fails says what it said",
  ignore: !unix,
  fn: () =>
    withFolder(async (folder) => {
      const failing = script(folder, "echo no such thing >&2; exit 3");
      await assert.rejects(runWhole(failing, never), /ended with code 3:\nno such thing/);
    }),
});
