/**
 * Exact search for nearest neighbours beside faiss-cpu's IndexFlatIP, in turn: the same features, queries and threads, each
 * side in a process of its own. Ours is measured with the set in memory, as the peer has it, and streamed from its file, as
 * `deno task search` does it: there reading and bringing rows to length 1 count, too.
 */
import { join } from "node:path";
import { task } from "../src/cli/command.ts";
import { onOff, text, whole } from "../src/cli/kinds.ts";
import { compare, type Comparison, inTurn, report } from "./measure.ts";
import type { Memory, StepProcess } from "./our_step.ts";
import { stepProcess } from "./our_step.ts";
import { startPython } from "./peer.ts";
import { type SearchOrder, serveSearch, startSearch, writeFeatures } from "./search_ours.ts";
import { openScratch } from "./whole_sides.ts";

const cores = navigator.hardwareConcurrency;

/** The peer, or why there is none. */
async function startFaiss({ gallery, queries, k, out }: SearchOrder): Promise<StepProcess | string> {
  const peer = await startPython<{ faiss: string; options: string }, { seconds: number } & Memory>([
    ...["search.py", "--gallery", gallery, "--queries", queries, "--out", out],
    ...["--k", `${k}`, "--threads", `${cores}`],
  ]);
  if (typeof peer === "string") return peer;
  const { faiss, options } = peer.ready;
  return stepProcess(`faiss-cpu ${faiss} (${options.trim()}), ${cores} threads`, peer);
}

/** The share of equal neighbours, rank by rank. */
export function sameNeighbours(a: readonly number[][], b: readonly number[][]): number {
  let same = 0, all = 0;
  a.forEach((list, query) =>
    list.forEach((row, rank) => {
      all++;
      if (b[query]?.[rank] === row) same++;
    })
  );
  return same / all;
}

const readLists = async (path: string) => JSON.parse(await Deno.readTextFile(path)) as number[][];

/** Rows whose cosines differ only by rounding may change places. */
const SAME = .999;

export const benchTask = task({
  name: "bench search",
  summary: "Exact search for nearest neighbours, beside faiss-cpu's.",
  options: {
    rows: { kind: whole(1), help: "rows of the set", default: 1_000_000 },
    width: { kind: whole(1), help: "their width", default: 384 },
    queries: { kind: whole(1), help: "queries", default: 1000 },
    k: { kind: whole(1), help: "neighbours", default: 10 },
    rounds: { kind: whole(1), help: "how often each side is measured", default: 5 },
    searches: { kind: whole(1), help: "searches in a round", default: 1 },
    json: { kind: onOff, help: "print one JSON object a line" },
    serve: { kind: text, help: "is one side's process (for the benchmark itself)", value: "ORDER" },
  },
}, async (given, { print, progress }) => {
  const { rows, width, queries, k, rounds, searches } = given, say = (line: string) => progress.line(line);
  if (given.serve !== undefined) return await serveSearch(JSON.parse(given.serve), print);
  await using room = await openScratch();
  const gallery = join(room.path, "gallery.safetensors"), asked = join(room.path, "queries.safetensors");
  say(`writing ${rows} × ${width} numbers, and ${queries} queries`);
  await writeFeatures(gallery, { rows, width, seed: 0 });
  await writeFeatures(asked, { rows: queries, width, seed: 1 });
  const shared = { gallery, queries: asked, k }, theirs = join(room.path, "peer.json");
  const peer = await startFaiss({ ...shared, from: "memory", out: theirs });
  if (typeof peer === "string") say(`faiss: ${peer}`);
  const found: Comparison[] = [];
  try {
    for (const from of ["memory", "file"] as const) {
      const out = join(room.path, `${from}.json`), ours = await startSearch({ ...shared, from, out });
      if (typeof ours === "string") throw new Error(`our search cannot run: ${ours}`);
      try {
        const seconds = (side: StepProcess) => async () => await side.run(searches) / searches;
        const name = `search/${rows}x${width}/${queries}/${from}`;
        const note = typeof peer === "string" ? peer : peer.about;
        const other = typeof peer === "string" ? undefined : peer;
        if (other) {
          const same = sameNeighbours(await readLists(out), await readLists(theirs));
          if (same < SAME) throw new Error(`only ${same} of the neighbours are the same: not the same work`);
          say(`${from}: ${(100 * same).toFixed(3)} % of the neighbours are the same, rank by rank`);
        }
        found.push({
          name,
          unit: "s",
          note,
          ...await inTurn(rounds, seconds(ours), other && seconds(other)),
        });
        for (const what of ["peak", "resident"] as const) {
          const theirs = other && [other.memory()[what] / 1e9];
          found.push({
            name: `${name}/${what} memory`,
            unit: "GB",
            note,
            ...compare([ours.memory()[what] / 1e9], theirs ?? null),
          });
        }
      } finally {
        await ours.close();
      }
    }
  } finally {
    if (typeof peer !== "string") await peer.close();
  }
  report(found, given.json, print);
});
