import assert from "node:assert/strict";
import fc from "npm:fast-check@4.10.2";
import { parseDataUri, type SourceUri } from "../../../src/data/open/parse_data_uri.ts";
import { sourceWords } from "../../../src/data/open/source_words.ts";

/** What words mean, without what the case leaves open. */
function meaning(text: string, existing: readonly string[] = []) {
  return parseDataUri(text, { exists: (path) => existing.includes(path) }).map(
    ({ format, names, options, weight }) => {
      const of: Partial<SourceUri> = { format, names };
      if (Object.keys(options).length > 0) of.options = options;
      return weight === undefined ? of : { ...of, weight };
    },
  );
}

Deno.test("words for data: every kind of source", () => {
  const cases: [text: string, format: string | null, names: string[], options?: Record<string, string>][] = [
    ["./photos", null, ["./photos"]],
    ["/data/my photos", null, ["/data/my photos"]],
    ["C:\\photos", null, ["C:\\photos"]],
    ["a:b/c", null, ["a:b/c"]],
    ["file:///data/a%20b", null, ["/data/a b"]],
    ["file:///data/a%2Cb%2A2", null, ["/data/a\\,b\\*2"]],
    ["folder:./x.tar", "folder", ["./x.tar"]],
    ["./photos#split=test", null, ["./photos"], { split: "test" }],
    ["./photos#1", null, ["./photos#1"]],
    ["lmdb:./lsun", "lmdb", ["./lsun"]],
    ["lmdb:/a/data.mdb#train", "lmdb", ["/a/data.mdb"], { database: "train" }],
    ["d-{08..10}.tar", "tar", ["d-08.tar", "d-09.tar", "d-10.tar"]],
    ["x.TGZ", "tar", ["x.TGZ"]],
    ["tar:x.bin", "tar", ["x.bin"]],
    ["https://h/d-{0..1}.tar.gz?t=1", "tar", ["https://h/d-0.tar.gz?t=1", "https://h/d-1.tar.gz?t=1"]],
    ["tar:http://h/x", "tar", ["http://h/x"]],
    ["{a,b}.parquet", "parquet", ["a.parquet", "b.parquet"]],
    ["parquet:./hf#train", "parquet", ["./hf"], { split: "train" }],
    ["parquet:./hf#split=train+test&column=photo", "parquet", ["./hf"], {
      split: "train+test",
      column: "photo",
    }],
    ["hf-parquet:./hf", "parquet", ["./hf"]],
    ["a.parquet?column=my%20photo", "parquet", ["a.parquet"], { column: "my photo" }],
    ["http://h/a.parquet?x=1", "parquet", ["http://h/a.parquet?x=1"]],
    ["coco:./coco/train2017", "coco", ["./coco/train2017"]],
    ["coco:p#a.json", "coco", ["p"], { annotations: "a.json" }],
    ["coco:p#a\\,b.json", "coco", ["p"], { annotations: "a,b.json" }],
    ["coco:p#annotations=c%26d.json&split=val", "coco", ["p"], { annotations: "c&d.json", split: "val" }],
    ["imagenet:/i/val#val.txt", "imagenet", ["/i/val"], { list: "val.txt" }],
    ["my\\,photos", null, ["my\\,photos"]],
  ];
  for (const [text, format, names, options] of cases) {
    assert.deepEqual(meaning(text), [options ? { format, names, options } : { format, names }], text);
  }
});

Deno.test("words for data: what was understood is written so that it is understood again", () => {
  const words = (text: string, existing: readonly string[] = []) =>
    parseDataUri(text, { exists: (path) => existing.includes(path) }).map(sourceWords);
  const cases: [text: string, written?: string, existing?: string[]][] = [
    ["./photos"],
    ["folder:./x.tar"],
    ["file:///data/a%20b", "/data/a b"],
    ["file:///data/a%2Cb%2A2", "/data/a\\,b\\*2"],
    ["./photos#1"],
    ["lmdb:/a/data.mdb#train", "lmdb:/a/data.mdb#database=train"],
    ["lmdb:x#database=50%25 a%26b\\,\\*2=ü", "lmdb:x#database=50%25%20a%26b%2C%2A2=ü"],
    ["d-{08..10}.tar"],
    ["shards/*.tar"],
    ["tar:http://h/x"],
    ["https://me:pw@h/d-{0..1}.tar?sig=abc", "https://REDACTED@h/d-{0..1}.tar?sig=REDACTED"],
    ["hf-parquet:./hf#split=train+test&column=photo", "parquet:./hf#column=photo&split=train+test"],
    ["parquet:./hf#column=photo&split=train+test"],
    ["a.parquet?column=my%20photo", "a.parquet#column=my%20photo"],
    ["coco:p#a\\,b.json", "coco:p#annotations=a%2Cb.json"],
    ["a,b*2#c", "a\\,b\\*2\\#c", ["a,b*2#c"]],
    ["lmdb:x", "lmdb:x", ["lmdb:x"]],
  ];
  for (const [text, written = text, existing] of cases) {
    assert.deepEqual(words(text, existing), [written], text);
    assert.deepEqual(words(written, existing), [written], written);
    if (written.includes("REDACTED")) continue;
    assert.deepEqual(meaning(written, existing), meaning(text, existing), text);
  }
});

Deno.test("words for data: several, with weights", () => {
  const tar = (...names: string[]) => ({ format: "tar", names }),
    path = (name: string) => ({ format: null, names: [name] });
  assert.deepEqual(meaning("a.tar*0.3, ./b*.7"), [{ ...tar("a.tar"), weight: 0.3 }, {
    ...path("./b"),
    weight: 0.7,
  }]);
  assert.deepEqual(meaning("{a,b}.tar,c.tar"), [tar("a.tar", "b.tar"), tar("c.tar")]);
  assert.deepEqual(meaning("a.tar*2"), [{ ...tar("a.tar"), weight: 2 }]);
  assert.deepEqual(meaning("https://h/a.tar,b.tar"), [tar("https://h/a.tar"), tar("b.tar")]);
});

Deno.test("words for data: what exists is taken as it stands, whatever characters its name has", () => {
  const path = (name: string) => ({ format: null, names: [name] });
  const cases: [text: string, existing: string[], names: string[]][] = [
    ["a,b", ["a,b"], ["a\\,b"]],
    ["set*2", ["set*2"], ["set\\*2"]],
    ["x{1,2}", ["x{1,2}"], ["x\\{1\\,2\\}"]],
    ["open{", ["open{"], ["open\\{"]],
    ["C#", ["C#"], ["C\\#"]],
    ["c#split=test", ["c#split=test"], ["c\\#split=test"]],
    ["what?", ["what?"], ["what\\?"]],
    ["tar:ball", ["tar:ball"], ["tar:ball"]],
    ["s3://x", ["s3://x"], ["s3://x"]],
    [" spaces ", [" spaces "], [" spaces "]],
    ["a,b,c", ["a,b", "c"], ["a\\,b", "c"]],
    ["c,a,b", ["a,b", "c"], ["c", "a\\,b"]],
  ];
  for (const [text, existing, names] of cases) {
    assert.deepEqual(meaning(text, existing), names.map(path), text);
  }
  assert.deepEqual(meaning("folder:a,b*0.5,c*1", ["a,b", "c"]), [
    { format: "folder", names: ["a\\,b"], weight: 0.5 },
    { format: null, names: ["c"], weight: 1 },
  ]);
  assert.deepEqual(meaning("set*2*0.5,c*1", ["set*2", "c"])[0], {
    format: null,
    names: ["set\\*2"],
    weight: 0.5,
  });
  assert.deepEqual(meaning("a,b#split=val", ["a,b"]), [
    { format: null, names: ["a\\,b"], options: { split: "val" } },
  ]);
  assert.deepEqual(meaning("a#split=test,b", ["a", "b"]), [
    { format: null, names: ["a"], options: { split: "test" } },
    path("b"),
  ]);
  assert.deepEqual(meaning("a,b#split=test,c", ["a,b", "c"]).length, 2);
  // Both readings exist.
  assert.throws(() => meaning("a,b", ["a,b", "a", "b"]), /write 'a\\,b' for the one, .*'a\*1,b\*1'/);
  assert.deepEqual(meaning("a\\,b", ["a,b", "a", "b"]), [path("a\\,b")]);
  assert.throws(
    () => meaning("d{0..1}", ["d{0..1}", "d1"]),
    /braces stand for 2; write 'd\\\{0\.\.1\\\}' for the one/,
  );
});

Deno.test("words for data: a URL's query stays whole, and half of it is never a source", () => {
  const url = (name: string, format = "tar") => ({ format, names: [name] });
  for (
    const query of [
      "sig=a,b&x=1",
      "sig=a*b",
      "sig=ab*5",
      "sig={a,b}",
      'p={"a":1,"b":2}',
      "s=a,b,c",
      "s=a{,b",
      "s=a*5,b*6",
      "s=*",
    ]
  ) {
    const text = `https://h/a.tar?${query}`, [{ format, names }] = parseDataUri(text);
    assert.deepEqual(
      [format, names.map((name) => name.replace(/\\(?=[,*?{}#])/g, ""))],
      ["tar", [text]],
      query,
    );
  }
  assert.deepEqual(meaning("https://h/a.tar?s=a,b,https://h/b.tar?s=c,d"), [
    url("https://h/a.tar?s=a,b"),
    url("https://h/b.tar?s=c,d"),
  ]);
  assert.deepEqual(meaning("https://h/a.tar?s=a,b*0.5,./c*0.5")[0], {
    ...url("https://h/a.tar?s=a,b"),
    weight: 0.5,
  });
  assert.deepEqual(meaning("https://h/{0..1}.tar?s=a,b").length, 1);
  for (const text of ["https://h/a.tar?s=a,./b", "https://h/a.tar?s=a,/b", "tar:https://h/x,y/z.tar"]) {
    assert.throws(
      () => meaning(text),
      /a comma in it may belong to the URL or begin another source; write %2C/,
      text,
    );
  }
  assert.throws(() => meaning("https://h/a.tar?s=a,b", ["b"]), /may belong to the URL/);
});

Deno.test("words for data: what cannot be understood is said", () => {
  const cases: [string, RegExp][] = [
    ["", /no data named/],
    ["a,,b", /source 2 is empty/],
    ["a*0.5,b", /"b" has no weight/],
    ["a*0", /weight "0" is no number above 0/],
    ["a*-1,b*2", /weight "-1"/],
    ["a*1x", /weight "1x"/],
    ["lmbd:./x", /no kind of source is called "lmbd"; did you mean lmdb:\? There are/],
    ["s3://bucket/x.tar", /no kind of source is called "s3"/],
    ["tar:", /a path must follow the colon/],
    ["lmdb:#x", /nothing stands on one side of #/],
    [
      "https://h/x.zip",
      /must be named \.tar, \.tar\.gz, \.tgz, \.parquet, or have its kind before it \(tar:, parquet:\)/,
    ],
    ["{a.tar,b.parquet}", /a\.tar and b\.parquet are not of one kind/],
    ["tar:x#colum=y", /tar shards takes no option "colum"; there are split/],
    ["a.parquet#colum=y", /did you mean "column"\?/],
    ["a.parquet#split=", /"split=" is no option: write NAME=VALUE/],
    ["{http://h/a,b}.tar", /all local or all remote/],
    ["a-{0..3.tar", /brace at character 3 is not closed/],
  ];
  for (const [text, words] of cases) assert.throws(() => parseDataUri(text), words, text);
  // The first source is there: what follows its weight is another source all the same, there or not.
  for (const existing of [["a"], ["a", "b"]]) {
    assert.throws(() => meaning("a*0.5,b", existing), /"b" has no weight/);
  }
});

Deno.test("words for data: any text is understood or refused in words", () => {
  const pieces = fc.array(
    fc.constantFrom(
      "a",
      "tar",
      ".tar",
      ":",
      "//",
      "http",
      "{",
      "}",
      "..",
      "0",
      "9",
      ",",
      "*",
      "#",
      "?",
      "\\",
      " ",
    ),
    {
      maxLength: 12,
    },
  );
  fc.assert(
    fc.property(pieces, (parts) => {
      try {
        parseDataUri(parts.join(""));
      } catch (error) {
        assert.equal((error as Error).constructor, Error, String(error));
      }
    }),
    { numRuns: 1000 },
  );
});
