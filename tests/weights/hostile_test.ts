import assert from "node:assert/strict";
import { join } from "node:path";
import fc from "npm:fast-check@4.10.2";
import { PickleError } from "../../src/files/pickle/machine.ts";
import { readPickle } from "../../src/files/pickle/read.ts";
import { PythonName } from "../../src/files/pickle/values.ts";
import { openWeights } from "../../src/weights/files/open.ts";
import { openOldPth, openPth } from "../../src/weights/files/pth.ts";
import { type Storage, torchOptions } from "../../src/weights/files/torch_values.ts";
import { type Bytes, WeightsError, type WeightsFile } from "../../src/weights/files/types.ts";
import { readWeights } from "../../src/weights/read.ts";
import { withFolder } from "../with_folder.ts";
import { fixture } from "./fixtures.ts";
import { bytesOf, int, type Lies, memory, text, zip } from "./zip_writer.ts";

/** A file around a pickle. */
const around = (pickle: Uint8Array, more: Record<string, Uint8Array> = {}, lies?: Lies) =>
  zip({ "a/data.pkl": pickle, ...more }, lies);

/** A pickle of {"w": a tensor} with the storage and view given. */
function tensor(
  { type = "torch FloatStorage", count = 4, offset = 0, shape = [4], strides = [1], key = text("0") }: {
    type?: string;
    count?: number;
    offset?: number;
    shape?: readonly number[];
    strides?: readonly number[];
    key?: readonly number[];
  } = {},
): Uint8Array {
  const ints = (values: readonly number[]) => ["(", ...values.map(int), "t"];
  const storage = [
    "(",
    text("storage"),
    "c",
    type.replace(" ", "\n"),
    "\n",
    key,
    text("cpu"),
    int(count),
    "t",
    "Q",
  ];
  return bytesOf(
    ...[[0x80, 2], "}", text("w"), "ctorch._utils\n_rebuild_tensor_v2\n", "("],
    ...[...storage, int(offset), ...ints(shape), ...ints(strides), [0x89], "}", "t", "R", "s", "."],
  );
}

const FOUR = new Uint8Array(Float32Array.of(1, 2, 3, 4).buffer);

/** Reads all that is in a file. */
async function readAll(open: Promise<WeightsFile>): Promise<number> {
  const file = await open;
  let numbers = 0;
  for (const set of file.sets.values()) {
    for (const tensor of set.values()) numbers += (await tensor.read()).data.length;
  }
  return numbers;
}

Deno.test("pth: a file made by hand is read, and its numbers with it", async () => {
  assert.equal(await readAll(openPth(memory(around(tensor(), { "a/data/0": FOUR })))), 4);
  const turned = await openPth(
    memory(around(tensor({ shape: [2, 2], strides: [1, 2] }), { "a/data/0": FOUR })),
  );
  assert.deepEqual((await turned.sets.get("")!.get("w")!.read()).data, Float32Array.of(1, 3, 2, 4));
});

Deno.test("pth: claims that the file does not keep are refused with the reason", async () => {
  const cases: [Uint8Array, RegExp][] = [
    [around(tensor({ shape: [2 ** 31 - 1] }), { "a/data/0": FOUR }), /claims more than the 4 elements/],
    [
      around(tensor({ shape: [2 ** 30, 2 ** 30, 2 ** 30], strides: [0, 0, 0] }), { "a/data/0": FOUR }),
      /claims more/,
    ],
    [around(tensor({ offset: 1 }), { "a/data/0": FOUR }), /claims more/],
    [around(tensor({ strides: [2] }), { "a/data/0": FOUR }), /claims more/],
    [around(tensor({ strides: [-1] }), { "a/data/0": FOUR }), /no valid shape: \[4\], strides \[-1\]/],
    [around(tensor({ shape: [-4] }), { "a/data/0": FOUR }), /no valid shape: \[-4\]/],
    [around(tensor({ offset: -1 }), { "a/data/0": FOUR }), /no valid shape.*from -1/],
    [around(tensor({ count: -1 }), { "a/data/0": FOUR }), /memory has -1 elements/],
    [
      around(tensor({ count: 2 ** 29, shape: [2 ** 29] }), { "a/data/0": FOUR }),
      /"a\/data\/0" has 16 bytes of 2147483648/,
    ],
    [around(tensor(), {}), /"a\/data\/0" is missing/],
    [around(tensor({ key: text("../../x") }), { "a/data/0": FOUR }), /"a\/data\/\.\.\/\.\.\/x" is missing/],
    [around(tensor({ key: ["}".charCodeAt(0)] }), { "a/data/0": FOUR }), /a tensor's memory has 4 elements/],
    [
      around(tensor({ type: "torch CharStorage" }), { "a/data/0": FOUR }),
      /of an element type that no weights have/,
    ],
    [around(tensor(), { "a/data/0": FOUR }, { size: 2 ** 31 - 1 }), /is said to have 2147483647 bytes/],
    [around(tensor(), { "a/data/0": FOUR }, { method: 8 }), /is compressed, which PyTorch's files never are/],
    [around(tensor(), { "a/data/0": FOUR }, { flags: 1 }), /is encrypted/],
    [around(tensor(), { "a/data/0": FOUR, "a/byteorder": bytesOf("big") }), /big-endian/],
    [around(tensor(), { "a/data/0": FOUR, "a/code/x.py": FOUR }), /TorchScript/],
    [zip({ "a.txt": FOUR }), /not PyTorch's: it has no data\.pkl/],
    [
      around(bytesOf([0x80, 2], "cos\nsystem\n", text("rm -rf /"), [0x85], "R.")),
      /whole model of the class system/,
    ],
    [around(bytesOf([0x80, 2], "]", text("x"), "a.")), /without a dict of tensors/],
    [around(bytesOf([0x80, 2], "}", text("x"), int(1), "Qs.")), /something else than a tensor's memory/],
  ];
  for (const [bytes, message] of cases) {
    await assert.rejects(readAll(openPth(memory(bytes))), (error: Error) => {
      assert.match(error.message, message);
      assert.ok(error instanceof WeightsError && error.message.startsWith("x.pth: "), error.message);
      return true;
    });
  }
});

Deno.test("pth: unknown classes are never called and do not stand in the way", async () => {
  // An object made from a call with a state, then a list and a dict of it, in front of the tensors.
  const evil = [
    text("evil"),
    "cposix\nsystem\n",
    text("touch /tmp/x"),
    [0x85],
    "R",
    "}",
    text("a"),
    int(1),
    "sb",
    "s",
  ];
  const list = [text("list"), "cmy.module\nList\n", ")", [0x81], "(", int(1), int(2), "e", "s"];
  const dict = [text("dict"), "cmy.module\nDict\n", ")", "R", "(", text("k"), int(2), "u", "s"];
  const inner = tensor();
  const pickle = bytesOf(
    [0x80, 2],
    "}",
    ...evil,
    ...list,
    ...dict,
    text("model"),
    [...inner.slice(2, -1)],
    "s.",
  );
  assert.equal(await readAll(openPth(memory(around(pickle, { "a/data/0": FOUR })))), 4);
});

Deno.test("pth: dicts that hold themselves, or each other a million times, are looked at once", async () => {
  const loop = bytesOf(
    [0x80, 2],
    "}",
    "q",
    0,
    text("self"),
    "h",
    0,
    "s",
    text("list"),
    "]",
    "q",
    1,
    "h",
    1,
    "a",
    "s.",
  );
  await assert.rejects(openPth(memory(around(loop))), /without a dict of tensors/);
  // 60 dicts, each of which holds the one before twice: 2⁶⁰ ways through them.
  const levels = Array.from(
    { length: 60 },
    (_, i) => ["}", text("a"), "h", i, "s", text("b"), "h", i, "s", "q", i + 1],
  );
  const laughs = bytesOf([0x80, 2], "}", "q", 0, ...levels.flat(), ".");
  await assert.rejects(openPth(memory(around(laughs))), /without a dict of tensors/);
});

Deno.test("pickles: lengths that are negative or larger than the file, and stacks that are empty, are damage", () => {
  const cases: (string | number | readonly number[])[][] = [
    [[0x8b, 255, 255, 255, 255], "."],
    [[0x8b, 255, 255, 255, 127], "."],
    [[0x8e, 255, 255, 255, 255, 255, 255, 255, 255], "."],
    [[0x8e, 0, 0, 0, 128, 0, 0, 0, 0], "."],
    ["B", [255, 255, 255, 255]],
    ["X", [0, 0, 0, 128], "a."],
    ["h", 7, "."],
    ["("],
    ["."],
    ["(", "."],
    ["N", "a."],
    ["s."],
    ["(", "u."],
    [int(1), int(2), int(3), "s."],
    ["t."],
    ["R."],
    ["q", 0, "."],
    ["cmodule"],
    ["i", "a\nb\n."],
    [[0x80, 6], "N."],
    [""],
  ];
  for (const parts of cases) {
    assert.throws(() => readPickle(bytesOf(...parts)), PickleError, JSON.stringify(parts));
  }
  assert.deepEqual(
    readPickle(bytesOf([0x8a, 10, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19], ".")),
    Number(0x1950a86a20f9469cfc6cn),
  );
  assert.deepEqual(readPickle(bytesOf([0x8f], "(", int(1), [0x90], ".")), [1]);
  assert.throws(
    () => readPickle(new Uint8Array(1000).fill(0x4e), { mostSteps: 100 }),
    /too many instructions/,
  );
});

Deno.test("pickles: calls make no more than a few times what the pickle holds", () => {
  // A list or text is kept once, and every ten bytes make it anew.
  const again = (kept: readonly (string | number | readonly number[])[], callee: string) => {
    const one = [callee, "q", 1, "0", ...kept, "q", 0, "0"];
    const call = ["h", 1, "h", 0, [0x85], "R0"];
    return bytesOf([0x80, 2], ...one, ...Array.from({ length: 2000 }, () => call).flat(), "N.");
  };
  const words = ["X", [0, 0, 1, 0], new Array<number>(65536).fill(97)];
  const items = ["(", ...Array.from({ length: 20_000 }, () => int(1)), "l"];
  const pairs = ["(", ...Array.from({ length: 20_000 }, () => [...int(1), ...int(2), 0x86]), "l"];
  for (
    const [kept, callee] of [
      [words, "c_codecs\nencode\n"],
      [items, "cbuiltins\nset\n"],
      [items, "c__builtin__\nfrozenset\n"],
      [pairs, "ccollections\nOrderedDict\n"],
    ] as const
  ) {
    assert.throws(() => readPickle(again(kept, callee)), {
      name: "PickleError",
      message: /^a damaged pickle: calls that make far more than it holds at byte \d+$/,
    }, callee);
  }
  // Calls that make what the pickle holds are as they were.
  const own = Array.from({ length: 3000 }, () => ["c_codecs\nencode\n", text("a".repeat(200)), [0x85], "R"]);
  const made = readPickle(bytesOf([0x80, 2], "(", ...own.flat(), "l.")) as Uint8Array[];
  assert.ok(made.length === 3000 && made.every((bytes) => bytes.length === 200));
});

Deno.test("pickles: lists in lists where a text or a number belongs are damage, and are not written out", async () => {
  // 40 lists, each of which holds the one before twice: a text of 2⁴⁰ parts.
  const laughs = ["]", ...Array.from({ length: 40 }, (_, i) => ["q", i, "0", "h", i, "h", i, [0x86]]).flat()];
  assert.throws(
    () => readPickle(bytesOf([0x80, 4], ...laughs, text("name"), [0x93], ".")),
    /a name that is no text/,
  );
  const inert = bytesOf(...laughs);
  const storage = (count: readonly number[]) => [
    "(",
    text("storage"),
    "ctorch\nFloatStorage\n",
    text("0"),
    text("cpu"),
    count,
    "tQ",
  ];
  const view = (count: readonly number[], shape: readonly number[]) =>
    bytesOf(
      ...[[0x80, 2], "}", text("w"), "ctorch._utils\n_rebuild_tensor_v2\n", "(", ...storage(count)],
      ...[int(0), shape, "(", int(1), "t", "tRs."],
    );
  for (
    const [pickle, words] of [
      [view([...inert], [...bytesOf("(", int(4), "t")]), /memory has an unknown number of elements/],
      [view(int(4), [...inert]), /no valid shape: \[no number,no number\], strides \[1\], from 0/],
      [
        view(int(4), [...bytesOf("(", ...new Array(65).fill(int(1)), "t")]),
        /no valid shape: no list of axes/,
      ],
    ] as const
  ) {
    await assert.rejects(openPth(memory(around(pickle))), words);
  }
});

Deno.test("pth: memory of a type that is called as something of JavaScript's has no known size", () => {
  const storages = new Map<string, Storage>(), { persistent } = torchOptions("x.pth", storages);
  for (const type of ["constructor", "toString", "__proto__", "OtherStorage"]) {
    persistent!(["storage", new PythonName("torch", type), type, "cpu", 4]);
    assert.deepEqual([storages.get(type)!.dtype, storages.get(type)!.bytes], [undefined, undefined], type);
  }
  persistent!(["storage", new PythonName("torch", "ShortStorage"), "short", "cpu", 4]);
  assert.equal(storages.get("short")!.bytes, 2);
});

/** Errors that say what is wrong with a file; all others would be mistakes of the program. */
async function refusedOrRead(open: (bytes: Bytes) => Promise<WeightsFile>, bytes: Uint8Array): Promise<void> {
  try {
    await readAll(open(memory(bytes)));
  } catch (error) {
    assert.ok(error instanceof WeightsError, String(error instanceof Error ? error.stack : error));
  }
}

Deno.test("pth: random bytes, cuts and changes of good files are refused or read, and nothing else happens", async () => {
  for (const [name, open] of [["mae.pth", openPth], ["dino-old.pth", openOldPth]] as const) {
    const good = await Deno.readFile(fixture(name));
    for (let i = 1; i <= 60; i++) {
      // The table of contents, or the last storage, is missing from every cut.
      await assert.rejects(
        readAll(open(memory(good.subarray(0, Math.floor(good.length * i / 61))))),
        WeightsError,
      );
    }
    const edit = fc.record({
      at: fc.nat(good.length - 1),
      bytes: fc.uint8Array({ minLength: 1, maxLength: 8 }),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(edit, { minLength: 1, maxLength: 4 }), async (edits) => {
        const bytes = good.slice();
        for (const { at, bytes: change } of edits) bytes.set(change.subarray(0, bytes.length - at), at);
        await refusedOrRead(open, bytes);
      }),
      { numRuns: 60 },
    );
    // The pickle itself, where most changes hit a number or a name.
    await fc.assert(
      fc.asyncProperty(fc.array(edit, { minLength: 1, maxLength: 3 }), async (edits) => {
        const bytes = good.slice();
        for (const { at, bytes: change } of edits) bytes.set(change, at % 4000);
        await refusedOrRead(open, bytes);
      }),
      { numRuns: 60 },
    );
  }
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), async (bytes) => {
      await refusedOrRead(openPth, around(bytes));
      await refusedOrRead(openPth, bytes);
      await refusedOrRead(
        openOldPth,
        bytesOf([...Uint8Array.fromHex("80028a0a6cfc9c46f9206aa850192e"), ...bytes]),
      );
    }),
    { numRuns: 200 },
  );
});

Deno.test("weights: files of other kinds are called what they are", () =>
  withFolder(async (folder) => {
    const path = join(folder, "weights.pth");
    const tar = new Uint8Array(1024);
    tar.set(bytesOf("ustar"), 257);
    const cases: [Uint8Array | string, RegExp][] = [
      ["", /it is empty/],
      ["<!DOCTYPE html><html>404", /an HTML page, as servers send with an error: download the file again/],
      [tar, /a tar archive: unpack it/],
      [Uint8Array.of(0x1f, 0x8b, 8), /compressed by gzip/],
      ["version https://git-lfs.github.com/spec/v1\n", /a pointer of Git LFS.*git lfs pull/],
      [bytesOf([0x80, 4], "N."), /a Python pickle that torch\.save did not write/],
      ['{"a": 1}', /it is JSON/],
      ["hello", /its first bytes are those of no such file/],
      [bytesOf("PK", [3, 4], "rubbish"), /no table of contents at its end, so it is cut short/],
    ];
    for (const [content, message] of cases) {
      await Deno.writeFile(path, typeof content === "string" ? new TextEncoder().encode(content) : content);
      await assert.rejects(openWeights(path), message);
    }
    // A header that promises what is not there, that overlaps, that is no JSON.
    const header = (text: string, length = text.length) => {
      const bytes = new Uint8Array(8 + text.length);
      new DataView(bytes.buffer).setBigUint64(0, BigInt(length), true);
      bytes.set(bytesOf(text), 8);
      return bytes;
    };
    const entry = (shape: number[], end: number) =>
      JSON.stringify({ "patch_embed.proj.weight": { dtype: "F32", shape, data_offsets: [0, end] } });
    const lies: [Uint8Array, RegExp][] = [
      [header(entry([8, 3, 4, 4], 1536)), /ends at byte \d+ but the file has \d+: cut short\?/],
      [header(entry([2 ** 40], 4)), /ends at byte|takes \d+ bytes/],
      [header("{}", 2 ** 31), /claims a header of 2147483648 bytes/],
      [header("{}", 50_000_000), /claims a header of 50000000 bytes but has only 10 bytes/],
      [header("{x"), /its header is not JSON/],
      [
        header('{"__proto__": {"dtype": "F32", "shape": [0], "data_offsets": [0, 0]}}'),
        /it has a tensor named "__proto__"/,
      ],
    ];
    for (const [bytes, message] of lies) {
      await Deno.writeFile(path, bytes);
      await assert.rejects(readWeights(path), message);
    }
    await assert.rejects(readWeights(join(folder, "none.pth")), /none\.pth: no such file or folder/);
  }));
