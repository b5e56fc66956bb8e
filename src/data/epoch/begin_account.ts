import { type Data, dataUri, openedOf } from "../open/data.ts";
import type { Cursor } from "../types.ts";
import { type DataAccount, emptyAccount } from "./account.ts";
import { dataParts } from "./epoch.ts";

/**
 * A fresh account of a data set, for {@linkcode accountant}.
 *
 * @param data What {@linkcode openData} or {@linkcode openSource} gives.
 * @param options This process's part, and where counting begins, if not with all records at epoch 0.
 * @returns An account in which nothing has been counted.
 * @example What came of the first epoch.
 * ```ts
 * import { accountant, beginAccount, DEFAULT_VIEWS, describeAccount, openSource, streamBatches } from "../../../mod.ts";
 * import assert from "node:assert/strict";
 *
 * const folder = await Deno.makeTempDir();
 * const gif = await (await fetch("data:image/gif;base64,R0lGODlhAQABAAAAACwAAAAAAQABAAACAkQBADs=")).bytes();
 * for (const name of ["one.gif", "two.gif"]) await Deno.writeFile(`${folder}/${name}`, gif);
 * await Deno.writeFile(`${folder}/three.gif`, new Uint8Array(0));
 *
 * const source = await openSource(folder), books = accountant(beginAccount(source));
 * const views = { ...DEFAULT_VIEWS, imageSize: 64 };
 * for await (const batch of streamBatches(source, { imageSize: 64, batchSize: 1, seed: 0, views })) {
 *   if (batch.epoch > 0) break;
 *   books.add(batch);
 * }
 * const { read, bad } = books.account();
 * assert.deepEqual([read, bad], [2, 1]); // A file of zero bytes is bad.
 * assert.equal(describeAccount(books.account())[0], "2 pictures read in epoch 0, 1 bad");
 * await source.close();
 * await Deno.remove(folder, { recursive: true });
 * ```
 */
export function beginAccount(
  data: Data,
  options: { process?: { index: number; count: number }; since?: Cursor } = {},
): DataAccount {
  return emptyAccount({ uri: dataUri(data), sources: dataParts(openedOf(data)) }, options);
}
