/** Run folders as a run leaves them, and as no run would. */
import { join } from "node:path";

/** A line of metrics.jsonl. */
export function stepLine(step: number, values: Record<string, unknown> = {}): string {
  const line = {
    step,
    epoch: 0,
    loss: 10 / step,
    class: 1,
    gradNorm: 2,
    lr: 0.1,
    wd: 0.1,
    imagesPerSecond: 9,
    waiting: 0.1,
    bad: 0,
  };
  return JSON.stringify({ ...line, ...values }) + "\n";
}

/** What goes into a folder. */
export interface FolderContent {
  /** metrics.jsonl. */
  metrics?: string;
  config?: Record<string, unknown>;
  bad?: string;
  files?: Record<string, string | Uint8Array>;
}

/** Makes a run folder and gives its path. */
export async function runFolder(path: string, content: FolderContent = {}): Promise<string> {
  const { metrics, config = { preset: "demo", seed: 3, data: "my photos", out: path }, bad, files = {} } =
    content;
  await Deno.mkdir(path, { recursive: true });
  const all: Record<string, string | Uint8Array | undefined> = {
    "config.json": JSON.stringify(config),
    "metrics.jsonl": metrics,
    "bad.jsonl": bad,
    ...files,
  };
  for (const [name, text] of Object.entries(all)) {
    if (text === undefined) continue;
    await Deno.mkdir(join(path, name, ".."), { recursive: true });
    if (typeof text === "string") await Deno.writeTextFile(join(path, name), text);
    else await Deno.writeFile(join(path, name), text);
  }
  return path;
}
