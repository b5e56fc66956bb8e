import assert from "node:assert/strict";
import { encodePng } from "../../src/data/picture/png.ts";
import { shownPictures } from "../../src/search/pictures.ts";

Deno.test("search: a picture that could not be read once is shown when it can be, and is then kept", async () => {
  const good = encodePng({ width: 4, height: 3, data: new Uint8Array(36).fill(90) });
  const found: (Uint8Array | null)[] = [null, new Uint8Array(9), good];
  let reads = 0;
  const pictures = shownPictures(() => Promise.resolve(found[reads++]));
  assert.equal(await pictures(0, "small"), null, "it is not there");
  assert.equal(await pictures(0, "small"), null, "it is no picture");
  assert.equal((await pictures(0, "small"))?.type, "image/jpeg");
  assert.equal((await pictures(0, "small"))?.type, "image/jpeg");
  assert.equal(reads, 3);
});
