/** The figures of re-identification for people. */
import { describePreprocessing } from "../eval/embedding/info.ts";
import type { ReidReport } from "./evaluate.ts";

/**
 * The report's figures as lines of text.
 *
 * @throws {TypeError} When it is none.
 */
export function formatReid(report: ReidReport): string {
  if (!Array.isArray(report?.cmc)) throw new TypeError("`report` must be what `await evaluateReid(…)` gives");
  const { cmc, map, minp, marketTrapezoidMap, counted, query, gallery, preprocessing, token, notes } = report;
  const percent = (share: number) => (100 * share).toFixed(1);
  const rows = [
    ...cmc.map(({ k, share }) => ({ name: `CMC@${k}`, share })),
    { name: "mAP", share: map },
    { name: "mINP", share: minp },
    { name: "mAP, trapezoid", share: marketTrapezoidMap },
  ];
  const { persons, distractors, junk } = gallery;
  return [
    ...rows.map(({ name, share: { value, low, high } }) =>
      `${name.padEnd(16)}${percent(value).padStart(5)} %   95 %: ${percent(low)}–${percent(high)}`
    ),
    "",
    `${counted} queries of ${query.uri} against ${gallery.pictures} pictures of ${gallery.uri}: ${persons} persons, ` +
    `${distractors} pictures of others${junk > 0 ? `, ${junk} that do not count` : ""}.`,
    `${token === "class" ? "Class token" : "Mean patch token"}, ${
      describePreprocessing(preprocessing)
    }; cosine; ` +
    `${report.model}, ${report.digest.slice(0, 19)}….`,
    "mAP, trapezoid, is that of Market-1501's first script: compare it with old figures alone.",
    ...notes.map((note) => `Note: ${note}.`),
  ].join("\n");
}
