/** What `deno task bench gpu` shows of its cases. */
import type { Case, Figures } from "./gpu_ours.ts";
import { type Comparison, type Spread, spread } from "./measure.ts";

/** What one case came to, as it is written to the results. */
export interface Result extends Case {
  ours: Figures;
  peers: { figures: Figures; ratio: Spread }[];
}

/** A case for people. */
export function nameOf({ preset, precision, batch, attention, residual }: Case): string {
  const forms = [attention !== "auto" && attention, residual === "bfloat16" && "half residual"].filter(
    Boolean,
  );
  return [preset, precision, batch, ...forms].join("/");
}

/** A result's rows of the table. */
export function rowsOf(result: Result): Comparison[] {
  const { batch, ours, peers } = result, name = nameOf(result), step = spread(ours.seconds).median;
  const mfu = (figures: Figures) =>
    ours.flops && ours.peakFlops
      ? 100 * ours.flops / ours.peakFlops / spread(figures.seconds).median
      : undefined;
  const rows: Comparison[] = [];
  const others = peers.length > 0 ? peers : [undefined];
  for (const peer of others) {
    const theirs = peer && spread(peer.figures.seconds).median,
      note = peer?.figures.about ?? "no PyTorch here";
    rows.push({
      name: `step/${name}`,
      ours: batch / step,
      peer: theirs ? batch / theirs : null,
      unit: "images/s",
      ratio: peer?.ratio ?? null,
      note,
    });
    rows.push({
      name: `time/${name}`,
      ours: 1000 * step,
      peer: theirs ? 1000 * theirs : null,
      unit: "ms",
      ratio: null,
      note,
    });
    const utilisation = mfu(ours);
    if (utilisation !== undefined) {
      const other = peer && mfu(peer.figures);
      rows.push({
        name: `mfu/${name}`,
        ours: utilisation,
        peer: other ?? null,
        unit: "%",
        ratio: null,
        note,
      });
    }
    rows.push({
      name: `memory/${name}`,
      ours: ours.peakMemory / 1e9,
      peer: peer ? peer.figures.peakMemory / 1e9 : null,
      unit: "GB peak",
      ratio: null,
      note,
    });
  }
  return rows;
}
