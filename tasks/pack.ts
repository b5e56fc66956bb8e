/** `deno task pack SRC DEST`: packs pictures into shards. */
import { task } from "../src/cli/command.ts";
import { LABELS, SOURCES_HELP } from "../src/cli/data_options.ts";
import { bytes, choice, onOff, whole } from "../src/cli/kinds.ts";
import { start } from "../src/cli/run.ts";
import { UsageError } from "../src/cli/usage_error.ts";
import { closeData } from "../src/data/open/data.ts";
import { openData } from "../src/data/open/open_data.ts";
import { describePassedOver } from "../src/data/sources/passed_over.ts";
import { pack } from "../src/data/pack.ts";
import { binaryBytes, plural } from "../src/text/amounts.ts";
import { inLine } from "../src/text/layout.ts";

export const packTask = task({
  name: "pack",
  summary:
    "Packs pictures into shards that train and eval read fast. The pictures' bytes stay as they are, unless " +
    "--max-side or --raw is given.",
  operands: {
    src: { value: "SRC", help: SOURCES_HELP },
    dest: { value: "DEST", help: "a folder that must not exist" },
  },
  options: {
    shardSize: {
      kind: bytes,
      help: "size of a shard, such as 500MiB or 2GiB",
      default: 2 ** 30,
      usually: "1GiB",
    },
    maxSide: {
      kind: whole(1, 65535),
      help: "shrink larger pictures to N pixels on their longer side, and store those as JPEG",
    },
    quality: { kind: whole(1, 100), help: "quality of those JPEGs, 1 to 100", usually: "90" },
    raw: {
      kind: whole(1, 65535),
      help:
        "store decoded base pictures of N × N pixels (the run's --image-size): 3·N² bytes each, the fastest to read",
    },
    labels: LABELS,
    noBoxes: { kind: onOff, help: "pack the pictures alone, not the boxes that COCO's format annotates" },
    check: {
      kind: choice("decode", "sniff"),
      help: "decode: leave out what cannot be decoded; sniff: look at the first bytes only",
      value: "WAY",
      default: "decode",
    },
    concurrency: { kind: whole(1, 9999), help: "pictures checked at once", usually: "the number of cores" },
  },
  notes: [
    "Pictures that cannot be read are left out and listed in DEST/report.json.",
    "Boxes that COCO's format annotates are packed with their pictures.",
  ],
  examples: [
    ["pack ./photos ./shards", "a folder whose first level of sub-folders are the classes"],
    ["pack ./photos ./small --max-side 512", "the same with pictures of at most 512 pixels"],
  ],
}, async ({ src, dest, labels, noBoxes, ...options }, { print, progress, interruptible }) => {
  const { maxSide, raw, quality } = options;
  if (raw !== undefined && maxSide !== undefined) {
    throw new UsageError("--raw and --max-side exclude each other");
  }
  if (quality !== undefined && maxSide === undefined) {
    throw new UsageError("--quality is for pictures that are made smaller: give --max-side too");
  }
  const { signal } = interruptible("nothing is written");
  const objects = !noBoxes;
  const how = { labels, objects, once: true, progress: progress.line, http: { signal } };
  const source = await openData(src, how);
  try {
    const report = await pack(source, dest, {
      ...options,
      signal,
      progress: ({ done, total, bytes, bad, shards }) =>
        progress.status(
          () =>
            `${total === null ? "" : `${done} of `}${plural(total ?? done, "picture")}: ${
              binaryBytes(bytes)
            }, ${plural(shards, "shard")}, ${bad} bad`,
          done === total,
        ),
    });
    print(
      `${dest}: ${plural(report.records, "picture")}, ${binaryBytes(report.bytes)}, ` +
        `${plural(report.shards, "shard")}, ${plural(report.labels.length, "class")}` +
        (report.objects === null ? "" : `, ${plural(report.objects, "box")}`),
    );
    if (report.withoutObjects.length > 0) {
      print(
        `boxes are left out, because not all sources have some: ${report.withoutObjects.join(", ")} has none`,
      );
    }
    if (report.withoutPicture > 0) print(`${plural(report.withoutPicture, "record")} without a picture`);
    const passedOver = describePassedOver(report.passedOver);
    if (passedOver) print(passedOver);
    if (report.bad.length === 0) return;
    print(
      `${plural(report.bad.length, "picture")} could not be read and so not packed; see ${dest}/report.json:`,
    );
    for (const { key, reason } of report.bad.slice(0, 5)) print(`  ${inLine(key)}: ${inLine(reason)}`);
    if (report.bad.length > 5) print(`  … and ${report.bad.length - 5} more`);
  } finally {
    await closeData(source);
  }
});

if (import.meta.main) await start(packTask);
