import assert from "node:assert/strict";
import fc from "npm:fast-check@4.10.2";
import { type DataUri, parseDataUri } from "../../../src/data/open/uri.ts";

Deno.test("uri: every kind of source", () => {
  const cases: [string, DataUri][] = [
    ["./photos", { kind: "path", path: "./photos" }],
    ["/data/my photos", { kind: "path", path: "/data/my photos" }],
    ["C:\\photos", { kind: "path", path: "C:\\photos" }],
    ["a:b/c", { kind: "path", path: "a:b/c" }],
    ["file:///data/a%20b", { kind: "path", path: "/data/a b" }],
    ["folder:./x.tar", { kind: "folder", path: "./x.tar" }],
    ["lmdb:./lsun", { kind: "lmdb", path: "./lsun" }],
    ["lmdb:/a/data.mdb#train", { kind: "lmdb", path: "/a/data.mdb", database: "train" }],
    ["d-{08..10}.tar", {
      kind: "tar",
      name: "d-{08..10}.tar",
      shards: ["d-08.tar", "d-09.tar", "d-10.tar"],
      remote: false,
    }],
    ["x.TGZ", {
      kind: "tar",
      name: "x.TGZ",
      shards: ["x.TGZ"],
      remote: false,
    }],
    ["tar:x.bin", {
      kind: "tar",
      name: "x.bin",
      shards: ["x.bin"],
      remote: false,
    }],
    ["https://h/d-{0..1}.tar.gz?t=1", {
      kind: "tar",
      name: "https://h/d-{0..1}.tar.gz?t=1",
      shards: ["https://h/d-0.tar.gz?t=1", "https://h/d-1.tar.gz?t=1"],
      remote: true,
    }],
    ["tar:http://h/x", {
      kind: "tar",
      name: "http://h/x",
      shards: ["http://h/x"],
      remote: true,
    }],
    ["{a,b}.parquet", {
      kind: "parquet",
      name: "{a,b}.parquet",
      files: ["a.parquet", "b.parquet"],
      remote: false,
    }],
    ["parquet:./hf#train", {
      kind: "parquet",
      name: "./hf#train",
      files: ["./hf"],
      remote: false,
      split: "train",
    }],
    ["hf-parquet:./hf", {
      kind: "parquet",
      name: "./hf",
      files: ["./hf"],
      remote: false,
    }],
    ["a.parquet?column=my%20photo", {
      kind: "parquet",
      name: "a.parquet?column=my%20photo",
      files: ["a.parquet"],
      remote: false,
      column: "my photo",
    }],
    ["http://h/a.parquet?x=1", {
      kind: "parquet",
      name: "http://h/a.parquet?x=1",
      files: ["http://h/a.parquet?x=1"],
      remote: true,
    }],
    ["coco:./coco/train2017", { kind: "coco", path: "./coco/train2017" }],
    ["coco:p#a.json", { kind: "coco", path: "p", annotations: "a.json" }],
    ["imagenet:/i/val#val.txt", { kind: "imagenet", path: "/i/val", list: "val.txt" }],
    ["my\\,photos", { kind: "path", path: "my,photos" }],
  ];
  for (const [text, expected] of cases) assert.deepEqual(parseDataUri(text), expected, text);
});

Deno.test("uri: mixtures", () => {
  const tar = (name: string): DataUri => ({ kind: "tar", name, shards: [name], remote: false });
  assert.deepEqual(parseDataUri("a.tar*0.3, ./b*.7"), {
    kind: "mix",
    parts: [{ weight: 0.3, uri: tar("a.tar") }, { weight: 0.7, uri: { kind: "path", path: "./b" } }],
  });
  assert.deepEqual(parseDataUri("{a,b}.tar,c.tar"), {
    kind: "mix",
    parts: [{ uri: { kind: "tar", name: "{a,b}.tar", shards: ["a.tar", "b.tar"], remote: false } }, {
      uri: tar("c.tar"),
    }],
  });
  assert.deepEqual(parseDataUri("a.tar*2"), { kind: "mix", parts: [{ weight: 2, uri: tar("a.tar") }] });
});

Deno.test("uri: what cannot be understood is said", () => {
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
    ["https://h/x.zip", /must be \.tar, \.tar\.gz or \.parquet/],
    ["{http://h/a,b}.tar", /all local or all remote/],
    ["a-{0..3.tar", /brace at character 3 is not closed/],
  ];
  for (const [text, words] of cases) assert.throws(() => parseDataUri(text), words, text);
});

Deno.test("uri: any text is understood or refused in words", () => {
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
