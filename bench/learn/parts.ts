/** A part's pictures as bytes in files, as the peers map them into memory and as they are judged. */
import { map, range } from "../../src/data/iter.ts";
import { decodePicture } from "../../src/data/picture/decode.ts";
import { basePicture, evaluationPicture } from "../../src/data/picture/resize.ts";
import { growingClasses } from "../../src/data/sources/growing_classes.ts";
import { BadRecordError, PictureError, type Source } from "../../src/data/types.ts";

/** Pictures that are decoded at once. */
const AT_ONCE = 2 * navigator.hardwareConcurrency;

/** Bytes that are written at once: a write for each small picture would take longer than its decoding. */
const BLOCK = 4 * 2 ** 20;

/** Writes all of some bytes. */
async function writeAll(file: Deno.FsFile, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length;) at += await file.write(bytes.subarray(at));
}

/** A file of pictures that all have as many bytes. */
async function openBlocks(path: string, length: number) {
  const file = await Deno.create(path),
    block = new Uint8Array(Math.max(1, Math.floor(BLOCK / length)) * length);
  let filled = 0;
  const flush = async () => {
    await writeAll(file, block.subarray(0, filled));
    filled = 0;
  };
  return {
    async add(bytes: Uint8Array): Promise<void> {
      block.set(bytes, filled);
      filled += bytes.length;
      if (filled === block.length) await flush();
    },
    flush,
    [Symbol.dispose]: () => file.close(),
  };
}

/** Where a part goes, and the side of its pictures. */
export interface PartFiles {
  size: number;
  base: string;
  evaluated: string;
  labels: string;
  say: (line: string) => void;
}

/** Decodes one picture, once for both files. */
async function load(source: Source, index: number, size: number) {
  try {
    const record = await source.get(index), picture = await decodePicture(record.bytes);
    return { index, record, base: basePicture(picture, size), evaluated: evaluationPicture(picture, size) };
  } catch (error) {
    if (error instanceof BadRecordError || error instanceof PictureError) {
      return { index, why: error.message };
    }
    throw error;
  }
}

/**
 * Writes a part of a source: count × S × S × 3 bytes of whole pictures squeezed to a square, as many as evaluation prepares
 * them, and an int32 a picture, its class. Pictures that cannot be read or have no class are left out and told.
 *
 * @returns How many pictures there are, the names of their classes, and where they stand in the source.
 * @throws {Error} None is left.
 */
export async function onePart(
  source: Source,
  { size, base, evaluated, labels: labelsPath, say }: PartFiles,
): Promise<{ about: { count: number; names: string[] }; indices: number[] }> {
  const classes = growingClasses(source.labels), labels: number[] = [], indices: number[] = [];
  using squeezed = await openBlocks(base, size * size * 3);
  using prepared = await openBlocks(evaluated, size * size * 3);
  let unlabelled = 0;
  const pictures = map(range(0, source.length), (index) => load(source, index, size), AT_ONCE);
  for await (const one of pictures) {
    if ("why" in one) {
      say(`left out: ${source.uri}: record ${one.index}: ${one.why}`);
      continue;
    }
    const label = classes.number(one.record);
    if (label === undefined) {
      unlabelled++;
      continue;
    }
    labels.push(label);
    indices.push(one.index);
    await squeezed.add(one.base);
    await prepared.add(one.evaluated);
  }
  await squeezed.flush();
  await prepared.flush();
  if (unlabelled > 0) say(`${source.uri}: ${unlabelled} pictures have no class: left out`);
  if (labels.length === 0) throw new Error(`${source.uri}: no picture that can be read has a class`);
  await Deno.writeFile(labelsPath, new Uint8Array(Int32Array.from(labels).buffer));
  return { about: { count: labels.length, names: classes.labels() }, indices };
}
