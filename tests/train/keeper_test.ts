import assert from "node:assert/strict";
import { float32 } from "../../src/files/stored_tensor.ts";
import { NonFiniteError } from "../../src/train/finite.ts";
import { type KeeperOptions, openKeeper } from "../../src/train/keeper.ts";
import type { Run } from "../../src/train/standing.ts";

const at = (step: number, state = step): Run<number> => ({
  ...{ state, step, epoch: 0, bad: 0 },
  next: { epoch: 0, position: step },
});

/** A keeper of numbers, and the steps that it has written. */
function numbersKeeper(change: Partial<KeeperOptions<number, number>> = {}) {
  const written: number[] = [];
  const keeper = openKeeper<number, number>({
    ...{ minutes: 0, steps: 0, path: null, start: 0 },
    take: ({ state, step }) =>
      Promise.resolve({ info: step, tensors: { x: float32([1], Float32Array.of(state)) } }),
    write: ({ info }) => Promise.resolve(`step-${written.push(info) && info}`),
    ...change,
  });
  return { keeper, written };
}

Deno.test("a state becomes a checkpoint when a later step was seen to be good, not before", async () => {
  const { keeper, written } = numbersKeeper();
  await keeper.proven(2);
  await keeper.take(at(3));
  await keeper.proven(3);
  assert.deepEqual([written, keeper.path()], [[], null]);
  await keeper.proven(4);
  await keeper.proven(5);
  assert.deepEqual([written, keeper.path()], [[3], "step-3"]);
  // A state that nothing has proven gives way to the next.
  await keeper.take(at(6));
  await keeper.take(at(7));
  await keeper.finish(at(8));
  assert.deepEqual([written, keeper.path()], [[3, 8], "step-8"]);
});

Deno.test("the last state is written where it is new and holds numbers only", async () => {
  const resumed = numbersKeeper({ start: 9, path: "step-9" });
  await resumed.keeper.finish(at(9));
  assert.deepEqual([resumed.written, resumed.keeper.path()], [[], "step-9"]);
  await assert.rejects(
    resumed.keeper.finish(at(10, NaN)),
    (e) => e instanceof NonFiniteError && e.step === 10 && /x holds a value.*step-9\. /.test(e.message),
  );
  const fresh = numbersKeeper();
  await fresh.keeper.finish(at(0));
  assert.deepEqual(fresh.written, [0]);
  // What cannot be written leaves the last good one.
  const full = numbersKeeper({
    path: "step-4",
    start: 4,
    write: () => Promise.reject(new Error("disk full")),
  });
  await full.keeper.take(at(5));
  await assert.rejects(full.keeper.proven(6), /disk full/);
  assert.equal(full.keeper.path(), "step-4");
});

Deno.test("states are due by steps and by minutes since the last was taken", async () => {
  let minute = 0;
  const { keeper } = numbersKeeper({ steps: 4, minutes: 10, now: () => 60_000 * minute });
  const due: number[] = [];
  for (let step = 1; step <= 12; step++, minute += 3) {
    if (!keeper.due(step)) continue;
    due.push(step);
    await keeper.take(at(step));
  }
  // By steps at 4, 8 and 12; by time 12 minutes after none.
  assert.deepEqual(due, [4, 8, 12]);
  minute += 30;
  assert.ok(keeper.due(13));
  const never = numbersKeeper().keeper;
  assert.ok(![1, 10, 100].some((step) => never.due(step)));
});
