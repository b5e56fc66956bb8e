/**
 * Resident memory of one pass over sources of very many small records, early in the pass and at its end. Each source is read by a
 * process of its own. The sources are made in a temporary folder and removed.
 */
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { filesOf, makeSource, SOURCES } from "./memory_sources.ts";

const OPTIONS = {
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
  const root = await Deno.makeTempDir({ prefix: "semantic-ae-memory-" });
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, async (request) => {
    const file = await Deno.open(join(root, "tar", new URL(request.url).pathname.slice(1)));
    const { size } = await file.stat();
    return new Response(file.readable, { headers: { "content-length": String(size) } });
  });
  try {
    for (const kind of values.sources.split(",")) {
      if (!Object.hasOwn(SOURCES, kind)) throw new Error(`${kind}: no such source`);
      const name = `data/memory/${kind}`;
      try {
        await makeSource(kind, root, records);
      } catch (error) {
        console.error(`${name}: left out: ${error instanceof Error ? error.message : error}`);
        continue;
      }
      const uri = SOURCES[kind].uri(root, filesOf(records)).replaceAll(
        "HOST",
        `127.0.0.1:${server.addr.port}`,
      );
      const row = { name, ...await measure(uri, early, records), unit: "MB" } satisfies Row;
      console.log(
        values.json ? JSON.stringify(row) : `${name.padEnd(22)} ${row.early} MB after ${early} records, ` +
          `${row.late} MB after ${records}: ${row.growth >= 0 ? "+" : ""}${row.growth} MB`,
      );
    }
  } finally {
    await server.shutdown();
    await Deno.remove(root, { recursive: true });
  }
}

async function measure(
  uri: string,
  early: number,
  late: number,
): Promise<{ early: number; late: number; growth: number }> {
  const { success, stdout } = await new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      // As the tasks do: V8 else makes ever more room for garbage as long as nothing stops it.
      "--v8-flags=--max-semi-space-size=8",
      "-A",
      fileURLToPath(new URL("./memory_pass.ts", import.meta.url)),
      uri,
      `${early}`,
      `${late}`,
    ],
    stderr: "inherit",
  }).output();
  if (!success) throw new Error(`${uri}: the pass failed`);
  const megabytes = JSON.parse(new TextDecoder().decode(stdout)).map((bytes: number) =>
    Math.round(bytes / 1e6)
  );
  return { early: megabytes[0], late: megabytes[1], growth: megabytes[1] - megabytes[0] };
}
