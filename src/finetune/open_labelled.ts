/** From a URI to labelled pictures. */
import { badPictures } from "../cli/data_options.ts";
import type { Lines } from "../cli/lines.ts";
import { collect } from "../data/open/collect.ts";
import { openData } from "../data/open/open_data.ts";
import { describePassedOver } from "../data/sources/passed_over.ts";
import { type LabelledPictures, labelledPictures } from "./labelled.ts";

/** How labelled pictures are opened. */
export interface OpenLabelledOptions {
  /** A file of class names; empty: none. */
  labels: string;
  /** Which part of a data set with several is meant. */
  role: "train" | "test";
  progress: Lines;
}

/**
 * Opens labelled pictures by index, and reads the class of each; streams are read into memory. Says what was passed over.
 *
 * @returns The pictures; close their source.
 * @throws {Error} When they cannot be opened, or no picture has a class.
 */
export async function openLabelled(
  uri: string,
  { labels, role, progress }: OpenLabelledOptions,
): Promise<LabelledPictures> {
  const data = await openData(uri, { labels: labels || undefined, role, progress: progress.line });
  const source = await collect(data, { onBad: (bad) => progress.line(`left out: ${bad.message}`) });
  try {
    const passedOver = describePassedOver(source.passedOver?.() ?? []);
    if (passedOver) progress.line(`${source.uri}: ${passedOver}`);
    const onBad = badPictures(source.length, progress);
    return await labelledPictures(source, {
      onBad,
      progress: (done, total) =>
        progress.status(() => `classes of ${done} of ${total} pictures`, done === total),
    });
  } catch (error) {
    await source.close();
    throw error;
  }
}
