import { encodePng } from "../../src/data/picture/png.ts";
import type { Searched } from "../../src/search/serve.ts";

/** A picture of one colour. */
export function colourPng(red: number, green: number, side = 24): Uint8Array {
  const data = Uint8Array.from({ length: side * side * 3 }, (_, i) => [red, green, 90][i % 3]);
  return encodePng({ width: side, height: side, data });
}

/** Names that would do harm if they ran. */
export const HOSTILE = `a/</script><script>alert(1)</script><img src=x onerror=alert(2)>"'&.png`;

/**
 * A set whose pictures are alike where their numbers are: half of them are red and in folder `a`, the others green, in
 * `b/deep`; the last one's name is hostile and it has no class.
 */
export function fakeSet(count = 60, change: Partial<Searched> = {}): Searched & { asked: unknown[] } {
  const asked: unknown[] = [], half = Math.floor(count / 2);
  const keys = Array.from({ length: count }, (_, i) => `${i < half ? "a" : "b/deep"}/${i}.png`);
  keys[count - 1] = HOSTILE;
  return {
    asked,
    name: "photos <b>",
    model: "runs/mine (step 3)",
    keys,
    labels: Array.from({ length: count }, (_, i) => i === count - 1 ? -1 : i < half ? 0 : 1),
    classes: ["red <i>", "green"],
    embeds: true,
    picture: (row) => Promise.resolve(colourPng(row < half ? 200 : 20, row < half ? 20 : 40 + row, 20 + row)),
    nearest(query, k, keep) {
      // What was sent is like the first picture where it is red, else like the last.
      const at = "row" in query ? query.row : query.picture.data[0] > 100 ? 0 : count - 1;
      asked.push("row" in query ? query.row : [query.picture.width, query.picture.height]);
      const found = keys.map((_, row) => ({ row, cosine: 1 - Math.abs(row - at) / count }))
        .filter(({ row }) => (keep?.[row] ?? 1) === 1 && !("row" in query && row === at))
        .sort((a, b) => b.cosine - a.cosine || a.row - b.row);
      return Promise.resolve(found.slice(0, k));
    },
    ...change,
  };
}
