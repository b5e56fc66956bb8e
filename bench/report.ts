/** `deno task bench report`: how long a long run's page takes, and how long a served one until it is seen. */
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { task } from "../src/cli/command.ts";
import { text, whole } from "../src/cli/kinds.ts";
import { UsageError } from "../src/cli/usage_error.ts";

/** The command as a user starts it. */
const CONFIG = fileURLToPath(new URL("../deno.json", import.meta.url));
const COMMAND = ["task", "--quiet", "--config", CONFIG, "report"];

/** A run folder with so many steps, and an evaluation now and then. */
async function longRun(folder: string, steps: number): Promise<void> {
  await Deno.writeTextFile(join(folder, "config.json"), JSON.stringify({ preset: "tiny" }));
  using file = await Deno.create(join(folder, "metrics.jsonl"));
  const encoder = new TextEncoder();
  for (let from = 1; from <= steps; from += 1000) {
    let lines = "";
    for (let step = from; step < from + 1000 && step <= steps; step++) {
      const wave = Math.sin(step / 7), fall = 1 / Math.sqrt(step);
      const terms = {
        reconstruction1: 0.5 + fall,
        reconstruction2: 0.5 + fall,
        class: 2 + wave * fall,
        patch: 3,
      };
      const rates = {
        gradNorm: 2 + wave,
        lr: 1e-3 * fall,
        wd: 0.1,
        imagesPerSecond: 130 + wave,
        waiting: fall,
      };
      lines +=
        JSON.stringify({ step, epoch: Math.floor(step / 1000), loss: 9 + wave, ...terms, ...rates, bad: 0 }) +
        "\n";
      if (step % 500 === 0) {
        lines += JSON.stringify({ step, epoch: 0, evaluator: "knn", seconds: 1, top1: 1 - fall }) + "\n";
      }
    }
    const bytes = encoder.encode(lines);
    for (let at = 0; at < bytes.length;) at += await file.write(bytes.subarray(at));
  }
}

/** Seconds from the command to its page on the disk. */
async function timePage(run: string): Promise<{ seconds: number; bytes: number }> {
  const page = join(run, "report.html"), start = performance.now();
  const { code, stderr } = await new Deno.Command(Deno.execPath(), { args: [...COMMAND, run, "--out", page] })
    .output();
  if (code !== 0) throw new Error(new TextDecoder().decode(stderr));
  return { seconds: (performance.now() - start) / 1000, bytes: (await Deno.stat(page)).size };
}

/** The first line of a stream. */
async function firstLine(stream: ReadableStream<Uint8Array>): Promise<string> {
  let text = "";
  for await (
    const part of stream.pipeThrough(new TextDecoderStream() as TransformStream<Uint8Array, string>)
  ) {
    text += part;
    if (text.includes("\n")) break;
  }
  return text.split("\n")[0];
}

/** Seconds from the command with --serve to its page's last byte, and in a browser to the first paint. */
async function timeServed(run: string, chromium?: string): Promise<{ answer: number; paint?: number }> {
  let browser: { close(): Promise<void> } | undefined;
  const open = chromium === undefined ? undefined : await (async () => {
    const { default: puppeteer } = await import("npm:puppeteer-core@25.16.0");
    const args = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"];
    const launched = await puppeteer.launch({ executablePath: chromium, headless: true, args });
    browser = launched;
    return await launched.newPage();
  })();
  const start = performance.now();
  const server = new Deno.Command(Deno.execPath(), {
    args: [...COMMAND, run, "--serve", "--port", "0"],
    stdout: "piped",
    stderr: "null",
  }).spawn();
  try {
    const url = await firstLine(server.stdout);
    if (!open) {
      await (await fetch(url)).text();
      return { answer: (performance.now() - start) / 1000 };
    }
    const navigated = performance.now();
    await open.goto(url);
    await open.waitForSelector(".chart canvas");
    const paint = await open.evaluate(
      `performance.getEntriesByName("first-contentful-paint")[0].startTime`,
    ) as number;
    return { answer: (navigated - start) / 1000, paint: (navigated - start + paint) / 1000 };
  } finally {
    server.kill("SIGTERM");
    await server.status;
    await browser?.close();
  }
}

const middle = (values: number[]) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];

export const benchTask = task({
  name: "bench report",
  summary: "The page of a long run: seconds to make it, and from the start of --serve until it is seen.",
  options: {
    steps: { kind: whole(1, 10_000_000), help: "steps of the run", default: 100_000 },
    rounds: { kind: whole(1, 100), help: "how often each is measured; the middle one counts", default: 5 },
    chromium: {
      kind: text,
      help: "a browser to see the served page with; without it only its answer is timed",
      value: "PROGRAM",
      env: "CHROMIUM",
    },
  },
}, async ({ steps, rounds, chromium }, { print, progress }) => {
  if (chromium && !await Deno.stat(chromium).then(({ isFile }) => isFile, () => false)) {
    throw new UsageError(`--chromium ${chromium}: there is no such program`);
  }
  const run = await Deno.makeTempDir();
  try {
    progress.line(`writing a run of ${steps} steps`);
    await longRun(run, steps);
    const pages: number[] = [], answers: number[] = [], paints: number[] = [];
    let bytes = 0;
    for (let round = 1; round <= rounds; round++) {
      progress.status(() => `round ${round} of ${rounds}`, round === rounds);
      const page = await timePage(run), served = await timeServed(run, chromium);
      bytes = page.bytes;
      pages.push(page.seconds);
      answers.push(served.answer);
      if (served.paint !== undefined) paints.push(served.paint);
    }
    const row = (name: string, values: number[]) =>
      `${name.padEnd(37)}${middle(values).toFixed(2)} s  (${Math.min(...values).toFixed(2)} … ${
        Math.max(...values).toFixed(2)
      })`;
    print(row("report RUN, to the page on the disk", pages));
    print(row(chromium ? "report RUN --serve, to its address" : "report RUN --serve, to the page", answers));
    if (paints.length > 0) print(row("  to the first paint", paints));
    print(`${"the page".padEnd(37)}${(bytes / 1e6).toFixed(2)} MB`);
  } finally {
    await Deno.remove(run, { recursive: true });
  }
});
