/** How files begin that are not tar archives, though their names say so. */
const STARTS: readonly [start: readonly number[], what: string][] = [
  [[0x50, 0x4b, 3, 4], "a zip archive"],
  [[0x42, 0x5a, 0x68], "compressed with bzip2, which is not read (repack it as .tar or .tar.gz)"],
  [[0xfd, 0x37, 0x7a, 0x58, 0x5a], "compressed with xz, which is not read (repack it as .tar or .tar.gz)"],
  [[0x28, 0xb5, 0x2f, 0xfd], "compressed with zstd, which is not read (repack it as .tar or .tar.gz)"],
  [[0x1f, 0x8b], "compressed with gzip once more"],
  [[0x37, 0x7a, 0xbc, 0xaf], "a 7z archive"],
  [[0x50, 0x41, 0x52, 0x31], "a Parquet file"],
  [[0xff, 0xd8, 0xff], "a JPEG picture"],
  [[0x89, 0x50, 0x4e, 0x47], "a PNG picture"],
];

/**
 * What bytes look like that are no tar header.
 *
 * @param bytes The first of them.
 * @returns Such as "a zip archive"; null where nothing tells.
 */
export function describeForeign(bytes: Uint8Array): string | null {
  const known = STARTS.find(([start]) => start.every((byte, i) => bytes[i] === byte));
  if (known) return known[1];
  const text = new TextDecoder().decode(bytes.subarray(0, 200)).replace(/^\uFEFF/, "").trimStart()
    .toLowerCase();
  if (/^<(!doctype html|html|head|body)/.test(text)) return "an HTML page, as servers send with an error";
  if (text.startsWith("<?xml") || text.startsWith("<error")) {
    return "XML, as storage servers send with an error";
  }
  if (/^[{[]\s*["{[}]/.test(text)) return "JSON, as servers send with an error";
  if (text.startsWith("version https://git-lfs")) return "a pointer of Git LFS (run git lfs pull)";
  return null;
}
