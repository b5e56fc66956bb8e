/** What the benchmarks share: rounds in turn, ratios pair by pair, and how they are printed. */

/** The smallest, middle and largest of some figures. */
export interface Spread {
  min: number;
  median: number;
  max: number;
}

/** One comparison, as `--json` prints it. Ratio = ours / peer, pair by pair. */
export interface Comparison {
  name: string;
  ours: number;
  peer: number | null;
  unit: string;
  ratio: Spread | null;
  /** Who the peer is and what else belongs to the figure. */
  note?: string;
}

/** The spread of figures. */
export function spread(figures: number[]): Spread {
  const sorted = [...figures].sort((a, b) => a - b), middle = sorted.length >> 1;
  const median = sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
  return { min: sorted[0], median, max: sorted[sorted.length - 1] };
}

/**
 * Figures that were taken in pairs, as a comparison: the medians, and the spread of the ratios pair by pair.
 *
 * @param ours One figure a round.
 * @param peer The peer's, of the same rounds; null where it was not measured.
 */
export function compare(
  ours: readonly number[],
  peer: readonly number[] | null,
): { ours: number; peer: number | null; ratio: Spread | null } {
  return {
    ours: spread([...ours]).median,
    peer: peer && spread([...peer]).median,
    ratio: peer && spread(ours.map((figure, i) => figure / peer[i])),
  };
}

/**
 * Measures two things in turn, so that a machine whose speed drifts slows both.
 *
 * @param rounds How often each is measured.
 * @param ours Gives one figure of ours, larger is better.
 * @param peer Gives one figure of the peer's; none measures ours alone.
 */
export async function inTurn(
  rounds: number,
  ours: () => Promise<number>,
  peer?: () => Promise<number>,
): Promise<{ ours: number; peer: number | null; ratio: Spread | null }> {
  const mine: number[] = [], theirs: number[] = [];
  for (let i = 0; i < rounds; i++) {
    mine.push(await ours());
    if (peer) theirs.push(await peer());
  }
  return compare(mine, peer ? theirs : null);
}

/** Prints comparisons as a table, or one object a line. */
export function report(rows: Comparison[], json: boolean, print: (text: string) => void): void {
  if (json) {
    for (const { note: _, ...row } of rows) print(JSON.stringify(row));
    return;
  }
  const figure = (n: number | null) => n === null ? "–" : n >= 100 ? n.toFixed(0) : n.toFixed(2);
  const lines = rows.map(({ name, ours, peer, unit, ratio, note }) => [
    name,
    figure(ours),
    figure(peer),
    unit,
    ratio ? `${ratio.median.toFixed(2)} (${ratio.min.toFixed(2)}–${ratio.max.toFixed(2)})` : "–",
    note ?? "",
  ]);
  const head = ["measure", "ours", "peer", "unit", "ratio (min–max)", "peer is"];
  const widths = head.map((title, i) => Math.max(title.length, ...lines.map((line) => line[i].length)));
  for (const line of [head, ...lines]) {
    print(line.map((cell, i) => cell.padEnd(widths[i])).join("  ").trimEnd());
  }
}
