/** `deno task report RUN…`: a page that shows what runs have recorded. */
import { join } from "node:path";
import { task } from "../src/cli/command.ts";
import { onOff, text } from "../src/cli/kinds.ts";
import { openOutput } from "../src/cli/output_file.ts";
import { start } from "../src/cli/run.ts";
import { SERVE, SERVE_NOTE, serveArguments } from "../src/cli/serve_options.ts";
import { UsageError } from "../src/cli/usage_error.ts";
import { REPORT_PORT, serveReport } from "../src/report/serve.ts";
import { runsPage } from "../src/report/write.ts";

export const reportTask = task({
  name: "report",
  summary:
    "Makes one HTML page of what runs have recorded: curves, pictures, bad records, settings, machine.",
  operands: {
    runs: {
      value: "RUN",
      help: "run folders, also of runs that are going on; several are laid over each other",
      many: true,
    },
  },
  options: {
    out: {
      kind: text,
      help: "where the page goes",
      value: "FILE",
      usually: "report.html in the first run folder",
    },
    ...SERVE,
    serve: { kind: onOff, help: "serve a page that keeps itself up to date, until it is stopped" },
    port: { ...SERVE.port, usually: String(REPORT_PORT) },
  },
  notes: [
    "The page needs no network and opens from the disk in any browser.",
    SERVE_NOTE,
  ],
  examples: [
    ["report runs/mine", "runs/mine/report.html"],
    ["report runs/mine runs/other --out both.html", "two runs over each other"],
    ["report runs/mine --serve", "watches a run while it trains"],
  ],
}, async ({ runs, out, ...given }, { print, progress, interruptible }) => {
  const serving = serveArguments(given);
  if (serving) {
    if (out !== undefined) throw new UsageError("--serve writes no file: leave --out out, or --serve");
    const { signal } = interruptible("the server ends");
    const { url, finished } = await serveReport(runs, { ...serving, signal });
    print(url);
    progress.line("Ctrl-C ends it");
    return await finished;
  }
  const file = out ?? join(runs[0], "report.html"), page = await runsPage(runs);
  const output = await openOutput(file, "--out FILE names another place");
  await output.write(page);
  print(file);
});

if (import.meta.main) await start(reportTask);
