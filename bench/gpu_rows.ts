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
  return (peers.length > 0 ? peers : [undefined]).flatMap((peer) => {
    const theirs = peer && spread(peer.figures.seconds).median, utilisation = mfu(ours);
    const note = peer?.figures.about ?? "no PyTorch here";
    const row = (what: string, unit: string, mine: number, other: number | undefined): Comparison => ({
      name: `${what}/${name}`,
      ours: mine,
      peer: other ?? null,
      unit,
      ratio: what === "step" ? peer?.ratio ?? null : null,
      note,
    });
    return [
      row("step", "images/s", batch / step, theirs && batch / theirs),
      row("time", "ms", 1000 * step, theirs && 1000 * theirs),
      ...utilisation === undefined ? [] : [row("mfu", "%", utilisation, peer && mfu(peer.figures))],
      row("memory", "GB peak", ours.peakMemory / 1e9, peer && peer.figures.peakMemory / 1e9),
    ];
  });
}
