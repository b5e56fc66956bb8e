/** `deno task data URI`: says what a data set holds and how fast it can be read. */
import { parseArgs } from "node:util";
import { closeData, openData } from "../src/data/open/opened.ts";
import { contactSheet, type DataReport, reportData } from "../src/data/report.ts";
import { pathError } from "../src/data/io/paths.ts";
import { encodePng } from "../src/data/picture/png.ts";

const HELP = `Reads a data set once, decodes every picture, and says what is there.

  deno task data URI [flags]

  URI                  a folder of pictures, LMDB shards, tar shards (data-{000..146}.tar), Parquet, coco:PATH,
                       imagenet:PATH, http(s) URLs of tar or Parquet, or several as A*0.3,B*0.7

  --sheet FILE         where the contact sheet of 64 pictures goes, a PNG (default contact-sheet.png)
  --no-sheet           write none
  --count N            look at the first N pictures only
  --image-size N       side of the base pictures that the pass makes (default 224)
  --labels FILE        class names, one a line, for tar shards and LMDBs whose classes are numbers
  --json               print the report as JSON
  --help               this text`;

/** What was typed cannot be meant. */
class UsageError extends Error {}

function readArguments(args: string[]) {
  let parsed;
  try {
    parsed = parseArgs({
      args,
      allowPositionals: true,
      options: {
        sheet: { type: "string", default: "contact-sheet.png" },
        "no-sheet": { type: "boolean", default: false },
        count: { type: "string" },
        "image-size": { type: "string" },
        labels: { type: "string" },
        json: { type: "boolean", default: false },
        help: { type: "boolean", short: "h", default: false },
      },
    });
  } catch (error) {
    throw new UsageError(`${(error as Error).message.split(". ")[0]}; see --help`);
  }
  const { values, positionals } = parsed;
  if (values.help) return null;
  if (positionals.length !== 1) throw new UsageError("data takes one URI; see --help");
  const whole = (flag: "count" | "image-size", most: number) => {
    const text = values[flag];
    if (text === undefined) return undefined;
    if (/^[1-9]\d*$/.test(text) && Number(text) <= most) return Number(text);
    throw new UsageError(`--${flag}: "${text}" is no whole number from 1 to ${most}`);
  };
  const { labels, json } = values, sheet = values["no-sheet"] ? null : values.sheet;
  const count = whole("count", 2 ** 32), imageSize = whole("image-size", 4096);
  return { uri: positionals[0], sheet, count, labels, json, imageSize };
}

const share = (part: number, whole: number) => `${(100 * part / whole).toFixed(1)} %`;

/** The report for people. */
function formatReport(report: DataReport): string {
  const { seen, total, bad, bytes, formats, width, height, labels, unlabelled, seconds } = report;
  const good = seen - bad, row = (name: string, text: string) => `${name.padEnd(12)}${text}`;
  const of = total === null || total === seen ? "" : ` of ${total}`;
  const access = {
    random: "records by index: an epoch is an exact permutation",
    stream: "a stream: an epoch shuffles its shards, and records in a buffer",
    mixed: "several, some of them streams: their shards are shuffled, and records in a buffer",
  };
  const lines = [
    row("source", report.uri),
    row("read as", access[report.access]),
    row("pictures", `${seen}${of}, ${bad} bad`),
    row(
      "bytes",
      `${(bytes / 2 ** 20).toFixed(1)} MiB, ${good > 0 ? (bytes / good / 1024).toFixed(1) : 0} KiB a picture`,
    ),
    row(
      "formats",
      Object.entries(formats).map(([name, n]) => `${name} ${share(n, good)}`).join(", ") || "none",
    ),
  ];
  if (width && height) {
    const range = ({ min, median, max }: typeof width) => `${min} … ${median} … ${max}`;
    lines.push(
      row(
        "sizes",
        `width ${range(width)}, height ${range(height)} (smallest … middle … largest of a sample)`,
      ),
    );
  }
  const most = labels.toSorted((a, b) => b.count - a.count);
  const shown = most.slice(0, 10).map(({ name, count }) => `${name} ${count}`).join(", ");
  const without = unlabelled > 0 ? `; ${unlabelled} pictures without` : "";
  lines.push(
    row(
      "classes",
      labels.length === 0 ? "none" : `${labels.length}: ${shown}${most.length > 10 ? ", …" : ""}${without}`,
    ),
  );
  lines.push(
    row(
      "one pass",
      `${seconds.toFixed(1)} s, ${(seen / seconds).toFixed(0)} pictures/s, decoded and resized`,
    ),
  );
  for (const { key, reason } of report.examples) lines.push(row("bad", `${key}: ${reason}`));
  return lines.join("\n");
}

async function main(): Promise<void> {
  const settings = readArguments(Deno.args);
  if (!settings) {
    console.log(HELP);
    return;
  }
  const terminal = Deno.stderr.isTerminal(), encoder = new TextEncoder();
  const say = (text: string) => terminal && Deno.stderr.writeSync(encoder.encode(text));
  const data = await openData(settings.uri, { labels: settings.labels });
  try {
    let shown = 0;
    const report = await reportData(data, {
      count: settings.count,
      imageSize: settings.imageSize,
      progress: (done) => {
        const now = performance.now();
        if (now - shown < 200) return;
        shown = now;
        say(`\r\x1b[K${done} pictures`);
      },
    });
    say("\r\x1b[K");
    const { sheet: _, sheetSize: __, ...figures } = report;
    console.log(settings.json ? JSON.stringify(figures) : formatReport(report));
    const { sheet } = settings, picture = sheet === null ? null : contactSheet(report);
    if (picture && sheet !== null) {
      try {
        await Deno.writeFile(sheet, encodePng(picture));
      } catch (error) {
        throw pathError(error, sheet, "write");
      }
      if (!settings.json) console.log(`${"sheet".padEnd(12)}${sheet}`);
    }
  } finally {
    await closeData(data);
  }
}

if (import.meta.main) {
  try {
    await main();
  } catch (error) {
    console.error(`data: ${error instanceof Error ? error.message : error}`);
    Deno.exitCode = error instanceof UsageError ? 2 : 1;
  }
}
