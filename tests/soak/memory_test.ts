import assert from "node:assert/strict";
import fc from "npm:fast-check@4.10.2";
import { lineThrough, readSample, type Sample, trendOf } from "../../src/soak/memory.ts";

Deno.test("the line through points on a line is that line, without error", () => {
  fc.assert(
    fc.property(fc.integer({ min: -50, max: 50 }), fc.integer({ min: -50, max: 50 }), (slope, from) => {
      const points = Array.from({ length: 9 }, (_, x) => [x, from + slope * x] as const);
      const line = lineThrough(points);
      assert.ok(Math.abs(line.slope - slope) < 1e-9 && line.error < 1e-6);
    }),
  );
});

/** A process that starts with 400 MB and 20 files and gets more of both every second of an hour. */
const growing = (bytes: number, files: number): Sample[] =>
  Array.from({ length: 3600 }, (_, seconds) => ({
    seconds,
    resident: 400e6 + bytes * seconds,
    files: 20 + Math.floor(files * seconds),
  }));

Deno.test("a leak is seen as megabytes an hour, and what is flat as nothing", () => {
  const leak = trendOf(growing(10e6 / 3600, 1 / 60))!;
  assert.ok(Math.abs(leak.slopeMBPerHour - 10) < 1e-3);
  assert.ok(Math.abs(leak.grownMB - 2.5) < 0.01 && leak.filesGrown === 15);
  const flat = trendOf(growing(0, 0))!;
  assert.deepEqual([flat.slopeMBPerHour, flat.grownMB, flat.filesGrown, flat.residentMB], [0, 0, 0, 400]);
  // What a start takes does not count: only the last half does.
  const start = growing(0, 0).map((sample) => ({
    ...sample,
    resident: Math.min(400e6, sample.seconds * 1e6),
  }));
  assert.equal(trendOf(start)!.slopeMBPerHour, 0);
  assert.equal(trendOf(growing(0, 0).slice(0, 7)), null);
});

Deno.test({
  name: "what this process holds is read, and of one that is not there nothing",
  ignore: Deno.build.os === "windows",
  fn: async () => {
    const sample = (await readSample(Deno.pid))!;
    const { rss } = Deno.memoryUsage();
    assert.ok(sample.resident > rss / 2 && sample.resident < 2 * rss, `${sample.resident} ${rss}`);
    if (Deno.build.os === "linux") assert.ok(sample.files >= 3);
    assert.equal(await readSample(2 ** 22 + 1), null);
  },
});
