import { casesIn, checkCase } from "./cases.ts";

Deno.test("evaluations and masks equal pycocotools', its odd rules included", async () => {
  const packed = await Deno.open(new URL("../fixtures/coco/cases.jsonl.gz", import.meta.url));
  const text = await new Response(packed.readable.pipeThrough(new DecompressionStream("gzip"))).text();
  casesIn(text).forEach((one, i) => checkCase(one, `case ${i}`));
});
