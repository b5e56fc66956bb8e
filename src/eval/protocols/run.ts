import { fewshotProtocol } from "./fewshot.ts";
import { knnProtocol } from "./knn.ts";
import { linearProtocol } from "./linear.ts";
import { logregProtocol } from "./logreg.ts";
import type { ProtocolName, ProtocolOptions, ProtocolRow } from "./types.ts";

const PROTOCOL: Readonly<Record<ProtocolName, (options: ProtocolOptions) => Promise<ProtocolRow[]>>> = {
  knn: knnProtocol,
  linear: linearProtocol,
  logreg: logregProtocol,
  fewshot: fewshotProtocol,
};

/**
 * Measures frozen features by named protocols (docs/evaluation.md): `knn` (DINO), `linear` with a recipe, `logreg` and
 * `fewshot` (DINOv2). No picture is augmented.
 *
 * @param options Sets whose classes are matched, see `matchSets`.
 * @returns A row for each figure, in the order of the names.
 * @throws {RangeError} When there is no such protocol.
 * @throws {Error} When a protocol cannot be used with these sets; says why.
 */
export async function runProtocols(
  names: readonly ProtocolName[],
  options: ProtocolOptions,
): Promise<ProtocolRow[]> {
  for (const name of names) {
    if (Object.hasOwn(PROTOCOL, name)) continue;
    throw new RangeError(
      `there is no protocol ${JSON.stringify(name)}; take ${Object.keys(PROTOCOL).join(", ")}`,
    );
  }
  const rows: ProtocolRow[] = [];
  for (const name of names) rows.push(...await PROTOCOL[name](options));
  return rows;
}
