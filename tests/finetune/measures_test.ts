import assert from "node:assert/strict";
import { calibration, judge } from "../../src/finetune/measures.ts";
import { softmax } from "../../src/finetune/score.ts";
import { formatReport, namedPrediction, predictionLines } from "../../src/finetune/report_text.ts";

const near = (is: number, wanted: number) =>
  assert.ok(Math.abs(is - wanted) < 1e-12, `${is} is not ${wanted}`);

Deno.test("confusion, recall, precision, F1 and cross-entropy by hand", () => {
  const judged = [[0, 0.7, 0.2, 0.1], [0, 0.3, 0.6, 0.1], [1, 0.1, 0.8, 0.1], [1, 0.2, 0.5, 0.3]];
  const report = judge(
    judged.map(([label, ...rest]) => ({ label, probabilities: Float64Array.from(rest) })),
    ["cat", "dog", "owl"],
  );
  assert.deepEqual(report.confusion, [[1, 1, 0], [0, 2, 0], [0, 0, 0]]);
  assert.deepEqual([report.top1, report.top5, report.balanced], [0.75, 1, 0.75]);
  const [cat, dog, owl] = report.classes;
  assert.deepEqual([cat.recall, cat.precision, dog.recall, owl.recall, owl.f1], [0.5, 1, 1, null, null]);
  near(dog.precision!, 2 / 3);
  near(dog.f1!, 0.8);
  near(report.crossEntropy, -(Math.log(0.7) + Math.log(0.3) + Math.log(0.8) + Math.log(0.5)) / 4);
  assert.throws(() => judge([], ["a"]), /no picture/);
  assert.throws(
    () => judge([{ label: 2, probabilities: Float64Array.of(1) }], ["a"]),
    /none of the 1 classes/,
  );
});

Deno.test("calibration: distance of confidence and accuracy by bins; right at the edges", () => {
  const { ece, bins } = calibration([
    { confidence: 0.95, right: true },
    { confidence: 0.95, right: false },
    { confidence: 0.6, right: true },
    { confidence: 1, right: true },
  ], 5);
  // (0.8, 1]: 3 pictures, mean 2.9/3, accuracy 2/3; (0.4, 0.6]: 0.6 and 1.
  near(ece, 0.75 * (2.9 / 3 - 2 / 3) + 0.25 * 0.4);
  assert.deepEqual(bins.map(({ pictures }) => pictures), [0, 0, 1, 0, 3]);
  assert.equal(calibration([{ confidence: 0, right: false }], 5).bins[0].pictures, 1);
});

Deno.test("softmax sums to 1, however large the scores", () => {
  const values = softmax([1000, 1001, -1000]);
  near(values.reduce((a, b) => a + b), 1);
  near(values[1] / values[0], Math.E);
});

Deno.test("predictions as a table, as CSV with quotes, as JSON lines", () => {
  const one = namedPrediction('a,"b".png', Float64Array.of(0.25, 0.75), ["cat", "dog, big"], 2);
  assert.deepEqual(predictionLines([one], "csv"), [
    "picture,class,probability,class2,probability2",
    '"a,""b"".png","dog, big",0.75,cat,0.25',
  ]);
  assert.deepEqual(JSON.parse(predictionLines([one], "jsonl")[0]), {
    key: 'a,"b".png',
    classes: [{ name: "dog, big", probability: 0.75 }, { name: "cat", probability: 0.25 }],
  });
  assert.match(predictionLines([one], "table")[0], /dog, big +75\.0 % +cat +25\.0 %/);
});

Deno.test("a report of many classes lists the most frequent mistakes instead of a wide table", () => {
  const names = Array.from({ length: 20 }, (_, i) => `c${i}`);
  const at = (label: number) => Float64Array.from(names, (_, i) => i === label ? 0.5 : 0.5 / 19);
  const text = formatReport(
    judge([{ label: 1, probabilities: at(2) }, { label: 3, probabilities: at(3) }], names),
  );
  assert.match(text, /most frequent mistakes\n +1 +c1 → c2\n/);
  assert.match(text, /^top-1 50\.0 %/);
});
