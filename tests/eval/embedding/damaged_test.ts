/** Embedding files that were damaged, or written anew by programs that know nothing of what they say of themselves. */
import assert from "node:assert/strict";
import { join } from "node:path";
import fc from "npm:fast-check@4.10.2";
import { EmbeddingError } from "../../../src/eval/embedding/check.ts";
import type { EmbeddingInfo } from "../../../src/eval/embedding/info.ts";
import { EMBEDDING_FORMATS, isEmbedding, openEmbedding } from "../../../src/eval/embedding/open.ts";
import { decodeSafetensors, encodeSafetensors } from "../../../src/files/safetensors.ts";
import type { StoredTensor } from "../../../src/files/stored_tensor.ts";
import { writeSet } from "../search/made_up.ts";
import { withFolder } from "../toy.ts";

const PICTURES = [["a/0.png", [1, 0, 2], 0], ["a/1.png", [3, .5, 0], 1], ["loose.png", [4, 1, 0]]] as const;
const CLASSES = ["a", "b"];

/** Reads all of a file. */
async function readAll(path: string) {
  const file = await openEmbedding(path);
  try {
    const { data } = await file.rows("class"), part = await file.part("class", 1, file.info.count - 1);
    return { info: file.info, labels: [...file.labels], keys: await file.keys(), data, part: part.data };
  } finally {
    file.close();
  }
}

/** A refusal of a file that says that it is an embedding. */
const refusal = (path: string, message: RegExp) => (error: Error) => {
  assert.ok(error instanceof EmbeddingError, `${error.stack}`);
  assert.ok(error.message.startsWith(path), error.message);
  assert.match(error.message, message);
  return true;
};

Deno.test("embedding files: rows that another program left out are missed", () =>
  withFolder(async (folder) => {
    for (const ending of [".parquet", ".npy"]) {
      const path = join(folder, `rows${ending}`);
      await writeSet(path, { pictures: PICTURES, classes: CLASSES }, { count: 4 });
      await assert.rejects(openEmbedding(path), refusal(path, /damaged.* 3 .*4.*; embed again$/), ending);
      assert.ok(await isEmbedding(path), `${ending}: it is one, so the error is told`);
    }
    const path = await writeSet(join(folder, "a.safetensors"), { pictures: PICTURES, classes: CLASSES });
    const { tensors, metadata } = decodeSafetensors(await Deno.readFile(path));
    const changed: [Record<string, StoredTensor>, RegExp][] = [
      [{ class: { dtype: "F16", shape: [3, 3], data: new Uint16Array(9) } }, /"class" is F16.*not F32/],
      [{ class: { dtype: "F32", shape: [2, 3], data: new Float32Array(6) } }, /is F32 of shape \[2,3\], not/],
      [
        { labels: { dtype: "I64", shape: [3], data: new BigInt64Array(3) } },
        /"labels" is I64 of shape \[3\]/,
      ],
      [{ keys: { dtype: "U8", shape: [4], data: new TextEncoder().encode("a\0b\0") } }, /2 names of 3/],
    ];
    for (const [change, message] of changed) {
      await Deno.writeFile(path, encodeSafetensors({ ...tensors, ...change }, metadata));
      await assert.rejects(readAll(path), refusal(path, message));
    }
    const { labels: _, ...rest } = tensors;
    await Deno.writeFile(path, encodeSafetensors(rest, metadata));
    await assert.rejects(readAll(path), refusal(path, /tensor "labels" is missing/));
  }));

Deno.test("embedding files: labels of no class, vectors of another width, lines that are none", () =>
  withFolder(async (folder) => {
    for (const { ending } of EMBEDDING_FORMATS) {
      const path = join(folder, `labels${ending}`);
      await writeSet(path, { pictures: PICTURES, classes: ["a"] });
      await assert.rejects(openEmbedding(path), (error: Error) => {
        assert.match(error.message, /picture 1 is of class 1, of 1 classes; embed again$/);
        return error instanceof EmbeddingError;
      }, ending);
    }
    const parquet = join(folder, "width.parquet");
    await writeSet(parquet, { pictures: PICTURES, classes: CLASSES });
    const bytes = await Deno.readFile(parquet), text = new TextDecoder("latin1").decode(bytes);
    const at = text.indexOf('"class":[3]');
    bytes.set(new TextEncoder().encode('"class":[4]'), at);
    await Deno.writeFile(parquet, bytes);
    await assert.rejects(readAll(parquet), refusal(parquet, /picture 0 has 3 values instead of 4 numbers/));

    const npy = await writeSet(join(folder, "a.npy"), { pictures: PICTURES, classes: CLASSES });
    const [first, ...lines] = (await Deno.readTextFile(`${npy}.jsonl`)).trimEnd().split("\n");
    for (
      const line of ["", '{"key":"a/0.png","lab', "7", "null", '{"key":"a"}', '{"key":"a","label":1e99}']
    ) {
      await Deno.writeTextFile(`${npy}.jsonl`, [first, lines[0], line, lines[2]].join("\n") + "\n");
      await assert.rejects(
        openEmbedding(npy),
        refusal(`${npy}.jsonl`, /line 3 is no JSON of a key and a label/),
      );
    }
  }));

Deno.test("embedding files: whatever one says of itself, it is read or refused by name", () =>
  withFolder(async (folder) => {
    const path = await writeSet(join(folder, "a.safetensors"), { pictures: PICTURES, classes: CLASSES });
    const { tensors, metadata } = decodeSafetensors(await Deno.readFile(path));
    const info: EmbeddingInfo = JSON.parse(metadata.embedding);
    const names = fc.constantFrom(...Object.keys(info), "tokens", "count", "classes");
    const tried = fc.tuple(names, fc.oneof(fc.jsonValue(), fc.constant(undefined)));
    await fc.assert(
      fc.asyncProperty(tried, async ([name, value]) => {
        const embedding = JSON.stringify({ ...info, [name]: value });
        await Deno.writeFile(path, encodeSafetensors(tensors, { ...metadata, embedding }));
        await readAll(path).catch((error: Error) => {
          assert.ok(error.message.startsWith(`${path}: `), `${error.stack}`);
          assert.ok(!(error instanceof TypeError), `${error.stack}`);
        });
      }),
      { numRuns: 150, seed: 1 },
    );
  }));

for (const ending of [".parquet", ".npy", ".npy.jsonl", ".safetensors"]) {
  Deno.test(`embedding files: cuts and changed bytes are refused by name, or give as many numbers (${ending})`, () =>
    withFolder(async (folder) => {
      const path = await writeSet(join(folder, `a${ending.replace(".jsonl", "")}`), {
        pictures: PICTURES,
        classes: CLASSES,
      });
      const file = join(folder, `a${ending}`),
        whole = await Deno.readFile(file),
        wanted = await readAll(path);
      const tried = async (bytes: Uint8Array) => {
        await Deno.writeFile(file, bytes);
        try {
          const { info, labels, keys, data, part } = await readAll(path), [width] = info.tokens.class!;
          assert.deepEqual(
            [labels.length, keys.length, data.length, part.length],
            [info.count, info.count, info.count * width, (info.count - 1) * width],
          );
          return true;
        } catch (error) {
          assert.ok(error instanceof Error && error.message.startsWith(path), String((error as Error).stack));
          assert.ok(
            !(error instanceof TypeError || error instanceof assert.AssertionError),
            `${error.stack}`,
          );
          return false;
        }
      };
      for (let length = 0; length < whole.length - 1; length += 7) {
        assert.equal(await tried(whole.subarray(0, length)), false, `${length}`);
      }
      const edit = fc.tuple(fc.nat(whole.length - 1), fc.nat(255));
      await fc.assert(
        fc.asyncProperty(fc.array(edit, { minLength: 1, maxLength: 3 }), async (edits) => {
          const bytes = whole.slice();
          for (const [at, value] of edits) bytes[at] = value;
          await tried(bytes);
        }),
        { numRuns: 300, seed: 1 },
      );
      assert.ok(await tried(whole));
      assert.deepEqual(await readAll(path), wanted);
    }));
}
