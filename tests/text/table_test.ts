import assert from "node:assert/strict";
import { categoryLines } from "../../src/coco/text.ts";
import { formatDuplicates, formatResults } from "../../src/eval/search/shown.ts";
import { judge } from "../../src/finetune/measures.ts";
import { formatReport, predictionLines } from "../../src/finetune/report_text.ts";
import { alignCells } from "../../src/text/table.ts";

Deno.test("cells stand below each other, whatever names hold, in more lines than a call takes arguments", () => {
  assert.deepEqual(alignCells([["class", "n"], ["red\nfish", "12"]], 1), ["class       n", "red\\nfish  12"]);
  assert.deepEqual(alignCells([["1", "a"], ["12", "b\tc"]], (column) => column === 1), [
    " 1  a",
    "12  b\\tc",
  ]);
  assert.deepEqual(alignCells([], 1), []);
  assert.equal(alignCells(Array.from({ length: 200_000 }, () => ["x"]), 1).length, 200_000);
});

/** A name that would break a table and steer a terminal. */
const NAME = "red\nfish\x1b[31m", SHOWN = "red\\nfish\\x1b[31m";

Deno.test("names of classes and pictures break no table that a command prints", () => {
  const prediction = { key: NAME, classes: [{ name: NAME, probability: 0.5 }] };
  const report = judge([{ label: 0, probabilities: Float64Array.of(0.2, 0.8) }], [NAME, "b"]);
  const many = judge(
    [{ label: 0, probabilities: Float64Array.from({ length: 20 }, (_, i) => i === 1 ? 1 : 0) }],
    Array.from({ length: 20 }, (_, i) => i === 0 ? NAME : `class ${i}`),
  );
  const near = { rank: 1, row: 0, key: NAME, label: NAME, cosine: 1 };
  const member = { row: 0, nearest: 0, cosine: 1 };
  const figures = { AP: 0, AP50: 0, AP75: 0, APs: 0, APm: 0, APl: 0, AR: 0 };
  const category = { id: "1", name: NAME, objects: 1, detections: 1, ...figures };
  const texts: Record<string, string> = {
    predict: predictionLines([prediction], "table").join("\n"),
    report: formatReport(report),
    mistakes: formatReport(many),
    search: formatResults([{ name: NAME, label: NAME, neighbours: [near] }]),
    duplicates: formatDuplicates({ keys: [NAME] }, {
      ...{ groups: [[member, member]], pairs: 1, pictures: 1, threshold: 0.9, empty: [] },
    }),
    coco: categoryLines([category]).join("\n"),
  };
  for (const [what, text] of Object.entries(texts)) {
    assert.ok(text.includes(SHOWN), `${what}:\n${text}`);
    assert.ok(!text.includes("\x1b") && !text.includes("red\nfish"), `${what}:\n${text}`);
  }
});
