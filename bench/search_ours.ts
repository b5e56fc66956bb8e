/** Our exact search in a process of its own, and the features that both sides search. */
import { fileURLToPath } from "node:url";
import { openEngine } from "../src/engine/open.ts";
import {
  EMBEDDING_VERSION,
  type EmbeddingInfo,
  POOLING,
  preprocessingOf,
} from "../src/eval/embedding/info.ts";
import { embeddingFormat, openEmbedding } from "../src/eval/embedding/open.ts";
import { nearest } from "../src/eval/nearest.ts";
import { type Rows, unitRow, unitRows } from "../src/eval/rows.ts";
import { fileGallery, type Gallery, rowsGallery } from "../src/eval/search/gallery.ts";
import { searchPrograms } from "../src/eval/search/programs.ts";
import { type Memory, ownMemory, type StepProcess, stepProcess } from "./our_step.ts";
import { plainEnvironment, startPeer } from "./peer.ts";

/** What is searched. */
export interface SearchOrder {
  /** Embedding files of the set and of the queries. */
  gallery: string;
  queries: string;
  k: number;
  /** The set at length 1 in memory, as the peer has it, or streamed from its file at each search. */
  from: "memory" | "file";
  /** Where the numbers of the neighbours go, as JSON: one list a query. */
  out: string;
}

/** Rows of a part of a file that is made up. */
const PART = 10_000;

/** Numbers about as normally distributed as features are, the same ones for a seed. */
function noise(count: number, seed: number): Float32Array {
  let state = Math.imul(seed + 1, 2654435761) | 1;
  return Float32Array.from({ length: count }, () => {
    let sum = -2;
    for (let i = 0; i < 4; i++) {
      state ^= state << 13;
      state ^= state >>> 17;
      state ^= state << 5;
      sum += (state >>> 0) / 2 ** 32;
    }
    return sum;
  });
}

/** Writes an embedding file of so many made-up rows. */
export async function writeFeatures(
  path: string,
  { rows, width, seed }: { rows: number; width: number; seed: number },
): Promise<void> {
  const info: EmbeddingInfo = {
    format: "semantic-ae embedding",
    version: EMBEDDING_VERSION,
    model: "noise",
    digest: `sha256:${"0".repeat(64)}`,
    teacher: false,
    tokens: { class: [width] },
    pooling: { class: POOLING.class },
    norm: "none",
    preprocessing: preprocessingOf({ imageSize: 224 }),
    source: "noise",
    count: rows,
    classes: [],
    unlabelled: rows,
    bad: 0,
  };
  const parts = Array.from({ length: Math.ceil(rows / PART) }, (_, part) => {
    const first = part * PART, count = Math.min(PART, rows - first);
    return {
      count,
      keys: () => Promise.resolve(Array.from({ length: count }, (_, i) => `${first + i}.jpg`)),
      rows: () => Promise.resolve(noise(count * width, seed * 1_000_003 + part)),
    };
  });
  await embeddingFormat(path).write(path, { info, labels: new Int32Array(rows).fill(-1), parts });
}

/** All rows of a gallery at length 1, in memory. */
async function inMemory(gallery: Gallery): Promise<Gallery> {
  const { rows, width } = gallery, data = new Float32Array(rows * width);
  for await (const block of gallery.blocks(PART)) {
    for (let row = 0; row < block.rows.rows; row++) {
      unitRow(block.rows.data, row * width, width, data, (block.first + row) * width);
    }
  }
  return rowsGallery({ rows, width, data });
}

/** Is the process: says what it is, then answers each number of searches with the time they took. */
export async function serveSearch(
  { gallery, queries, k, from, out }: SearchOrder,
  print: (text: string) => void,
): Promise<void> {
  const engine = await openEngine("xla"), programs = searchPrograms(engine);
  const set = await openEmbedding(gallery), asked = await openEmbedding(queries);
  const unit: Rows = unitRows(await asked.rows("class")), file = fileGallery(set, "class");
  const searched = from === "memory" ? await inMemory(file) : file;
  const search = () => nearest(engine, unit, searched, k, { programs, unit: from === "file" });
  const { indices } = await search();
  const lists = Array.from({ length: unit.rows }, (_, i) => [...indices.subarray(i * k, (i + 1) * k)]);
  await Deno.writeTextFile(out, JSON.stringify(lists));
  print(
    JSON.stringify({
      about: `${engine.description}, the set ${from === "file" ? "in its file" : "in memory"}`,
    }),
  );
  for await (const line of Deno.stdin.readable.pipeThrough(new TextDecoderStream())) {
    const start = performance.now();
    for (let i = 0; i < Number(line); i++) await search();
    const seconds = (performance.now() - start) / 1000;
    print(JSON.stringify({ seconds, ...ownMemory() } satisfies Memory & { seconds: number }));
  }
  set.close();
  asked.close();
  await engine.close();
}

/**
 * Starts our search in a process of its own, by `deno task bench`, so that it has the allocator of our tasks.
 *
 * @returns The process, or the reason why there is none.
 */
export async function startSearch(order: SearchOrder): Promise<StepProcess | string> {
  const args = ["task", "--quiet", "bench", "search", "--serve", JSON.stringify(order)];
  const peer = await startPeer<{ about: string }, { seconds: number } & Memory>(Deno.execPath(), args, {
    cwd: fileURLToPath(new URL("../", import.meta.url)),
    env: plainEnvironment(),
    errors: "inherit",
  });
  return typeof peer === "string" ? peer : stepProcess(peer.ready.about, peer);
}
