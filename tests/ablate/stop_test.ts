import assert from "node:assert/strict";
import { join } from "node:path";
import { ablate } from "../../src/ablate/ablate.ts";
import { openAblationData } from "../../src/ablate/data.ts";
import { newPlan } from "../../src/ablate/begin.ts";
import type { AblationPlan } from "../../src/ablate/types.ts";
import { openEngine } from "../../src/engine/open.ts";
import { silent } from "../../src/train/show/progress.ts";
import { colourFolder, withFolder } from "../eval/toy.ts";
import { MINUSCULE } from "../train/fixture.ts";

Deno.test("an ablation that is stopped while features are measured ends at the next batch, without that result", () =>
  withFolder(async (folder) => {
    const uris = {
      data: await colourFolder(join(folder, "data"), 5),
      evalData: await colourFolder(join(folder, "queries"), 2),
    };
    const engine = await openEngine("wasm"), data = await openAblationData(uris, () => {});
    const wish = { variants: ["full", "pixels"], seeds: 1, resume: false };
    const begun = await newPlan(wish, { file: {}, flags: { ...MINUSCULE, epochs: 1 } });
    const plan = { ...begun, pictures: 16, budget: { by: "epochs" }, data: uris } as unknown as AblationPlan;
    const out = join(folder, "out"), said: string[] = [];
    const call = (stop: AbortController, status: (text: string) => void) =>
      ablate(plan, { engine, data, out, progress: () => silent, status, signal: stop.signal });
    try {
      for (const when of ["embedded", "linear probe"]) {
        const stop = new AbortController();
        said.length = 0;
        const ended = await call(stop, (text) => {
          if (text) said.push(text);
          if (text.includes(when)) stop.abort();
        });
        assert.deepEqual(ended, { results: [], stopped: true });
        assert.ok(said.at(-1)!.includes(when), `${said.at(-1)}`);
      }
    } finally {
      await data.close();
      await engine.close();
    }
  }));
