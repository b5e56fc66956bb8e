/** The soak is worth what it notices: every kind of damage to a run folder must be told as the right broken promise. */
import assert from "node:assert/strict";
import { join } from "node:path";
import {
  checkpointPath,
  figuresOf,
  inspectRun,
  leftoversIn,
  type Reference,
  tensorDigest,
} from "../../src/soak/inspect.ts";
import { openLedger, type Promised } from "../../src/soak/ledger.ts";
import { saveCheckpoint } from "../../src/train/run/checkpoint.ts";
import { presetConfig } from "../../src/train/config/presets.ts";
import { float32 } from "../../src/files/stored_tensor.ts";

const STEPS = [2, 4];

/** Line `step` of metrics.jsonl; the speed differs each time. */
const line = (step: number) => ({
  step,
  epoch: 0,
  loss: 1 / step,
  imagesPerSecond: Math.random(),
  waiting: 0,
});

async function writeRun(out: string, change = 0): Promise<void> {
  for (const step of STEPS) {
    await saveCheckpoint(
      out,
      {
        config: { ...presetConfig("demo"), out },
        step,
        cursor: { epoch: 0, position: step },
        pictures: 9,
        bad: 0,
        engine: "wasm",
        time: new Date().toISOString(),
      },
      { "params.a": float32([3], Float32Array.of(step, change, 1)) },
      { keep: 3 },
    );
  }
  await Deno.writeTextFile(join(out, "config.json"), "{}\n");
  await Deno.writeTextFile(
    join(out, "metrics.jsonl"),
    [1, 2, 3, 4, 5].map((step) => JSON.stringify(line(step)) + "\n").join(""),
  );
}

/** What is found broken after something was done to a run's folder. */
async function broken(damage: (out: string) => unknown, before = 4): Promise<Promised[]> {
  const folder = await Deno.makeTempDir(), out = join(folder, "run");
  try {
    await writeRun(out);
    const digests = new Map<number, string>();
    for (const step of STEPS) digests.set(step, (await tensorDigest(checkpointPath(out, step))).digest);
    const reference: Reference = {
      figures: [1, 2, 3, 4, 5, 6].map((step) => figuresOf(line(step))),
      digests,
    };
    await damage(out);
    const said: string[] = [], ledger = openLedger(join(folder, "evidence"), (line) => said.push(line));
    const scope = ledger.enter("here", [out], { seed: 1 });
    await inspectRun(out, reference, before, scope);
    await scope.settle();
    assert.equal(scope.sound, ledger.broken.length === 0);
    assert.equal(said.length, ledger.broken.length);
    for (const { evidence, what, where } of ledger.broken) {
      assert.ok(what.length > 10 && where === "here");
      assert.equal(JSON.parse(await Deno.readTextFile(join(evidence, "facts.json"))).facts.seed, 1);
    }
    return [...new Set(ledger.broken.map(({ promise }) => promise))];
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

const edit = (name: string, change: (text: string) => string) => async (out: string) => {
  const path = join(out, name);
  await Deno.writeTextFile(path, change(await Deno.readTextFile(path)));
};
const metrics = (change: (lines: string[]) => string[]) =>
  edit("metrics.jsonl", (text) => change(text.split(/(?<=\n)/)).join(""));

Deno.test("a sound run folder breaks nothing, whatever a killed process leaves in it", async () => {
  assert.deepEqual(await broken(() => {}), []);
  assert.deepEqual(await broken(metrics(([a, b, c, d, e]) => [a, b, c, d, e.slice(0, 9)])), []);
  assert.deepEqual(
    await broken((out) =>
      Deno.writeTextFile(join(out, "checkpoints", ".partial-step-00000006.safetensors"), "x")
    ),
    [],
  );
  assert.deepEqual(await broken((out) => Deno.remove(out, { recursive: true }), 0), []);
});

Deno.test("every damage is told as the promise that it breaks", async () => {
  const cases: [what: string, damage: (out: string) => unknown, promise: Promised][] = [
    ["other weights", (out) => writeRun(out, 1e-7), "weights"],
    ["no number among the weights", (out) => writeRun(out, NaN), "whole"],
    ["a checkpoint cut short", (out) => Deno.truncate(checkpointPath(out, 4), 300), "whole"],
    [
      "a checkpoint under another name",
      (out) => Deno.rename(checkpointPath(out, 4), checkpointPath(out, 3)),
      "whole",
    ],
    ["the last checkpoint is gone", (out) => Deno.remove(checkpointPath(out, 4)), "kept"],
    ["half a configuration", edit("config.json", () => "{"), "whole"],
    ["a step is missing", metrics(([a, , ...rest]) => [a, ...rest]), "metrics"],
    ["a step stands twice", metrics(([a, ...rest]) => [a, a, ...rest]), "metrics"],
    ["a torn line in the middle", metrics(([a, ...rest]) => [a.slice(0, 7) + "\n", ...rest]), "metrics"],
    ["fewer lines than the checkpoint has steps", metrics((lines) => lines.slice(0, 3)), "metrics"],
    [
      "another loss in the last digit",
      edit("metrics.jsonl", (t) => t.replace('"loss":0.25', '"loss":0.2500000000000001')),
      "losses",
    ],
    [
      "a bad picture named twice",
      (out) => Deno.writeTextFile(join(out, "bad.jsonl"), '{"key":"a"}\n'.repeat(2)),
      "whole",
    ],
  ];
  for (const [what, damage, promise] of cases) {
    const found = await broken(damage);
    assert.ok(found.includes(promise), `${what}: ${found}`);
    // One under another name is also lost under its own.
    const alike = promise === "whole" ? ["whole", "kept"] : [promise];
    assert.ok(found.every((name) => alike.includes(name)), `${what}: ${found}`);
  }
});

Deno.test("leftovers are found by their names, and anything among temporary files", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const files = [
      "run/.partial-config.json",
      "run/checkpoints/.partial-last",
      "run/config.json",
      "tmp/x",
      "a.part/b",
    ];
    for (const file of [...files, "programs/1.xla.77.tmp", ".shards.partial-x/lock", ".stage-xla-1/wheel"]) {
      await Deno.mkdir(join(folder, file, ".."), { recursive: true });
      await Deno.writeTextFile(join(folder, file), "");
    }
    const left = leftoversIn([folder], [join(folder, "tmp")]).map((path) => path.slice(folder.length + 1))
      .sort();
    assert.deepEqual(left, [
      ".shards.partial-x",
      ".stage-xla-1",
      "a.part",
      "programs/1.xla.77.tmp",
      "run/.partial-config.json",
      "run/checkpoints/.partial-last",
      "tmp/x",
    ]);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
