import assert from "node:assert/strict";
import { queryFigures, reidMetrics } from "../../src/reid/metrics.ts";

const close = (a: number, b: number) => assert.ok(Math.abs(a - b) < 1e-12, `${a} is not ${b}`);

/** Average precision as scikit-learn defines it: the sum of precisions, each times the rise in recall. */
function steps(hits: readonly boolean[]): number {
  const all = hits.filter((hit) => hit).length;
  let found = 0, sum = 0, recall = 0;
  hits.forEach((hit, i) => {
    if (hit) found++;
    sum += (found / all - recall) * found / (i + 1);
    recall = found / all;
  });
  return sum;
}

/** The old Market script's: the area under the line through precision and recall, which starts at precision 1. */
function trapezoid(hits: readonly boolean[]): number {
  const all = hits.filter((hit) => hit).length;
  let found = 0, sum = 0, recall = 0, precision = 1;
  hits.forEach((hit, i) => {
    if (hit) found++;
    sum += (found / all - recall) * (precision + found / (i + 1)) / 2;
    recall = found / all;
    precision = found / (i + 1);
  });
  return sum;
}

Deno.test("a query's figures by hand: right pictures at ranks 2, 3 and 6", () => {
  const { first, ap, trapezoidAp, inp } = queryFigures([2, 3, 6]);
  assert.equal(first, 2);
  close(ap, (1 / 2 + 2 / 3 + 3 / 6) / 3);
  // Before each: 0 of 1, 1 of 2, 2 of 5.
  close(trapezoidAp, ((0 + 1 / 2) / 2 + (1 / 2 + 2 / 3) / 2 + (2 / 5 + 3 / 6) / 2) / 3);
  close(inp, 3 / 6);
});

Deno.test("three definitions of average precision side by side, on every list of ten with one to four hits", () => {
  for (let bits = 1; bits < 1024; bits++) {
    const hits = Array.from({ length: 10 }, (_, i) => (bits >> i & 1) === 1);
    const ranks = hits.flatMap((hit, i) => hit ? [i + 1] : []);
    if (ranks.length > 4) continue;
    const { ap, trapezoidAp } = queryFigures(ranks);
    close(ap, steps(hits));
    close(trapezoidAp, trapezoid(hits));
    assert.ok(trapezoidAp <= ap + 1e-12, `${ranks}`);
  }
  // One right picture that is not first: the reason why the two must not be compared.
  for (const rank of [2, 7, 1000]) {
    const { ap, trapezoidAp } = queryFigures([rank]);
    assert.deepEqual([ap, trapezoidAp], [1 / rank, 1 / (2 * rank)]);
  }
});

Deno.test("figures over queries: cumulative matching, means, and what does not count", () => {
  const { counted, uncounted, cmc, map, minp, marketTrapezoidMap } = reidMetrics([[1], [], [4], [2, 11], [
    12,
  ]]);
  assert.deepEqual([counted, uncounted], [4, 1]);
  assert.deepEqual(cmc.map(({ k, share }) => [k, share.value]), [[1, 0.25], [5, 0.75], [10, 0.75]]);
  close(map.value, (1 + 1 / 4 + (1 / 2 + 2 / 11) / 2 + 1 / 12) / 4);
  close(minp.value, (1 + 1 / 4 + 2 / 11 + 1 / 12) / 4);
  close(marketTrapezoidMap.value, (1 + 1 / 8 + (1 / 4 + (1 / 10 + 2 / 11) / 2) / 2 + 1 / 24) / 4);
  assert.ok(map.low <= map.value && map.value <= map.high && map.low < map.high);
  assert.throws(() => reidMetrics([[], []]), /none of 2 queries has a right picture in the gallery/);
  assert.throws(() => queryFigures([3, 3]), /ranks must rise from 1; 3 follows 3/);
  assert.throws(() => queryFigures([]), /a query without a right picture has no figures/);
});
