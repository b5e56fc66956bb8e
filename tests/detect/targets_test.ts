import assert from "node:assert/strict";
import fc from "npm:fast-check@4.10.2";
import { levelsOf, locationsOf } from "../../src/detect/levels.ts";
import { assignTargets } from "../../src/detect/targets.ts";
import * as tf from "../../src/engine/tensors.ts";
import { openWasm } from "../../src/engine/wasm.ts";

const SIDE = 64, CLASSES = 3, MOST = 5;
const LEVELS = levelsOf({ imageSize: SIDE, patchSize: 8, upscale: 1, levels: 3 }),
  LOCATIONS = locationsOf(LEVELS);

interface Made {
  box: [number, number, number, number];
  kind: number;
}

/** What each location has to find, by the words of the definition. */
function assignedPlainly(objects: readonly Made[]): { object: Made; to: number[]; centre: number }[] {
  const out: { object: Made; to: number[]; centre: number }[] = [];
  for (const { side, stride, range: [least, most] } of LEVELS) {
    for (let row = 0; row < side; row++) {
      for (let column = 0; column < side; column++) {
        const x = column * stride + Math.floor(stride / 2), y = row * stride + Math.floor(stride / 2);
        let best: { object: Made; to: number[]; centre: number; area: number } | undefined;
        for (const object of objects) {
          const [x0, y0, x1, y1] = object.box, to = [x - x0, y - y0, x1 - x, y1 - y];
          const farthest = Math.max(...to), area = (x1 - x0) * (y1 - y0);
          if (Math.min(...to) <= 0 || farthest < least || farthest > most) continue;
          if (Math.abs(x - (x0 + x1) / 2) >= 1.5 * stride || Math.abs(y - (y0 + y1) / 2) >= 1.5 * stride) {
            continue;
          }
          if (best && best.area <= area) continue;
          const [l, t, r, b] = to;
          const centre = Math.sqrt(Math.min(l, r) / Math.max(l, r) * Math.min(t, b) / Math.max(t, b));
          best = { object, to: to.map((d) => d / stride), centre, area };
        }
        if (best) out[out.length] = best;
        else out.length++;
      }
    }
  }
  return out;
}

async function compare(
  pictures: readonly (readonly Made[])[],
  count = CLASSES,
  most = MOST,
): Promise<number> {
  const flat = (of: (made: Made | undefined) => number[]) =>
    pictures.flatMap((objects) => Array.from({ length: most }, (_, i) => of(objects[i])).flat());
  const targets = tf.tidy(() =>
    assignTargets(LOCATIONS, {
      boxes: tf.tensor(flat((made) => made?.box ?? [0, 0, 0, 0]), [pictures.length, most, 4]),
      classes: tf.tensor(flat((made) => [made?.kind ?? 0]), [pictures.length, most], "int32"),
      mask: tf.tensor(flat((made) => [made ? 1 : 0]), [pictures.length, most]),
    }, count)
  );
  const [positive, classes, distances, centreness] = await Promise.all([
    targets.positive.data(),
    targets.classes.data(),
    targets.distances.data(),
    targets.centreness.data(),
  ]);
  tf.dispose({ ...targets });
  let found = 0;
  pictures.forEach((objects, n) => {
    const wanted = assignedPlainly(objects);
    for (let i = 0; i < LOCATIONS.count; i++) {
      const at = n * LOCATIONS.count + i, own = wanted[i];
      assert.equal(positive[at], own ? 1 : 0, `picture ${n}, location ${i}`);
      const kinds = Array.from({ length: count }, (_, k) => Number(own?.object.kind === k));
      assert.deepEqual([...classes.subarray(at * count, (at + 1) * count)], kinds);
      const to = own?.to ?? [1, 1, 1, 1];
      to.forEach((d, k) => assert.ok(Math.abs(distances[4 * at + k] - d) < 1e-4));
      assert.ok(Math.abs(centreness[at] - (own?.centre ?? 0)) < 1e-4);
      found += Number(own !== undefined);
    }
  });
  return found;
}

Deno.test("targets are those of the definition: whole edges, equal boxes, none, a box in a box", async () => {
  await openWasm();
  const found = await compare([
    [],
    [{ box: [0, 0, 64, 64], kind: 2 }, { box: [20, 20, 30, 30], kind: 1 }],
    // The same box twice: the first one counts. A side on a location; the smallest box.
    [{ box: [10, 10, 40, 30], kind: 0 }, { box: [10, 10, 40, 30], kind: 1 }, { box: [2, 2, 6, 10], kind: 2 }],
    // Farthest sides at the ends of the ranges, which belong to both levels.
    [{ box: [2, 6, 34, 22], kind: 0 }, { box: [0, 0, 0.5, 0.5], kind: 1 }],
  ]);
  assert.ok(found > 20, `${found}`);
});

Deno.test("targets of one class, and of one object a picture", async () => {
  await openWasm();
  const pictures: Made[][] = [[{ box: [8, 8, 40, 40], kind: 0 }], [{ box: [20, 20, 30, 30], kind: 0 }]];
  for (const [classes, most] of [[1, 2], [3, 1], [1, 1]]) {
    assert.ok(await compare(pictures, classes, most) > 3);
  }
});

const edge = fc.integer({ min: 0, max: SIDE * 4 }).map((n) => n / 4);
const made = fc.tuple(edge, edge, edge, edge, fc.nat(CLASSES - 1)).map(([a, b, c, d, kind]): Made => ({
  box: [Math.min(a, b), Math.min(c, d), Math.max(a, b) + 0.25, Math.max(c, d) + 0.25],
  kind,
}));

Deno.test("targets of any boxes are those of the definition", async () => {
  await openWasm();
  await fc.assert(
    fc.asyncProperty(fc.array(made, { maxLength: MOST }), async (objects) => {
      await compare([objects]);
    }),
    { numRuns: 25 },
  );
});
