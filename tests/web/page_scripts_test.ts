/** The scripts of pages are the texts of functions: one that is left out is missing in the browser, and only there. */
import assert from "node:assert/strict";
import { pageScript as reportScript } from "../../src/report/page/script.ts";
import { searchScript } from "../../src/search/page/script.ts";

for (const [page, script] of [["report", reportScript()], ["search", searchScript()]]) {
  Deno.test(`the script of the ${page} page has all functions of its folder, and needs nothing else of it`, async () => {
    const folder = new URL(`../../src/${page}/page/`, import.meta.url);
    let functions = 0;
    for await (const { name } of Deno.readDir(folder)) {
      if (["script.ts", "style.ts"].includes(name)) continue;
      const text = await Deno.readTextFile(new URL(name, folder));
      for (const [, declared] of text.matchAll(/^(?:export )?(?:async )?function (\w+)/gm)) {
        assert.ok(script.includes(`function ${declared}(`), `${name}: ${declared} is not in the script`);
        functions++;
      }
      const constant = /^(?:export )?(?:const|let|class) (\w+)/m.exec(text);
      assert.equal(constant?.[1], undefined, `${name}: only functions get into a script`);
    }
    assert.ok(functions > 5);
  });
}
