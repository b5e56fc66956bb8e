/**
 * `deno task test`: all tests, in two processes side by side; tests of one process share its environment and its engines,
 * so each does one after another. With arguments, only the files and options that they name, in one process.
 */
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Summary, summaryLine, summaryOf } from "./summary.ts";

const ROOT = fileURLToPath(new URL("..", import.meta.url));

const OPTIONS = [
  ...[
    "--no-prompt",
    "--sanitize-ops",
    "--sanitize-resources",
    "--allow-read",
    "--allow-write",
    "--allow-ffi",
  ],
  ...["--allow-env", "--allow-sys", "--allow-run", "--allow-net=127.0.0.1"],
];

/** Folders of tests that take about as long as all others. */
const FIRST = ["engine", "model", "train"];

/** What the second process runs: the other tests, and the examples in the documentation. */
function others(): string[] {
  const names = Array.from(Deno.readDirSync(join(ROOT, "tests")))
    .filter(({ name, isDirectory }) => isDirectory ? name !== "fixtures" : name.endsWith("_test.ts"))
    .map(({ name }) => name).filter((name) => !FIRST.includes(name));
  return ["--doc", ...names.sort().map((name) => `tests/${name}`), "src", "mod.ts"];
}

/** A run of `deno test`; what it says is kept until it is shown. */
function start(args: readonly string[]) {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["test", ...OPTIONS, ...args],
    cwd: ROOT,
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const said: Uint8Array[] = [];
  let shown = false;
  const listen = async (stream: ReadableStream<Uint8Array>) => {
    for await (const chunk of stream) {
      said.push(chunk);
      if (shown) await writeAll(chunk);
    }
  };
  const ended = Promise.all([listen(child.stdout), listen(child.stderr)]).then(() => child.status);
  return {
    kill: (signal: Deno.Signal) => child.kill(signal),
    /** Shows what it has said and what it says from now on, until it ends. */
    async show(): Promise<{ success: boolean; summary?: Summary }> {
      for (let i = 0; i < said.length; i++) await writeAll(said[i]);
      shown = true;
      const { success } = await ended;
      const text = said.map((chunk) => new TextDecoder().decode(chunk)).join("");
      return { success, summary: summaryOf(text) };
    },
  };
}

async function writeAll(bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length;) at += await Deno.stdout.write(bytes.subarray(at));
}

if (import.meta.main) {
  const began = performance.now();
  const shares = Deno.args.length > 0 ? [Deno.args] : [FIRST.map((name) => `tests/${name}`), others()];
  const running = shares.map(start);
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    Deno.addSignalListener(signal, () => {
      for (const { kill } of running) {
        try {
          kill(signal);
        } catch {
          // It has ended.
        }
      }
    });
  }
  const summaries: Summary[] = [];
  let good = true;
  for (const { show } of running) {
    const { success, summary } = await show();
    good &&= success && summary !== undefined;
    if (summary) summaries.push(summary);
  }
  if (shares.length > 1) console.log(summaryLine(summaries, good, (performance.now() - began) / 1000));
  Deno.exit(good ? 0 : 1);
}
