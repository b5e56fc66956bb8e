/** What files are that are no pictures and no source: told by their endings in a folder, and by their bytes when named. */

import { otherPicture } from "../picture/other_formats.ts";
import { letters, type PictureFormat, sniff } from "../picture/sniff.ts";

/** Endings of what is certainly no picture, so that nobody need look into it. */
const OTHERS = new Set(
  ("txt md rst html htm css js ts py sh ipynb json jsonl ndjson xml yaml yml toml ini cfg csv tsv log tex bib " +
    "npy npz pkl pickle pt pth mat h5 hdf5 safetensors onnx bin idx rec arrow feather tfrecord lock db sqlite pdf doc " +
    "docx xls xlsx ppt pptx mp4 avi mov mkv webm m4v mpg mpeg mp3 wav flac ogg aac m4a srt vtt md5 sha256 exe dll so")
    .split(" ").map((ending) => `.${ending}`),
);

/** Endings of cameras' raw files. Many begin as a TIFF does, of which all that can be read is a thumbnail. */
const RAW = new Set(
  ("raw cr2 cr3 nef nrw arw sr2 srf dng orf rw2 rwl raf pef srw 3fr fff iiq erf mef mos kdc dcr mrw x3f gpr")
    .split(" ")
    .map((ending) => `.${ending}`),
);

/** Endings of other pictures that no decoder here can read. */
const UNREADABLE = new Set(
  "heic heif jxl jp2 j2k jpx jpf ico cur svg svgz tga psd xcf exr hdr pcx eps ai".split(" ")
    .map((ending) => `.${ending}`),
);

/** Endings of what is a source of its own, and of archives. */
const SOURCES = new Set([".tar", ".tar.gz", ".tgz", ".parquet", ".lmdb", ".mdb"]);
const ARCHIVES = new Set([".zip", ".rar", ".7z", ".gz", ".bz2", ".tbz2", ".xz", ".txz", ".zst", ".lz4"]);

/** Endings of what programs leave beside a file: as it was before a change, or not finished; many begin as a picture does. */
const LEFT = /^\.(bak|old|orig|tmp|temp|part|partial|crdownload|download|swp)$|(~|_original)$/;

/** Folders that storage systems make: thumbnails of all pictures, and deleted files. */
const OF_SYSTEMS = new Set(["@eaDir", "@Recycle", "#recycle", "$RECYCLE.BIN", "lost+found", "__MACOSX"]);

/** Why the pictures in a folder of this name are nobody's. */
export const OF_SYSTEM = "is of the storage system: thumbnails, or deleted files";

/** What lies in the folder of each run, and hardly together in another one. */
export const OF_A_RUN: readonly string[] = ["metrics.jsonl", "config.json", "checkpoints"];

/** Why a run's folder holds no pictures to learn from. */
export const DRAWN_BY_RUN = "is a run's: what it has drawn would be learned from";

/** Whether a folder is one that a storage system made. */
export function isOfSystem(name: string): boolean {
  return OF_SYSTEMS.has(name);
}

/** Whether files of an ending need not be looked into to know that they are no pictures. */
export function isKnownEnding(ending: string): boolean {
  return OTHERS.has(ending) || SOURCES.has(ending) || ARCHIVES.has(ending) || LEFT.test(ending);
}

/** Why a file of an ending is passed over; empty where nobody would expect it to be read. */
export function endingReason(ending: string): string {
  if (SOURCES.has(ending)) return "a source of its own, name it to read it";
  if (ARCHIVES.has(ending)) return "an archive, unpack it";
  if (LEFT.test(ending)) return "a copy of before a change, or not finished";
  return UNREADABLE.has(ending) || RAW.has(ending) ? "cannot be decoded" : "";
}

/** Whether a file is what its first bytes say, a picture in this format. */
export function isFormat(ending: string, format: PictureFormat): boolean {
  return format !== "tiff" || !RAW.has(ending);
}

/** A kind of file, and what to do to have it read. */
export interface FileKind {
  /** With its article: `a zip archive`. */
  what: string;
  /** What a user can do. */
  advice: string;
}

/** What is text and nothing more telling. */
export const PLAIN_TEXT: FileKind = {
  what: "a text file",
  advice: "name the pictures' folder, not a list of them",
};

const UNPACK =
  "unpack it and name the folder, or pack the files into a tar that is not compressed or compressed by gzip";
const CONVERT = "write the pictures into a folder, tar shards or Parquet, and name that";

/** Bytes at a file's beginning, in hexadecimal digits, and what it is. */
const MAGIC: readonly (readonly [hex: string, what: string, advice: string])[] = [
  ["425a68", "compressed by bzip2", UNPACK],
  ["fd377a585a00", "compressed by xz", UNPACK],
  ["28b52ffd", "compressed by Zstandard", UNPACK],
  ["04224d18", "compressed by LZ4", UNPACK],
  ["1f9d", "compressed by compress", UNPACK],
  ["1f8b", "compressed by gzip, and holds no tar archive", UNPACK],
  ["504b0304", "a zip archive", UNPACK],
  ["504b0506", "an empty zip archive", UNPACK],
  ["526172211a07", "a RAR archive", UNPACK],
  ["377abcaf271c", "a 7-Zip archive", UNPACK],
  ["213c617263683e0a", "an ar archive", UNPACK],
  ["894844460d0a1a0a", "an HDF5 file", CONVERT],
  ["934e554d5059", "a NumPy array", CONVERT],
  ["53514c69746520666f726d6174203300", "an SQLite database", CONVERT],
  ["4152524f5731", "an Arrow file", "write it as Parquet"],
  ["ffffffff", "an Arrow stream, as Hugging Face's datasets keep", "write it as Parquet"],
  ["4f626a01", "an Avro file", "write it as Parquet"],
  ["0a23d7ce", "an MXNet RecordIO file", CONVERT],
  ["50415231", "a Parquet file", "name it as parquet:PATH"],
  ["25504446", "a PDF document", "name a folder of pictures"],
  ["1a45dfa3", "a video (Matroska or WebM)", "write its frames into a folder"],
];

/** Bytes at a file's beginning that tell what it is. */
export const START_BYTES = 512;

/**
 * Tells by its bytes what a file is that cannot be read as data.
 *
 * @param start Its first {@linkcode START_BYTES} bytes, or all.
 * @returns Null when nobody knows.
 */
export function describeFile(start: Uint8Array): FileKind | null {
  if (start.length === 0) return { what: "empty: 0 bytes", advice: "copy it again" };
  const hex = start.subarray(0, 16).toHex();
  // NumPy's .npz is a zip archive of arrays; the first one's name stands behind 30 bytes.
  if (hex.startsWith("504b0304") && /^[\w .-]+\.npy/.test(letters(start, 30, 128))) {
    return { what: "an archive of NumPy arrays", advice: CONVERT };
  }
  const known = MAGIC.find(([magic]) => hex.startsWith(magic));
  if (known) return { what: known[1], advice: known[2] };
  const format = sniff(start)?.toUpperCase();
  if (format) {
    return {
      what: `${format === "AVIF" ? "an" : "a"} ${format} picture`,
      advice: "name the folder that it is in",
    };
  }
  const other = otherPicture(start);
  if (other !== null) return { what: other, advice: "convert it to JPEG and name the folder that it is in" };
  if (letters(start, 4, 8) === "ftyp") {
    return { what: "a video (MP4)", advice: "write its frames into a folder" };
  }
  if (letters(start, 0, 4) === "RIFF" && letters(start, 8, 12) === "AVI ") {
    return { what: "a video (AVI)", advice: "write its frames into a folder" };
  }
  if (start[0] === 0x80 && start[1] >= 2 && start[1] <= 5) {
    return { what: "a Python pickle", advice: CONVERT };
  }
  // A record's length in eight bytes, a checksum of it, and the first field of a protobuf message.
  const length = start.subarray(3, 8);
  if (start.length >= 16 && start[0] > 0 && length.every((byte) => byte === 0) && start[12] === 0x0a) {
    return { what: "a TFRecord file", advice: CONVERT };
  }
  return describeText(start);
}

function describeText(start: Uint8Array): FileKind | null {
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(start, { stream: true });
  } catch {
    return null;
  }
  // deno-lint-ignore no-control-regex -- control characters make no text
  if (/[\x00-\x08\x0e-\x1f]/.test(text)) return null;
  if (text.startsWith("version https://git-lfs")) {
    return { what: "a pointer of Git LFS and not the file itself", advice: "fetch it with `git lfs pull`" };
  }
  if (/^\s*<(!doctype html|html|head|body)/i.test(text)) {
    return { what: "an HTML page, as servers send with an error", advice: "download the file again" };
  }
  if (/^\s*<(svg\b|[?!].*<svg\b)/is.test(text)) {
    return { what: "an SVG drawing", advice: "write it as a PNG, and name the folder that it is in" };
  }
  if (/^\s*<(\?xml|error)/i.test(text)) {
    return {
      what: "XML, as storage servers send with an error",
      advice: "download the file again, or name the pictures' folder",
    };
  }
  if (/^\s*[[{]/.test(text)) {
    return {
      what: "JSON",
      advice: "name the pictures' folder; annotations follow it, as in coco:FOLDER#FILE",
    };
  }
  return PLAIN_TEXT;
}
