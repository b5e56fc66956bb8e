import { expandBraces, splitOutside } from "../io/braces.ts";
import { didYouMean } from "../../text/nearest.ts";
import { isRemote } from "../io/paths.ts";

/** What the user's words for a data set mean. Nothing is opened to tell. */
export type DataUri =
  /** A local path whose contents tell what it is: folder, shards, LMDB. */
  | { kind: "path"; path: string }
  | { kind: "folder"; path: string }
  /** An LMDB of either data version; `database` names one inside it. */
  | { kind: "lmdb"; path: string; database?: string }
  | { kind: "tar"; name: string; shards: string[]; remote: boolean }
  | { kind: "parquet"; name: string; files: string[]; remote: boolean; split?: string; column?: string }
  | { kind: "coco"; path: string; annotations?: string }
  | { kind: "imagenet"; path: string; list?: string }
  | { kind: "mix"; parts: { weight?: number; uri: DataUri }[] };

/** What can stand before a colon. */
const SCHEMES = [
  "folder",
  "file",
  "lmdb",
  "tar",
  "parquet",
  "hf-parquet",
  "coco",
  "imagenet",
  "http",
  "https",
] as const;

/**
 * Reads the words for a data set:
 *
 * | words | meaning |
 * | --- | --- |
 * | `./photos` | what is there: a folder of pictures or shards, an LMDB |
 * | `folder:./photos`, `file:///photos` | the same, certainly a folder; a file URL |
 * | `lmdb:./bedroom_train_lmdb`, `lmdb:data.mdb#name` | an LMDB, perhaps a named database in it |
 * | `data-{000..146}.tar`, `tar:shards.bin`, `https://host/d-{0..9}.tar.gz` | tar shards, braces expanded |
 * | `train-{0..3}.parquet`, `parquet:./folder#train`, `…?column=photo` | Parquet files; a folder of them and a split |
 * | `coco:./coco/train2017`, `coco:./pictures#other.json` | COCO, perhaps with its annotations' file |
 * | `imagenet:./ILSVRC/train`, `imagenet:./val#val.txt` | ImageNet, perhaps with its list |
 * | `a.tar*0.3,./b*0.7` | several, with weights; `\,` is a comma in a name |
 *
 * @param text The user's words.
 * @returns Their meaning.
 * @throws Error that says what cannot be understood, and what could be.
 * @example
 * ```ts
 * import { parseDataUri } from "./uri.ts";
 * import assert from "node:assert/strict";
 * assert.deepEqual(parseDataUri("lmdb:lsun#train"), { kind: "lmdb", path: "lsun", database: "train" });
 * ```
 */
export function parseDataUri(text: string): DataUri {
  if (text.trim() === "") {
    throw new Error("no data named: give a folder of pictures, shards, or another source");
  }
  const words = splitOutside(text).map((part) => part.trim());
  const empty = words.indexOf("");
  if (empty >= 0) throw new Error(`"${text}": source ${empty + 1} is empty; write \\, for a comma in a name`);
  const parts = words.map(weighted);
  if (parts.length === 1 && parts[0].weight === undefined) return parts[0].uri;
  const without = parts.findIndex((part) => part.weight === undefined);
  if (without >= 0 && parts.some((part) => part.weight !== undefined)) {
    throw new Error(`"${text}": "${words[without]}" has no weight; give all sources one (NAME*0.5) or none`);
  }
  return { kind: "mix", parts };
}

function weighted(text: string): { weight?: number; uri: DataUri } {
  const match = /^(.*[^*])\*([^*/]*)$/.exec(text);
  // A name may end in a star and letters, as in *.tar; a weight begins like a number.
  if (!match || !/^[-+.\d]/.test(match[2]) || /^\.[a-z]/i.test(match[2])) return { uri: single(text) };
  const weight = Number(match[2]);
  if (!(weight > 0 && weight < Infinity)) {
    throw new Error(`"${text}": the weight "${match[2]}" is no number above 0`);
  }
  return { weight, uri: single(match[1]) };
}

function single(text: string): DataUri {
  const scheme = /^([a-z][a-z0-9+.-]+):/i.exec(text)?.[1].toLowerCase();
  const rest = scheme ? text.slice(scheme.length + 1) : text;
  switch (scheme) {
    case "http":
    case "https":
      return byEnding(text) ??
        fail(text, "a remote source must be .tar, .tar.gz or .parquet, or say tar: before it");
    case "file":
      return local(fromFileUrl(text));
    case "folder":
      return { kind: "folder", path: named(rest, text) };
    case "lmdb": {
      const [path, database] = atHash(named(rest, text));
      return database === undefined ? { kind: "lmdb", path } : { kind: "lmdb", path, database };
    }
    case "tar":
      return tar(named(rest, text));
    case "parquet":
    case "hf-parquet":
      return parquet(named(rest, text));
    case "coco": {
      const [path, annotations] = atHash(named(rest, text));
      return annotations === undefined ? { kind: "coco", path } : { kind: "coco", path, annotations };
    }
    case "imagenet": {
      const [path, list] = atHash(named(rest, text));
      return list === undefined ? { kind: "imagenet", path } : { kind: "imagenet", path, list };
    }
    case undefined:
      return local(text);
    default:
      // One letter is a drive, and does not come here; a colon further on is part of a name.
      if (text.includes("://") || /^[a-z-]+:/i.test(text)) return fail(text, unknown(scheme));
      return local(text);
  }
}

const local = (path: string): DataUri => byEnding(path) ?? { kind: "path", path };

/** Tells tar and Parquet files by their endings. */
function byEnding(name: string): DataUri | null {
  const plain = isRemote(name) ? name.replace(/[?#].*$/, "") : name.replace(/\?column=.*$/, "");
  if (/\.(tar|tgz|tar\.gz)\}*$/i.test(plain)) return tar(name);
  if (/\.parquet\}*$/i.test(plain)) return parquet(name);
  return null;
}

function tar(name: string): DataUri {
  const shards = expandBraces(name);
  return { kind: "tar", name, shards, remote: sameKind(shards, name) };
}

function parquet(name: string): DataUri {
  const [, place, column] = /^(.*?)(?:[?&]column=([^&#]*))?$/.exec(name)!;
  const [files, split] = isRemote(place) ? [place] : atHash(place);
  const all = expandBraces(files);
  const uri: DataUri = { kind: "parquet", name, files: all, remote: sameKind(all, name) };
  if (split !== undefined) uri.split = split;
  if (column !== undefined) uri.column = decodeURIComponent(column);
  return uri;
}

/** Whether all names are remote; throws when only some are. */
function sameKind(names: readonly string[], text: string): boolean {
  const remote = names.filter(isRemote).length;
  if (remote > 0 && remote < names.length) fail(text, "shards must be all local or all remote");
  return remote > 0;
}

function atHash(text: string): [string, string?] {
  const at = text.lastIndexOf("#");
  if (at < 0) return [text];
  if (at === 0 || at === text.length - 1) fail(text, "nothing stands on one side of #");
  return [text.slice(0, at), text.slice(at + 1)];
}

function named(path: string, text: string): string {
  return path === "" ? fail(text, "a path must follow the colon") : path;
}

function fromFileUrl(text: string): string {
  try {
    return decodeURIComponent(new URL(text).pathname);
  } catch {
    return fail(text, "no file URL");
  }
}

function unknown(scheme: string): string {
  const meant = didYouMean(scheme, SCHEMES, (name) => `${name}:`);
  return `no kind of source is called "${scheme}"${meant || "."} There are ${SCHEMES.join(", ")}`;
}

function fail(text: string, reason: string): never {
  throw new Error(`"${text}": ${reason}`);
}
