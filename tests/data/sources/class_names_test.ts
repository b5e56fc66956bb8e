import assert from "node:assert/strict";
import fc from "npm:fast-check@4.10.2";
import { labeller, readStated } from "../../../src/data/sources/class_names.ts";
import { readLabelsFile } from "../../../src/data/sources/labels_file.ts";
import { joinClasses, matchClasses } from "../../../src/data/sources/match_classes.ts";
import { withFolder } from "../pictures.ts";

Deno.test("what values say of a class", () => {
  const cases: [unknown, unknown][] = [
    [3, 3],
    [3n, 3],
    [true, 1],
    [" cat ", "cat"],
    ["7", "7"],
    [-1, null],
    [-100n, null],
    [NaN, null],
    [null, null],
    [undefined, null],
    ["", null],
    [2 ** 40, "1099511627776"],
    [12345678901234567890n, "12345678901234567890"],
    [.5, { unclear: "a number with a fraction" }],
    [[1], { unclear: "a list" }],
    [{ id: 1 }, { unclear: "an object" }],
    ["x".repeat(2000), { unclear: "a long text" }],
  ];
  for (const [value, reading] of cases) assert.deepEqual(readStated(value), reading, String(value));
});

Deno.test("captions and addresses are no classes, unless the user says so", () => {
  const numbered = (count: number, of: (i: number) => string, asked = false) => {
    const classes = labeller("u", undefined, asked);
    const numbers = Array.from({ length: count }, (_, i) => classes.number(of(i), `${i}`));
    const { labels, final } = classes.finish();
    return { labels, numbers: numbers.map(final), told: classes.passedOver() };
  };
  const captions = numbered(3000, (i) => `a photo of number ${i}`);
  assert.deepEqual([captions.labels, captions.numbers[2]], [[], -1]);
  assert.match(captions.told[0].why, /3000 different ones are captions/);
  assert.equal(captions.told[0].count, 3000);
  assert.equal(numbered(3000, (i) => `${i} x`, true).labels.length, 3000);
  const many = numbered(6000, (i) => `class ${i % 2000}`);
  assert.deepEqual([many.labels.length, many.told], [2000, []]);
  assert.equal(many.labels[many.numbers[5]], "class 5");
  // A few pictures may each have a class of its own.
  assert.equal(numbered(10, (i) => `class ${i}`).labels.length, 10);
  assert.equal(numbered(70_000, (i) => `class ${i}`, true).labels.length, 0);
});

const names = fc.uniqueArray(fc.stringMatching(/^[a-e]{1,2}$/), { minLength: 1, maxLength: 8 });

Deno.test("classes meet by numbers where the lists are the same, and else by unique names", () => {
  const birds = ["crane", "finch", "crane"];
  const a = { uri: "a", labels: birds };
  assert.deepEqual(matchClasses(a, { uri: "b", labels: [...birds] }), [0, 1, 2]);
  assert.deepEqual(matchClasses(a, { uri: "b", labels: ["finch", "emu"] }), [1, -1]);
  assert.throws(
    () => matchClasses(a, { uri: "b", labels: ["crane", "finch"] }),
    /the class "crane" stands more than once in a \(numbers 0, 2\), and b has other classes/,
  );
  assert.throws(() => matchClasses({ uri: "b", labels: ["finch", "crane"] }, a), /more than once in a/);
  // macOS gives names of folders back decomposed.
  assert.deepEqual(
    matchClasses({ uri: "a", labels: ["caf\u00e9", "x"] }, { uri: "b", labels: ["cafe\u0301"] }),
    [0],
  );
  assert.deepEqual(matchClasses({ uri: "a", labels: ["x", "Cat"] }, { uri: "b", labels: ["cat"] }), [-1]);
  fc.assert(fc.property(names, names, (left, right) => {
    const found = matchClasses({ uri: "a", labels: left }, { uri: "b", labels: right });
    right.forEach((name, i) => assert.equal(found[i], left.indexOf(name)));
  }));
});

Deno.test("classes of several sources as one list", () => {
  const of = (...lists: string[][]) => joinClasses(lists.map((labels, i) => ({ uri: `${i}`, labels })));
  assert.deepEqual(of([], []), { labels: [], numbers: [[], []] });
  assert.deepEqual(of(["b", "a", "b"], [], ["b", "a", "b"]), {
    labels: ["b", "a", "b"],
    numbers: [[0, 1, 2], [], [0, 1, 2]],
  });
  const numbers = (count: number) => Array.from({ length: count }, (_, i) => String(i));
  assert.deepEqual(of(numbers(3), numbers(11)).labels, numbers(11));
  // Nobody else has the name that stands twice, so nothing is ambiguous.
  assert.deepEqual(of(["b", "a", "b"], ["a", "c"]), {
    labels: ["a", "b", "b", "c"],
    numbers: [[1, 0, 2], [0, 3]],
  });
  assert.throws(() => of(["b", "a", "b"], ["a", "b"]), /"b" stands more than once in 0/);
  assert.throws(() => of(["x"], ["b", "a", "b"], ["a", "b"]), /"b" stands more than once in 1/);
  fc.assert(fc.property(fc.array(names, { minLength: 1, maxLength: 4 }), (lists) => {
    const { labels, numbers } = of(...lists);
    assert.equal(new Set(labels).size, labels.length);
    lists.forEach((list, i) => assert.deepEqual(numbers[i].map((number) => labels[number]), list));
  }));
});

Deno.test("a file of class names: line ends, marks, empty lines", () =>
  withFolder(async (folder) => {
    const path = `${folder}/names.txt`, encode = (text: string) => new TextEncoder().encode(text);
    const read = async (bytes: Uint8Array) => {
      await Deno.writeFile(path, bytes);
      return await readLabelsFile(path);
    };
    for (const end of ["\n", "\r\n", "\r"]) {
      assert.deepEqual(await read(encode(`cat${end} grey wolf ${end}cat${end}${end}`)), [
        "cat",
        "grey wolf",
        "cat",
      ]);
    }
    assert.deepEqual(await read(encode("\ufeffcat\ndog")), ["cat", "dog"]);
    const wide = Uint16Array.from([..."\ufeffcat\r\ndog\r\n"].map((c) => c.charCodeAt(0)));
    assert.deepEqual(await read(new Uint8Array(wide.buffer)), ["cat", "dog"]);
    assert.deepEqual(await read(encode('["cat", "dog", "cat"]\n')), ["cat", "dog", "cat"]);
    assert.deepEqual(await read(encode('{"1": "dog", "0": "cat"}')), ["cat", "dog"]);
    assert.deepEqual(await read(encode("[other]\n{x\n")), ["[other]", "{x"]);
    for (
      const numbered of [
        "0,cat\n1,grey wolf",
        "1\tgrey wolf\n0\tcat",
        'id;name\n0;"cat"\n1;"grey wolf"',
        "names:\n  0: cat\n  1: grey wolf",
        "0 cat\n1 grey wolf",
        '"cat"\n"grey wolf"',
      ]
    ) assert.deepEqual(await read(encode(numbered)), ["cat", "grey wolf"], numbered);
    // Numbers that are not those of classes belong to the names.
    for (
      const plain of [["1 cat", "2 wolf"], ["0 cat", "0 wolf"], ["0", "1"], ["4 of clubs", "5 of clubs"]]
    ) {
      assert.deepEqual(await read(encode(plain.join("\n"))), plain);
    }
    await assert.rejects(
      read(encode('{"0": ["n01440764", "tench"]}')),
      /this JSON is no list of class names/,
    );
    await assert.rejects(read(encode('{"cat": 0, "dog": 1}')), /this JSON is no list/);
    await assert.rejects(read(encode("cat\n\ndog\n")), /line 2 is empty/);
    await assert.rejects(read(encode(" \n")), /is empty; it must hold one class name a line/);
    await assert.rejects(read(Uint8Array.of(0x63, 0xe9, 10)), /no text in UTF-8/);
    await assert.rejects(readLabelsFile(folder), /--labels .*cannot be read/);
  }));
