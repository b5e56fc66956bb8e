/**
 * Resident memory of one pass over sources of very many small records, early in the pass and at its end. Each source is read by a
 * process of its own. The sources are made in a temporary folder and removed, also when interrupted; what a killed run left, the next
 * one removes.
 */
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { task } from "../src/cli/command.ts";
import { choice, list, onOff, whole } from "../src/cli/kinds.ts";
import { UsageError } from "../src/cli/usage_error.ts";
import { openDraft } from "../src/files/draft.ts";
import { lockPlace } from "../src/files/lock.ts";
import { filesOf, makeSource, SOURCES } from "./memory_sources.ts";

/** One source, as `--json` prints it. In MB. */
interface Row {
  name: string;
  early: number;
  late: number;
  growth: number;
  unit: "MB";
}

export const benchTask = task({
  name: "bench memory",
  summary: "How much one pass over a source grows in memory between an early and a late record.",
  options: {
    records: { kind: whole(1), help: "of each source", default: 300_000 },
    early: { kind: whole(1), help: "after so many records memory is looked at first", default: 10_000 },
    sources: { kind: list(choice(...Object.keys(SOURCES))), help: "which", default: Object.keys(SOURCES) },
    json: { kind: onOff, help: "print one JSON object a line" },
  },
}, async ({ records, early, sources, json }, { print, progress, interruptible }) => {
  if (records <= early) {
    throw new UsageError(`--records is ${records}, but it must be more than --early, ${early}`);
  }
  const { signal } = interruptible("removing what was made");
  // What a killed measurement has left is removed by the next one.
  const place = join(tmpdir(), "semantic-ae-memory");
  await using _lock = await lockPlace(place);
  const draft = await openDraft(place), root = draft.path;
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    (request) => serveFile(root, request),
  );
  try {
    for (const kind of sources) {
      const name = `data/memory/${kind}`;
      try {
        await makeSource(kind, { root, count: records, signal });
      } catch (error) {
        signal.throwIfAborted();
        progress.line(`${name}: left out: ${error instanceof Error ? error.message : error}`);
        continue;
      }
      const uri = SOURCES[kind].uri(root, filesOf(records)).replaceAll(
        "HOST",
        `127.0.0.1:${server.addr.port}`,
      );
      const row = { name, ...await measure(uri, early, records, signal), unit: "MB" } satisfies Row;
      print(
        json ? JSON.stringify(row) : `${name.padEnd(24)} ${row.early} MB after ${early} records, ` +
          `${row.late} MB after ${records}: ${row.growth >= 0 ? "+" : ""}${row.growth} MB`,
      );
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  } finally {
    await server.shutdown();
    await draft.discard();
  }
});

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
