/** `deno task pack SRC DEST`: packs pictures into shards. */
import { parseArgs } from "node:util";
import { closeData, openData } from "../src/data/open/opened.ts";
import { pack, type PackProgress } from "../src/data/pack.ts";

const HELP =
  `Packs pictures into shards that train and eval read fast. Pictures' bytes stay as they are, unless
--max-side or --raw is given.

  deno task pack SRC DEST [flags]

  SRC                  a folder of pictures (any depth; the first folder is the class), shards, LMDB, tar, Parquet,
                       coco:PATH, imagenet:PATH, http(s) URLs of tar or Parquet, or several as A*0.3,B*0.7
  DEST                 a folder that must not exist

  --shard-size SIZE    size of a shard, such as 500MiB or 2GiB (default 1GiB)
  --max-side N         make larger pictures smaller, their longer side N pixels, and store those as JPEG
  --quality N          quality of those JPEGs, 1 to 100 (default 90)
  --raw N              store decoded base pictures of N × N pixels (the run's --image-size): 3·N² bytes each, the
                       fastest to read
  --labels FILE        class names, one a line, for tar shards whose classes are numbers
  --check WAY          decode: leave out what cannot be decoded; sniff: look at first bytes only (default decode)
  --concurrency N      pictures checked at once (default: the number of cores)
  --help               this text

Pictures that cannot be read are left out and listed in DEST/report.json.`;

const UNITS: Record<string, number> = {
  "": 1,
  k: 1e3,
  m: 1e6,
  g: 1e9,
  ki: 2 ** 10,
  mi: 2 ** 20,
  gi: 2 ** 30,
};

/** What was typed cannot be meant. */
class UsageError extends Error {}

function parseSize(text: string): number {
  const [, number, unit] = /^(\d+(?:\.\d+)?)\s*([kmg]?i?)b?$/i.exec(text) ?? [];
  const scale = UNITS[unit?.toLowerCase()];
  if (number === undefined || scale === undefined) {
    throw new UsageError(`--shard-size: "${text}" is no size; write 500MB, 512MiB, 2GiB or bytes`);
  }
  return Math.round(Number(number) * scale);
}

function parseCount(flag: string, text: string | undefined, most: number): number | undefined {
  if (text === undefined) return undefined;
  if (!/^[1-9]\d{0,8}$/.test(text) || Number(text) > most) {
    throw new UsageError(`--${flag}: "${text}" is no whole number from 1 to ${most}`);
  }
  return Number(text);
}

function parsed(args: string[]) {
  try {
    return parseArgs({
      args,
      allowPositionals: true,
      options: {
        "shard-size": { type: "string", default: "1GiB" },
        check: { type: "string", default: "decode" },
        concurrency: { type: "string" },
        "max-side": { type: "string" },
        quality: { type: "string" },
        raw: { type: "string" },
        labels: { type: "string" },
        help: { type: "boolean", short: "h", default: false },
      },
    });
  } catch (error) {
    throw new UsageError(`${(error as Error).message.split(". ")[0]}; see --help`);
  }
}

function readArguments(args: string[]) {
  const { values, positionals } = parsed(args);
  if (values.help) return null;
  if (positionals.length !== 2) throw new UsageError("pack takes two arguments, SRC and DEST; see --help");
  const { check } = values;
  if (check !== "decode" && check !== "sniff") {
    throw new UsageError(`--check: "${check}" is neither decode nor sniff`);
  }
  const maxSide = parseCount("max-side", values["max-side"], 65535),
    raw = parseCount("raw", values.raw, 65535);
  const quality = parseCount("quality", values.quality, 100);
  if (raw !== undefined && maxSide !== undefined) {
    throw new UsageError("--raw and --max-side exclude each other");
  }
  if (quality !== undefined && maxSide === undefined) {
    throw new UsageError("--quality is for pictures that are made smaller: give --max-side too");
  }
  return {
    src: positionals[0],
    dest: positionals[1],
    check: check as "decode" | "sniff",
    shardSize: parseSize(values["shard-size"]),
    concurrency: parseCount("concurrency", values.concurrency, 9999),
    maxSide,
    quality,
    raw,
    labels: values.labels,
  };
}

const plural = (count: number, noun: string) =>
  `${count} ${noun}${count === 1 ? "" : noun.endsWith("s") ? "es" : "s"}`;
const size = (bytes: number) =>
  bytes < 2 ** 20 ? `${(bytes / 2 ** 10).toFixed(1)} KiB` : `${(bytes / 2 ** 20).toFixed(1)} MiB`;

/** Shows progress on one line in a terminal, and as a line now and then elsewhere. */
function progressPrinter(): (progress: PackProgress) => void {
  const terminal = Deno.stderr.isTerminal(), encoder = new TextEncoder();
  let shown = performance.now();
  return ({ done, total, bytes, bad, shards }) => {
    const now = performance.now();
    if (done !== total && now - shown < (terminal ? 100 : 10_000)) return;
    shown = now;
    const line = `${done}${total === null ? "" : ` of ${total}`} pictures: ${size(bytes)}, ${
      plural(shards, "shard")
    }, ${bad} bad`;
    Deno.stderr.writeSync(
      encoder.encode(terminal ? `\r\x1b[K${line}${done === total ? "\n" : ""}` : line + "\n"),
    );
  };
}

async function main(): Promise<number> {
  const settings = readArguments(Deno.args);
  if (!settings) {
    console.log(HELP);
    return 0;
  }
  const { src, dest, labels, ...options } = settings;
  const stop = new AbortController();
  const interrupt = () => stop.abort(new Error("interrupted; nothing was written"));
  Deno.addSignalListener("SIGINT", interrupt);
  Deno.addSignalListener("SIGTERM", interrupt);
  const source = await openData(src, { labels });
  try {
    const report = await pack(source, dest, {
      ...options,
      signal: stop.signal,
      progress: progressPrinter(),
    });
    console.log(
      `${dest}: ${plural(report.records, "picture")}, ${size(report.bytes)}, ${
        plural(report.shards, "shard")
      }, ` +
        plural(report.labels.length, "class"),
    );
    if (report.bad.length > 0) {
      console.log(
        `${
          plural(report.bad.length, "picture")
        } could not be read and so not packed; see ${dest}/report.json:`,
      );
      for (const { key, reason } of report.bad.slice(0, 5)) console.log(`  ${key}: ${reason}`);
      if (report.bad.length > 5) console.log(`  … and ${report.bad.length - 5} more`);
    }
    return 0;
  } finally {
    await closeData(source);
  }
}

if (import.meta.main) {
  try {
    Deno.exit(await main());
  } catch (error) {
    console.error(`error: ${error instanceof Error ? error.message : error}`);
    Deno.exit(error instanceof UsageError ? 2 : 1);
  }
}
