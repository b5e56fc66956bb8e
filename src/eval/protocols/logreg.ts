import { bootstrap, meanOf } from "../hits.ts";
import { type Logistic, logisticFitter, logisticHits } from "../logistic.ts";
import { joinRows } from "../rows.ts";
import { partValidation, probeRows } from "./features.ts";
import type { ProtocolOptions, ProtocolRow } from "./types.ts";

/** DINOv2's strengths: 45 of them, 1e-6 to 1e5. */
export const STRENGTHS: readonly number[] = Array.from({ length: 45 }, (_, i) => 10 ** (-6 + 11 * i / 44));

/**
 * Logistic regression by DINOv2's protocol: on the class token, L2, the strength C chosen on a random tenth of the training
 * pictures (or the given validation pictures), then fitted again on both together.
 *
 * @throws {Error} When there are no test pictures, or the class token is not there.
 */
export async function logregProtocol(options: ProtocolOptions): Promise<ProtocolRow[]> {
  const { engine, test, strengths = STRENGTHS, progress, seed = 0 } = options;
  if (!test) throw new Error("logistic regression needs test pictures apart from those that it is fitted to");
  const { train, validation } = options.validation
    ? { train: options.train, validation: options.validation }
    : partValidation(options.train, seed);
  const classes = train.names.length, choosing = probeRows(validation, 1, false);
  let best: { C: number; share: number; fitted: Logistic } | undefined, from: Logistic | undefined;
  const sweep = logisticFitter(engine, probeRows(train, 1, false), classes);
  try {
    for (const [i, C] of strengths.entries()) {
      // From weak to strong: each solution is a good start for the next.
      const fitted = from = await sweep.fit(C, from);
      const share = meanOf((await logisticHits(engine, fitted, choosing)).top1);
      if (!best || share > best.share) best = { C, share, fitted };
      progress?.(`logreg: strength ${i + 1} of ${strengths.length}`);
    }
  } finally {
    sweep.close();
  }
  const { C, share, fitted } = best!, own = probeRows(train, 1, false);
  const labels = [...train.labels, ...validation.labels];
  const both = { ...joinRows([own, choosing]), labels };
  const last = logisticFitter(engine, both, classes);
  try {
    const hits = await logisticHits(engine, await last.fit(C, fitted), probeRows(test, 1, false));
    return [{
      protocol: "logreg",
      tokens: "class token",
      n: 1,
      pool: false,
      settings: { C, validation: share },
      which: "only",
      chosenOn: "validation pictures",
      top1: bootstrap(hits.top1, seed),
      top5: bootstrap(hits.top5, seed),
    }];
  } finally {
    last.close();
  }
}
