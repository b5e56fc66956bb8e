import assert from "node:assert/strict";
import fc from "npm:fast-check@4.10.2";
import { packView, unpackView } from "../../src/views/pack.ts";
import { DEFAULT_VIEWS, sampleView } from "../../src/views/sample.ts";
import { type View, VIEW_FIELDS } from "../../src/views/types.ts";

const COUNT = 20_000;
const pairs: [View, View][] = Array.from(
  { length: COUNT },
  (_, index) => [sampleView(DEFAULT_VIEWS, 1, 2, index, 0), sampleView(DEFAULT_VIEWS, 1, 2, index, 1)],
);
const all = pairs.flat();

function share(views: View[], has: (view: View) => boolean): number {
  return views.filter(has).length / views.length;
}

function assertNear(actual: number, expected: number, tolerance: number): void {
  assert.ok(Math.abs(actual - expected) <= tolerance, `${actual} is not ${expected} ± ${tolerance}`);
}

function mean(values: number[]): number {
  return values.reduce((a, b) => a + b, 0) / values.length;
}

/** First and last (exclusive) cell of an edge pair on the 14 × 14 grid. docs/spec.md §4. */
function cells({ crop }: View): { rows: [number, number]; columns: [number, number] } {
  const cell = (pixel: number) => Math.floor(pixel / 16);
  return {
    rows: [cell(crop.top), cell(crop.top + crop.height)],
    columns: [cell(crop.left), cell(crop.left + crop.width)],
  };
}

const common = ([a, b]: [number, number], [c, d]: [number, number]) =>
  Math.max(0, Math.min(b, d) - Math.max(a, c));

Deno.test("crops fall on the grid as the reference's do", () => {
  const regions = pairs.map(([one, two]) => [cells(one), cells(two)]);
  const outside = regions.flat().map(({ rows, columns }) =>
    1 - common(rows, rows) * common(columns, columns) / 196
  );
  assertNear(mean(outside), 0.498, 0.006);
  const shared = regions.map(([a, b]) => common(a.rows, b.rows) * common(a.columns, b.columns));
  assertNear(mean(shared), 64.3, 1);
  assertNear(shared.filter((count) => count === 0).length / COUNT, 0.0064, 0.0025);
  const sides = regions.flat().flatMap(({ rows, columns }) => [common(rows, rows), common(columns, columns)]);
  assert.equal(Math.min(...sides), 4);
});

Deno.test("crops lie inside the picture and keep to the scale and ratio", () => {
  for (const { crop: { top, left, height, width } } of all) {
    assert.ok([top, left, height, width].every(Number.isInteger));
    assert.ok(top >= 0 && left >= 0 && top + height <= 224 && left + width <= 224);
    assert.ok(height * width > 0.135 * 224 * 224 && width / height < 1.36 && height / width < 1.36);
  }
  assertNear(mean(all.map(({ crop }) => crop.left / (224 - crop.width || 1))), 0.5, 0.01);
  assert.ok(all.some(({ crop }) => crop.top === 0) && all.some(({ crop }) => crop.top + crop.height === 224));
});

Deno.test("every change has its chance, in each view its own", () => {
  const [one, two] = [pairs.map(([view]) => view), pairs.map(([, view]) => view)];
  assertNear(share(all, ({ flip }) => flip), 0.5, 0.01);
  assertNear(share(all, ({ colour }) => colour !== null), 0.8, 0.01);
  assertNear(share(all, ({ grey }) => grey), 0.2, 0.01);
  assert.equal(share(one, ({ blur }) => blur >= Math.fround(0.1) && blur <= 2), 1);
  assertNear(share(two, ({ blur }) => blur > 0), 0.1, 0.01);
  assert.equal(share(one, ({ solarise }) => solarise), 0);
  assertNear(share(two, ({ solarise }) => solarise), 0.2, 0.01);
});

Deno.test("colour factors are uniform and their orders equally likely", () => {
  const jitters = all.flatMap(({ colour }) => colour ?? []);
  for (
    const [name, low, high] of [
      ["brightness", 0.6, 1.4],
      ["contrast", 0.6, 1.4],
      ["saturation", 0.8, 1.2],
      ["hue", -0.1, 0.1],
    ] as const
  ) {
    const values = jitters.map((jitter) => jitter[name]);
    assertNear(Math.min(...values), low, 0.001);
    assertNear(Math.max(...values), high, 0.001);
    assertNear(mean(values), (low + high) / 2, 0.01);
  }
  const counts = new Map<string, number>();
  for (const { order } of jitters) counts.set(String(order), (counts.get(String(order)) ?? 0) + 1);
  assert.equal(counts.size, 24);
  for (const count of counts.values()) assertNear(count / jitters.length, 1 / 24, 0.006);
});

Deno.test("a view depends on its key alone", () => {
  assert.deepEqual(sampleView(DEFAULT_VIEWS, 1, 2, 77, 1), pairs[77][1]);
  const keys = [[1, 2, 77, 0], [1, 2, 78, 1], [1, 3, 77, 1], [2, 2, 77, 1]] as const;
  for (const [seed, epoch, index, number] of keys) {
    assert.notDeepEqual(sampleView(DEFAULT_VIEWS, seed, epoch, index, number), pairs[77][1]);
  }
});

Deno.test("a scale that never fits falls back to the whole picture", () => {
  const { crop } = sampleView({ ...DEFAULT_VIEWS, cropScale: [1, 1], cropRatio: [2, 2] }, 0, 0, 0, 0);
  assert.deepEqual(crop, { top: 0, left: 0, height: 224, width: 224 });
});

Deno.test("packing keeps every sampled view exactly", () => {
  const key = fc.nat(1_000_000);
  fc.assert(
    fc.property(
      key,
      key,
      fc.constantFrom(0 as const, 1 as const),
      fc.nat(3),
      (epoch, index, number, slot) => {
        const view = sampleView(DEFAULT_VIEWS, 5, epoch, index, number);
        const packed = new Float32Array(4 * VIEW_FIELDS).fill(-1);
        packView(view, packed, slot * VIEW_FIELDS);
        assert.deepEqual(unpackView(packed, slot * VIEW_FIELDS), view);
        assert.equal(packed.filter((value) => value === -1).length, 3 * VIEW_FIELDS);
      },
    ),
  );
});

Deno.test("packing refuses a place that is too short", () => {
  const short = new Float32Array(VIEW_FIELDS);
  assert.throws(() => packView(all[0], short, 1), /takes 16 numbers from 1, but there are only 16/);
  assert.throws(() => unpackView(short, 1), RangeError);
});
