/** `deno task report RUN…`: a page that shows what runs have recorded. */
import { join } from "node:path";
import { task } from "../src/cli/command.ts";
import { text } from "../src/cli/kinds.ts";
import { openOutput } from "../src/cli/output_file.ts";
import { start } from "../src/cli/run.ts";
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
  },
  notes: ["The page needs no network and opens from the disk in any browser."],
  examples: [
    ["report runs/mine", "runs/mine/report.html"],
    ["report runs/mine runs/other --out both.html", "two runs over each other"],
  ],
}, async ({ runs, out }, { print }) => {
  const file = out ?? join(runs[0], "report.html"), page = await runsPage(runs);
  const output = await openOutput(file, "--out FILE names another place");
  await output.write(page);
  print(file);
});

if (import.meta.main) await start(reportTask);
