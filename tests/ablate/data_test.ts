import assert from "node:assert/strict";
import { join } from "node:path";
import { openAblationData } from "../../src/ablate/data.ts";
import { dataLength } from "../../src/data/open/data.ts";
import { colourFolder, withFolder } from "../eval/toy.ts";

Deno.test("an ablation's data: shares say how often pictures are trained on; in the gallery each has one vote", () =>
  withFolder(async (folder) => {
    const few = await colourFolder(join(folder, "few"), 1),
      many = await colourFolder(join(folder, "many"), 3);
    const uris = { data: `${few}*0.5,${many}*0.5`, evalData: few };
    const { train, gallery, queries, close } = await openAblationData(uris, () => {});
    await close();
    assert.deepEqual([dataLength(train), gallery.length, queries.length], [18, 12, 3]);
  }));
