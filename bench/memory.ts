/**
 * Resident memory of one pass over sources of very many small records, early in the pass and at its end. Each source is read by a
 * process of its own. The sources are made in a temporary folder and removed, also when interrupted; what a killed run left, the next
 * one removes.
 */
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { openDraft } from "../src/data/pack_folder.ts";
import { filesOf, makeSource, SOURCES } from "./memory_sources.ts";

/** Command line options. */
export const OPTIONS = {
  records: { type: "string", default: "300000" },
  early: { type: "string", default: "10000" },
  sources: { type: "string", default: Object.keys(SOURCES).join(",") },
  json: { type: "boolean", default: false },
} as const;

/** One source, as `--json` prints it. In MB. */
interface Row {
  name: string;
  early: number;
  late: number;
  growth: number;
  unit: "MB";
}

/** Measures and prints. */
export async function main(args: string[]): Promise<void> {
  const { values } = parseArgs({ args, options: OPTIONS });
  const records = Number(values.records), early = Number(values.early);
  if (!(Number.isInteger(early) && early > 0 && Number.isInteger(records) && records > early)) {
    throw new Error("--records and --early must be whole numbers, --records the larger one");
  }
  const kinds = values.sources.split(",");
  const unknown = kinds.find((kind) => !Object.hasOwn(SOURCES, kind));
  if (unknown !== undefined) throw new Error(`${unknown}: no such source`);
  const draft = await openDraft(tmpdir(), "semantic-ae-memory"), root = draft.path;
  const stop = new AbortController(), { signal } = stop;
  let code = 0;
  const listeners = ([["SIGINT", 130], ["SIGTERM", 143]] as const).map(([name, exit]) => {
    const listener = () => {
      code = exit;
      stop.abort(new Error("interrupted"));
    };
    Deno.addSignalListener(name, listener);
    return () => Deno.removeSignalListener(name, listener);
  });
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    (request) => serveFile(root, request),
  );
  try {
    for (const kind of kinds) {
      const name = `data/memory/${kind}`;
      try {
        await makeSource(kind, { root, count: records, signal });
      } catch (error) {
        signal.throwIfAborted();
        console.error(`${name}: left out: ${error instanceof Error ? error.message : error}`);
        continue;
      }
      const uri = SOURCES[kind].uri(root, filesOf(records)).replaceAll(
        "HOST",
        `127.0.0.1:${server.addr.port}`,
      );
      const row = { name, ...await measure(uri, early, records, signal), unit: "MB" } satisfies Row;
      console.log(
        values.json ? JSON.stringify(row) : `${name.padEnd(24)} ${row.early} MB after ${early} records, ` +
          `${row.late} MB after ${records}: ${row.growth >= 0 ? "+" : ""}${row.growth} MB`,
      );
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  } finally {
    await server.shutdown();
    await draft.discard();
    for (const remove of listeners) remove();
  }
  if (signal.aborted) Deno.exit(code);
}

/** A file below `root`, whole or a range of it. */
async function serveFile(root: string, request: Request): Promise<Response> {
  const file = await Deno.open(join(root, new URL(request.url).pathname));
  const { size } = await file.stat();
  const range = /^bytes=(\d+)-(\d*)$/.exec(request.headers.get("range") ?? "");
  if (!range) return new Response(file.readable, { headers: { "content-length": String(size) } });
  const start = Number(range[1]), end = range[2] === "" ? size : Math.min(Number(range[2]) + 1, size);
  const bytes = new Uint8Array(end - start);
  await file.seek(start, Deno.SeekMode.Start);
  for (let at = 0; at < bytes.length;) at += await file.read(bytes.subarray(at)) ?? bytes.length;
  file.close();
  return new Response(bytes, {
    status: 206,
    headers: { "content-range": `bytes ${start}-${end - 1}/${size}` },
  });
}

async function measure(
  uri: string,
  early: number,
  late: number,
  signal: AbortSignal,
): Promise<{ early: number; late: number; growth: number }> {
  const { success, stdout } = await new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      // As the tasks do: V8 else makes ever more room for new garbage, and lets old garbage grow to four times what lives.
      "--v8-flags=--max-semi-space-size=8,--heap-growing-percent=50",
      "-A",
      fileURLToPath(new URL("./memory_pass.ts", import.meta.url)),
      uri,
      `${early}`,
      `${late}`,
    ],
    stderr: "inherit",
    signal,
  }).output();
  signal.throwIfAborted();
  if (!success) throw new Error(`${uri}: the pass failed`);
  const megabytes = JSON.parse(new TextDecoder().decode(stdout)).map((bytes: number) =>
    Math.round(bytes / 1e6)
  );
  return { early: megabytes[0], late: megabytes[1], growth: megabytes[1] - megabytes[0] };
}
