/** Pictures of formats that no decoder here reads, told by their first bytes: any of them may be called .jpg. */
import { letters } from "./sniff.ts";

/** Bytes at a file's beginning, a character each, and what it is. */
const STARTS: readonly (readonly [start: string, what: string])[] = [
  ["\xff\x0a", "a JPEG XL picture"],
  ["\0\0\0\x0cJXL \r\n\x87\n", "a JPEG XL picture"],
  ["\0\0\0\x0cjP  \r\n\x87\n", "a JPEG 2000 picture"],
  ["\xff\x4f\xff\x51", "a JPEG 2000 picture"],
  ["II\xbc\x01", "a JPEG XR picture"],
  ["8BPS\0", "a Photoshop picture"],
  ["\0\0\x01\0", "an icon (ICO)"],
  ["\x76\x2f\x31\x01", "an OpenEXR picture"],
  ["#?RADIANCE", "a Radiance HDR picture"],
  ["#?RGBE", "a Radiance HDR picture"],
  ["Pf\n", "a PFM picture of floating-point numbers"],
  ["PF\n", "a PFM picture of floating-point numbers"],
  ["P7\n", "a PAM picture"],
  ["DDS ", "a DirectDraw picture (DDS)"],
  ["qoif", "a QOI picture"],
  ["farbfeld", "a farbfeld picture"],
  ["FLIF", "a FLIF picture"],
  ["BPG\xfb", "a BPG picture"],
  ["SIMPLE  =", "a FITS picture"],
  ["FUJIFILMCCD-RAW", "a camera's raw picture"],
  ["IIRO", "a camera's raw picture"],
  ["IIU\0", "a camera's raw picture"],
  ["\xd7\xcd\xc6\x9a", "a Windows metafile"],
  ["gimp xcf", "a GIMP picture"],
  ["\x8aMNG\r\n\x1a\n", "an MNG animation"],
];

/** Brands of files made of boxes, as MP4 and HEIC are. */
const BRANDS: readonly (readonly [brand: RegExp, what: string])[] = [
  [/hei[cfmsx]|hev[cmsx]|mif1|msf1/, "a HEIC picture"],
  [/crx /, "a camera's raw picture"],
];

/** DICOM's files begin with so many bytes of anything. */
const DICOM = 128;

/**
 * What a picture is that cannot be decoded.
 *
 * @param start Its first 512 bytes, or all.
 * @returns With its article, such as `a JPEG XL picture`; null for anything else.
 */
export function otherPicture(start: Uint8Array): string | null {
  const text = letters(start, 0, 32);
  const known = STARTS.find(([begin]) => text.startsWith(begin));
  // An icon says how many it holds, of which there are few.
  if (known) return text.startsWith("\0\0\x01\0") && !(start[4] > 0 && start[5] === 0) ? null : known[1];
  if (letters(start, DICOM, DICOM + 4) === "DICM") return "a DICOM picture";
  if (letters(start, 4, 8) !== "ftyp") return null;
  return BRANDS.find(([brand]) => brand.test(letters(start, 8, 32)))?.[1] ?? null;
}
