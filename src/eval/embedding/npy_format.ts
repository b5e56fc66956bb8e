import { linkedPlace } from "../../files/linked_place.ts";
import { pathError } from "../../files/path_error.ts";
import { type PublishOptions, writePieces, type Written } from "../../files/publish.ts";
import { readAt } from "../../files/read_at.ts";
import type { Rows } from "../rows.ts";
import { checkLabels, damaged, parseInfo } from "./check.ts";
import type { EmbeddingContent, EmbeddingFormat } from "./format.ts";
import { requireToken } from "./format.ts";
import { sizeOfShape, type TokenName } from "./info.ts";

/** What stands beside `FILE.npy`, which can hold nothing but numbers. */
const besides = (path: string) => `${path}.jsonl`;
const MAGIC = "\x93NUMPY\x01\x00";
const latin = (text: string) => Uint8Array.from(text, (letter) => letter.charCodeAt(0));

/** The bytes before the numbers, NumPy's format 1.0: a multiple of 64. */
function head(shape: readonly number[]): Uint8Array {
  const tuple = shape.length === 1 ? `${shape[0]},` : shape.join(", ");
  const dict = `{'descr': '<f4', 'fortran_order': False, 'shape': (${tuple}), }`;
  const length = Math.ceil((10 + dict.length + 1) / 64) * 64 - 10;
  return latin(MAGIC + String.fromCharCode(length & 255, length >> 8) + dict.padEnd(length - 1) + "\n");
}

async function* numbers({ info, parts }: EmbeddingContent): AsyncGenerator<Uint8Array> {
  const [[token, shape]] = Object.entries(info.tokens);
  yield head([info.count, ...shape]);
  for (const part of parts) {
    const { buffer, byteOffset, byteLength } = await part.rows(token as TokenName) as Float32Array<
      ArrayBuffer
    >;
    yield new Uint8Array(buffer, byteOffset, byteLength);
  }
}

async function* lines({ info, labels, parts }: EmbeddingContent): AsyncGenerator<Uint8Array> {
  const encoder = new TextEncoder();
  yield encoder.encode(JSON.stringify(info) + "\n");
  let at = 0;
  for (const part of parts) {
    const text = (await part.keys()).map((key) => {
      const label = labels[at++];
      return JSON.stringify({ key, label: label < 0 ? null : label }) + "\n";
    });
    yield encoder.encode(text.join(""));
  }
}

/** Reads some rows of a file that {@linkcode npyFormat} has written, of the shape that it says. */
async function readNumbers(path: string, shape: readonly number[], from: number, count: number) {
  const expected = head(shape), size = expected.length + 4 * sizeOfShape(shape);
  const other = (): never => {
    damaged(path, `it does not hold float32 of shape [${shape}], as ${besides(path)} says`);
  };
  using file = await Deno.open(path);
  if ((await file.stat()).size !== size) other();
  if ((await readAt(file, 0, expected.length, other)).some((byte, i) => byte !== expected[i])) other();
  const row = 4 * sizeOfShape(shape.slice(1));
  return new Float32Array((await readAt(file, expected.length + from * row, count * row, other)).buffer);
}

/** Reads the lines of the pictures: a key and a label each. */
function parseLines(lines: readonly string[], path: string): { key: string; label: number | null }[] {
  return lines.map((line, i) => {
    try {
      const { key, label } = JSON.parse(line);
      if (typeof key === "string" && (label === null || label === (label | 0))) return { key, label };
    } catch { /* told below */ }
    return damaged(path, `line ${i + 2} is no JSON of a key and a label`);
  });
}

/** What stands beside the numbers; where they are a link, perhaps beside what that leads to. */
async function found(path: string): Promise<string> {
  const there = await Deno.stat(besides(path)).then(() => true, () => false);
  return besides(there ? path : await linkedPlace(path).catch(() => path));
}

/** Looks at one of the two files; says what it means where that is not there. */
async function orMissing<T>(path: string, look: () => Promise<T>, missing: string): Promise<T> {
  try {
    return await look();
  } catch (cause) {
    // Without the cause, which would say that there is no embedding at all.
    throw cause instanceof Deno.errors.NotFound ? new Error(missing) : pathError(cause, path, "read");
  }
}

/** Removes the numbers of before. */
async function removeNumbers(path: string): Promise<void> {
  await Deno.remove(path).catch((error) => {
    if (!(error instanceof Deno.errors.NotFound)) throw pathError(error, path, "write");
  });
}

/**
 * Writes the two files. Both are whole before anything of before goes, so that what fails leaves the old ones. They cannot get
 * their names at once: what the numbers are comes first, for without it nobody reads them, and numbers of before go before that.
 * Who dies between the two names leaves no numbers, and not those of other pictures under the new names.
 *
 * @throws {Error} When one cannot be written.
 */
export async function writeNpy(
  path: string,
  content: EmbeddingContent,
  options: PublishOptions = {},
): Promise<void> {
  const written: Written[] = [];
  try {
    written.push(await writePieces(path, numbers(content), options));
    written.unshift(await writePieces(besides(path), lines(content), options));
    await removeNumbers(path);
    for (const one of written) await one.publish();
  } catch (error) {
    // One that has its name already stays.
    for (const one of written) one.discard();
    throw error;
  }
}

/** NumPy's .npy: the features of one token; beside it FILE.npy.jsonl with what the file is, then a key and a label a line. */
export const npyFormat: EmbeddingFormat = {
  ending: ".npy",
  several: false,
  help: "NumPy, one kind of token; keys and labels in FILE.jsonl beside it",
  write: (path, content) => writeNpy(path, content),
  async open(path) {
    const notes = await found(path);
    const text = await orMissing(
      notes,
      () => Deno.readTextFile(notes),
      `${path}: ${notes} is missing, which says what the numbers are; embed again`,
    );
    await orMissing(
      path,
      () => Deno.stat(path),
      `${path}: is missing, though ${notes} is there: its making was interrupted; embed again`,
    );
    const [first, ...rest] = text.trimEnd().split("\n");
    const info = parseInfo(first, notes);
    if (rest.length !== info.count) {
      damaged(notes, `it has lines of ${rest.length} pictures, not ${info.count}`);
    }
    const records = parseLines(rest, notes);
    const part = async (token: TokenName, from: number, count: number): Promise<Rows> => {
      const shape = requireToken({ path, info }, token);
      const data = await readNumbers(path, [info.count, ...shape], from, count);
      return { rows: count, width: sizeOfShape(shape), data };
    };
    return {
      path,
      info,
      labels: checkLabels(Int32Array.from(records, ({ label }) => label ?? -1), info, notes),
      keys: () => Promise.resolve(records.map(({ key }) => key)),
      rows: (token) => part(token, 0, info.count),
      part,
      close: () => {},
    };
  },
};
