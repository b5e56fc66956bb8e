/** `deno task data URI`: says what a data set holds and how fast it can be read. */
import { task } from "../src/cli/command.ts";
import { LABELS } from "../src/cli/data_options.ts";
import { onOff, text, whole } from "../src/cli/kinds.ts";
import { openOutput } from "../src/cli/output_file.ts";
import { start } from "../src/cli/run.ts";
import { contactSheet } from "../src/data/contact_sheet.ts";
import { describeAccount } from "../src/data/epoch/account_text.ts";
import { closeData, dataLength, dataObjects } from "../src/data/open/data.ts";
import { openData } from "../src/data/open/open_data.ts";
import { encodePng } from "../src/data/picture/png.ts";
import { DATA_NOTES, dataRows, dataSummary } from "../src/data/sources/help.ts";
import { type DataReport, reportData } from "../src/data/report.ts";
import { binaryBytes, percent, plural } from "../src/text/amounts.ts";
import { inLine } from "../src/text/layout.ts";

/** The report for people. */
function formatReport(report: DataReport): string {
  const { seen, total, account, bytes, formats, width, height, labels, unlabelled, seconds } = report;
  const { read: good, bad, withoutPicture, lost } = account,
    row = (name: string, text: string) => `${name.padEnd(12)}${text}`;
  const of = total === null || total === seen ? "" : ` of ${total}`;
  const access = {
    random: "records by index: an epoch is an exact permutation",
    stream: "a stream: an epoch shuffles its shards, and records in a buffer",
    mixed: "several, some of them streams: their shards are shuffled, and records in a buffer",
  };
  const lines = [
    row("source", report.uri),
    row("read as", access[report.access]),
    row(
      "pictures",
      `${seen}${of}, ${bad} bad${withoutPicture > 0 ? `, ${withoutPicture} records without one` : ""}${
        lost > 0 ? `, about ${lost} more lost with damaged shards` : ""
      }`,
    ),
    row(
      "bytes",
      `${binaryBytes(bytes)}, ${binaryBytes(good > 0 ? bytes / good : 0)} a picture`,
    ),
    row(
      "formats",
      Object.entries(formats).map(([name, n]) => `${name} ${percent(n, good)}`).join(", ") || "none",
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
  const shown = most.slice(0, 10).map(({ name, count }) => `${inLine(name)} ${count}`).join(", ");
  const without = unlabelled > 0 ? `; ${unlabelled} pictures without` : "";
  lines.push(
    row(
      "classes",
      labels.length === 0 ? "none" : `${labels.length}: ${shown}${most.length > 10 ? ", …" : ""}${without}`,
    ),
  );
  if (report.objects) {
    const { count, crowds, pictures } = report.objects;
    const shown = `${pictures} of ${plural(good, "picture")} show any`;
    lines.push(row("boxes", `${count}${crowds > 0 ? `, ${crowds} of them crowds` : ""}; ${shown}`));
  }
  lines.push(
    row(
      "one pass",
      `${seconds.toFixed(1)} s, ${(seen / seconds).toFixed(0)} pictures/s, decoded and resized`,
    ),
  );
  for (const line of describeAccount(account).slice(1)) lines.push(row("note", line));
  return lines.join("\n");
}

export const dataTask = task({
  name: "data",
  summary: "Reads a data set once, decodes every picture, and says what is there.",
  operands: { uri: { value: "URI", help: `${dataSummary()}; as below` } },
  options: {
    sheet: {
      kind: text,
      help: "where the contact sheet of 64 pictures goes, a PNG",
      value: "FILE",
      default: "contact-sheet.png",
    },
    noSheet: { kind: onOff, help: "write none" },
    count: { kind: whole(1, 2 ** 32), help: "look at the first N pictures only", usually: "all" },
    imageSize: { kind: whole(1, 4096), help: "side of the base pictures that the pass makes", default: 224 },
    labels: LABELS,
    boxes: { kind: onOff, help: "count the boxes that COCO's format annotates, and draw them on the sheet" },
    json: { kind: onOff, help: "print the report as JSON" },
  },
  notes: [
    ...DATA_NOTES,
    "Where more than 1 % of the pictures are bad or lost, so that training would stop, the report ends with an error.",
  ],
  tables: { "How data is named": Object.fromEntries(dataRows()) },
  examples: [["data ./photos", "what a folder holds, with contact-sheet.png"]],
}, async ({ uri, sheet, noSheet, count, imageSize, labels, boxes, json }, { print, progress }) => {
  const other = "--sheet FILE names another, --no-sheet writes none";
  const output = noSheet ? null : await openOutput(sheet, other);
  const data = await openData(uri, { labels, objects: boxes, once: true, progress: progress.line });
  try {
    const { lacking } = dataObjects(data);
    if (boxes && lacking.length > 0) {
      throw new Error(`${lacking.join(", ")}: has no boxes; COCO's format and packs of it have some`);
    }
    const length = dataLength(data), total = length === null ? null : Math.min(length, count ?? length);
    const report = await reportData(data, {
      count,
      imageSize,
      progress: (done) =>
        progress.status(
          () => total === null ? plural(done, "picture") : `${done} of ${plural(total, "picture")}`,
          done === total,
        ),
    });
    const { sheet: _, sheetSize: __, sheetObjects: ___, ...figures } = report;
    print(json ? JSON.stringify(figures) : formatReport(report));
    const picture = contactSheet(report);
    if (output && picture) {
      await output.write(encodePng(picture));
      if (!json) print(`${"sheet".padEnd(12)}${sheet}`);
    }
    if (report.refusal !== null) throw new Error(`training stops with this data: ${report.refusal}`);
  } finally {
    await closeData(data);
  }
});

if (import.meta.main) await start(dataTask);
