import assert from "node:assert/strict";
import { task, type TaskGroup } from "../../src/cli/command.ts";
import { InterruptedError } from "../../src/cli/interrupt.ts";
import { choice, onOff, text, whole } from "../../src/cli/kinds.ts";
import { UsageError } from "../../src/cli/usage_error.ts";
import { deno } from "../user.ts";
import { capture } from "./capture.ts";

/** A command that does or throws what it is told. */
const act = task({
  name: "act",
  summary: "Acts.",
  operands: {
    what: { value: "WHAT", help: "what happens" },
    more: { value: "MORE", help: "other things", many: true, optional: true },
  },
  options: {
    times: { kind: whole(1), help: "how often", default: 2, group: "Amounts" },
    way: { kind: choice("loud", "quiet"), help: "how", default: "quiet", env: "ACT_WAY" },
    label: { kind: text, help: "what it is called", value: "NAME", usually: "none" },
    json: { kind: onOff, help: "as JSON" },
  },
  examples: [["act up --way loud", "acts up"]],
  tables: { "Environment variables": { NO_COLOR: "is honoured" } },
  notes: ["A note."],
}, async ({ what, more, times, json }, { print, progress, interruptible }) => {
  const { signal } = interruptible("ending");
  await Promise.resolve();
  progress.line(`acting ${times} times`);
  progress.status(() => "half", true);
  switch (what) {
    case "wrong":
      throw new UsageError("that cannot be");
    case "fail":
      throw new Error("no luck\n  on two lines");
    case "bug":
      return (undefined as unknown as { x: number }).x;
    case "system":
      throw new Deno.errors.NotFound("No such file or directory (os error 2): open 'x'");
    case "text":
      throw "words";
    case "seven":
      return 7;
    case "wait":
      signal.throwIfAborted();
      return;
    default:
      print(json ? JSON.stringify({ what, more }) : `${what} ${more?.join("+")}`);
  }
});

const group: TaskGroup = {
  name: "stage",
  summary: "Several.",
  tasks: { act: { summary: "acts", load: () => Promise.resolve(act) } },
};

Deno.test("a result goes to the standard output, all else to the error output", async () => {
  const { code, out, err } = await capture(act, ["up", "a", "b", "--json"]);
  assert.deepEqual([code, out], [0, '{"what":"up","more":["a","b"]}\n']);
  assert.equal(err, "acting 2 times\nhalf\n");
});

Deno.test("errors are one line, with the exit code of their kind", async () => {
  const cases: [string, number, RegExp][] = [
    ["wrong", 2, /^error: that cannot be\n$/],
    ["fail", 1, /^error: no luck \| on two lines\n$/],
    ["system", 1, /^error: No such file or directory: open 'x'\n$/],
    ["text", 1, /^error: words\n$/],
    ["bug", 1, /^error: .* \(a mistake of this program; .*\)\nTypeError[^]*run_test\.ts/],
    ["seven", 7, /^$/],
  ];
  for (const [what, expected, message] of cases) {
    const { code, out, err } = await capture(act, [what]);
    assert.deepEqual([code, out], [expected, ""], what);
    assert.match(err.replace("acting 2 times\nhalf\n", ""), message);
  }
  const { code, err } = await capture(act, ["up", "--tims", "3"]);
  assert.deepEqual([code, err], [2, "error: unknown option --tims; did you mean --times?\n"]);
});

Deno.test("a command that was interrupted ends with the signal's code and without an error", async () => {
  const interrupt = AbortSignal.abort(new InterruptedError("stopped by SIGINT"));
  const { code, err } = await capture(act, ["wait"], { interrupt });
  assert.deepEqual([code, err], [130, "acting 2 times\nhalf\n"]);
});

Deno.test("the help is made from the command, for lines of any width", async () => {
  const { code, out, err } = await capture(act, ["--help"]);
  assert.deepEqual([code, err], [0, ""]);
  assert.equal(
    out,
    `Acts.

  deno task act WHAT [MORE…] [options]

  WHAT                        what happens
  MORE                        other things

Amounts
  --times N                   how often [2]

Options
  --way NAME                  how (loud, quiet); or by ACT_WAY [quiet]
  --label NAME                what it is called [none]
  --json                      as JSON
  -h, --help                  this text

A note.

Examples
  deno task act up --way loud
      acts up

Environment variables
  NO_COLOR                    is honoured

Exit code: 0 done, 1 failed, 2 wrong arguments, 129, 130 or 143 stopped by SIGHUP, SIGINT or
SIGTERM.
`,
  );
  for (const columns of [40, 60, 200]) {
    const narrow = (await capture(act, ["--help"], { columns })).out;
    for (const line of narrow.split("\n")) assert.ok(line.length <= columns, `${columns}: ${line}`);
    assert.deepEqual(narrow.split(/\s+/), out.split(/\s+/));
  }
});

Deno.test("a group: one of its commands, its help, or what was probably meant", async () => {
  assert.equal((await capture(group, ["act", "up"])).out, "up undefined\n".replace("undefined", ""));
  assert.match(
    (await capture(group, ["--help"])).out,
    /Several\.\n\n {2}stage act +acts\n\n[^]*deno task stage NAME --help/,
  );
  const cases: [string[], string][] = [
    [[], "stage takes one of act; see --help"],
    [["atc"], 'stage takes one of act, not "atc"; did you mean act?'],
    [["__proto__"], 'stage takes one of act, not "__proto__"; see --help'],
  ];
  for (const [args, message] of cases) {
    assert.deepEqual(await capture(group, args), { code: 2, out: "", err: `error: ${message}\n` });
  }
  const alone = { ...group, alone: act };
  assert.equal((await capture(alone, ["act", "up", "x"])).out, "up x\n");
  assert.equal(
    (await capture(alone, ["--json"])).err,
    "error: act takes WHAT [MORE…]; WHAT is missing, see --help\n",
  );
});

Deno.test("what a library logs does not get among the results", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const at = (name: string) => JSON.stringify(import.meta.resolve(`../../src/cli/${name}.ts`));
    const program = `import { task } from ${at("command")}; import { start } from ${at("run")};
      await start(task({ name: "x", summary: "" }, async (_, { print }) => {
        console.log("noise");
        print("result");
      }));`;
    await Deno.writeTextFile(`${folder}/x.ts`, program);
    const { code, out, err } = await deno(folder, [
      "run",
      "-A",
      "--no-check",
      "--no-lock",
      "--quiet",
      "x.ts",
    ]);
    assert.deepEqual([code, out, err], [0, "result\n", "noise\n"]);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
