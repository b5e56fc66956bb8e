import assert from "node:assert/strict";
import fc from "npm:fast-check@4.10.2";
import { decodeText, parseForeignJson } from "../../../src/data/io/foreign_text.ts";

const bytes = (text: string) => new TextEncoder().encode(text);

Deno.test("foreign JSON: NaN and Infinity as Python's json writes them, but not inside of texts", () => {
  const text = '{"a": NaN, "b": [Infinity, -Infinity, NaN], "NaN": "x NaN \\" Infinity", "label": 3}';
  const expected = { a: null, b: [Infinity, -Infinity, null], NaN: 'x NaN " Infinity', label: 3 };
  assert.deepEqual(parseForeignJson(text), expected);
  assert.deepEqual(parseForeignJson(bytes(text)), expected);
  assert.equal(parseForeignJson("NaN"), null);
  for (const wrong of ["NaNs", "nan", "[Infinityx]", '{"a": Na N}', "{NaN: 1}"]) {
    assert.throws(() => parseForeignJson(wrong), { name: "SyntaxError", message: /^not JSON: / }, wrong);
  }
});

Deno.test("foreign JSON: byte order marks, surrogates, equal names, numbers beyond 2^53", () => {
  const mark = Uint8Array.of(0xef, 0xbb, 0xbf, ...bytes('{"label": "cat"}'));
  assert.deepEqual(parseForeignJson(mark), { label: "cat" });
  const text = '{"label": "é"}';
  const wide = new Uint8Array(Uint16Array.from([0xfeff, ...[...text].map((c) => c.charCodeAt(0))]).buffer);
  assert.deepEqual(parseForeignJson(wide), { label: "é" });
  assert.deepEqual(parseForeignJson('"\\ud83d\\ude00 \\ud83d"'), "😀 \ud83d");
  assert.deepEqual(parseForeignJson('{"a": 1, "a": 2}'), { a: 2 });
  assert.deepEqual(
    parseForeignJson('[9007199254740993, 1234567890.12345678901, 9007199254740991, "12345678901234567890"]'),
    [9007199254740993n, 1234567890.12345678901, 9007199254740991, "12345678901234567890"],
  );
  assert.deepEqual(parseForeignJson('[NaN, 12345678901234567890, "NaN"]'), [
    null,
    12345678901234567890n,
    "NaN",
  ]);
});

Deno.test("foreign JSON: what is none is said in words", () => {
  assert.throws(() => parseForeignJson("{'label': 3}"), /Python shows an object \(single quotes/);
  assert.throws(() => parseForeignJson('{"label": None}'), /json\.dumps/);
  assert.throws(() => parseForeignJson(" "), /^SyntaxError: empty$/);
  assert.throws(() => parseForeignJson("{broken"), /not JSON: /);
});

Deno.test("foreign JSON: whatever JSON.parse reads comes out the same", () => {
  fc.assert(fc.property(fc.json(), (text) => {
    const expected = JSON.parse(text);
    // Numbers beyond 2^53 are exact here.
    fc.pre(!/\d{16}/.test(text));
    assert.deepEqual(parseForeignJson(text), expected);
  }));
  // A text of megabytes takes no stack.
  const long = `{"a": NaN, "b": "${"x\\n".repeat(1_000_000)}"}`;
  assert.equal((parseForeignJson(long) as { b: string }).b.length, 2_000_000);
});

Deno.test("foreign text: UTF-8 and UTF-16, marks left out", () => {
  assert.equal(decodeText(Uint8Array.of(0xef, 0xbb, 0xbf, 0x61)), "a");
  assert.equal(decodeText(Uint8Array.of(0xff, 0xfe, 0x61, 0)), "a");
  assert.equal(decodeText(Uint8Array.of(0xfe, 0xff, 0, 0x61)), "a");
  assert.equal(decodeText(Uint8Array.of(0x61, 0xe9)), "a\ufffd");
  assert.throws(() => decodeText(Uint8Array.of(0x61, 0xe9), true), TypeError);
});
