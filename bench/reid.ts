/**
 * `deno task bench reid`: time and memory of exact ranks in a large gallery. The gallery is made up block by block and never held,
 * as a file's would be.
 */
import { task } from "../src/cli/command.ts";
import { ENGINE_AND_MEMORY, engineArguments } from "../src/cli/engine_options.ts";
import { onOff, whole } from "../src/cli/kinds.ts";
import { openEngine } from "../src/engine/open.ts";
import { randomStream } from "../src/random.ts";
import { reidMetrics } from "../src/reid/metrics.ts";
import type { Persons } from "../src/reid/people.ts";
import { rightRanks } from "../src/reid/ranks.ts";
import type { FeatureRows } from "../src/reid/scores.ts";

/** Rows that can be made again: each is one of a pool, moved by an amount of its own. */
function madeUp(rows: number, width: number, seed: number): FeatureRows {
  const pool = new Float32Array(257 * width);
  randomStream(seed, "test", 4).normals(pool);
  return {
    rows,
    width,
    read(from, to) {
      const out = new Float32Array((to - from) * width);
      for (let row = from; row < to; row++) {
        const at = (row * 31 % 257) * width, other = (row * 17 % 251) * width, share = (row % 9973) / 9973;
        const start = (row - from) * width;
        for (let i = 0; i < width; i++) out[start + i] = pool[at + i] + share * pool[other + i];
      }
      return out;
    },
  };
}

/** SYSU-30k's protocol: one right picture each, seen by another camera, before all others. */
function people(
  queries: number,
  gallery: number,
): { queries: Omit<Persons, "features">; gallery: Omit<Persons, "features"> } {
  const of = (count: number, camera: number) => ({
    identities: Float64Array.from({ length: count }, (_, i) => i < queries ? i + 1 : 0),
    cameras: new Float64Array(count).fill(camera),
  });
  return { queries: of(queries, 2), gallery: of(gallery, 1) };
}

const megabytes = () => Deno.memoryUsage().rss / 1e6;

export const benchTask = task({
  name: "bench reid",
  summary:
    "Exact ranks of re-identification: seconds, and what memory grows by, for a gallery that is read in blocks.",
  options: {
    queries: { kind: whole(1), help: "queries, one right picture each", default: 1000 },
    gallery: { kind: whole(1), help: "gallery pictures", default: 480_000 },
    width: { kind: whole(1), help: "numbers of a feature", default: 384 },
    ...ENGINE_AND_MEMORY,
    json: { kind: onOff, help: "print one JSON object" },
  },
}, async (given, { print, progress }) => {
  const { queries, gallery, width, json } = given, who = people(queries, gallery);
  const engine = await openEngine(...engineArguments(given, progress));
  try {
    const asked = { ...who.queries, features: madeUp(queries, width, 1) };
    const searched = { ...who.gallery, features: madeUp(gallery, width, 2) };
    const before = megabytes(), start = performance.now();
    let most = before, early = 0;
    const ranks = await rightRanks({
      engine,
      queries: asked,
      gallery: searched,
      progress(done, total) {
        most = Math.max(most, megabytes());
        // By then all that is held between blocks is there.
        if (early === 0 && done >= total / 4) early = most;
        progress.status(() => `compared ${done} of ${total}`, done === total);
      },
    });
    const seconds = (performance.now() - start) / 1000, { map } = reidMetrics(ranks);
    const figures = {
      name: "reid/ranks",
      engine: engine.description,
      queries,
      gallery,
      width,
      seconds,
      pairsPerSecond: queries * gallery / seconds,
      memoryBefore: before,
      memoryEarly: early,
      memoryMost: most,
      map: map.value,
    };
    print(
      json
        ? JSON.stringify(figures)
        : `${queries} queries × ${gallery} pictures of ${width} numbers on ${engine.description}: ${
          seconds.toFixed(1)
        } s, ` +
          `${(figures.pairsPerSecond / 1e6).toFixed(1)} million pairs/s; resident memory ${
            before.toFixed(0)
          } MB before, ` +
          `${early.toFixed(0)} MB after a quarter, ${most.toFixed(0)} MB at most`,
    );
  } finally {
    await engine.close();
  }
});
