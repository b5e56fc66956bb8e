import assert from "node:assert/strict";
import { parseForeignJson } from "../../src/data/io/foreign_text.ts";
import { resultsJson } from "../../src/detect/text.ts";

Deno.test("results have the annotations' ids, numbers beyond 2^53 and texts too", () => {
  const found = [
    { image_id: 9007199254740993n, category_id: 18446744073709551615n, bbox: [1, 2, 3.5, 4], score: 0.25 },
    { image_id: "0007", category_id: 3, bbox: [0, 0, 1, 1], score: 1 },
  ];
  const text = resultsJson(found);
  assert.equal(
    text,
    '[{"image_id":9007199254740993,"category_id":18446744073709551615,"bbox":[1,2,3.5,4],"score":0.25},' +
      '{"image_id":"0007","category_id":3,"bbox":[0,0,1,1],"score":1}]',
  );
  assert.deepEqual(parseForeignJson(text), found);
});
