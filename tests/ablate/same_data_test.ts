import assert from "node:assert/strict";
import { join } from "node:path";
import { ablate } from "../../src/ablate/ablate.ts";
import { openAblationData } from "../../src/ablate/data.ts";
import { readResult } from "../../src/ablate/plan.ts";
import type { AblationPlan } from "../../src/ablate/types.ts";
import { openEngine } from "../../src/engine/open.ts";
import { silent } from "../../src/train/show/progress.ts";
import { colourFolder, withFolder } from "../eval/toy.ts";
import { MINUSCULE } from "../train/fixture.ts";

Deno.test("an ablation does not go on with other pictures than it has results of", () =>
  withFolder(async (folder) => {
    const uris = {
      data: await colourFolder(join(folder, "data"), 3),
      evalData: await colourFolder(join(folder, "queries"), 2),
    };
    const engine = await openEngine("wasm"), out = join(folder, "out");
    const plan: AblationPlan = {
      version: 1,
      given: { ...MINUSCULE },
      variants: [],
      baselines: ["pixels"],
      seeds: [0],
      budget: { by: "epochs" },
      pictures: 8,
      data: { train: uris.data, gallery: uris.data, queries: uris.evalData },
      words: {},
    };
    const run = async (seeds: number[]) => {
      await using data = Object.assign(await openAblationData(uris, () => {}), {
        [Symbol.asyncDispose]: () => data.close(),
      });
      const more: AblationPlan = { ...plan, seeds, baselines: ["pixels", "random"] };
      return await ablate(seeds.length > 1 ? more : plan, { engine, data, out, progress: () => silent });
    };
    try {
      assert.deepEqual((await run([0])).results[0].data, { train: 9, gallery: 9, queries: 6 });
      await Deno.copyFile(join(uris.evalData, "red", "1.png"), join(uris.evalData, "red", "2.png"));
      await assert.rejects(run([0, 1]), {
        name: "ConfigError",
        message:
          `the pictures are others than those that ${out} has results of: there are 9 to train on, 9 in the ` +
          "gallery and 7 queries; of pixels, seed 0, there were 9 to train on, 9 in the gallery and 6 queries. Go on with " +
          "the same data, or begin another ablation in another folder",
      });
      assert.equal(await readResult(out, "random", 0), null);
      // With nothing left to do nothing is mixed.
      assert.equal((await run([0])).results.length, 1);
      await Deno.remove(join(uris.evalData, "red", "2.png"));
      assert.equal((await run([0, 1])).results.length, 3);
    } finally {
      await engine.close();
    }
  }));
