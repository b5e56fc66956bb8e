import assert from "node:assert/strict";
import fc from "npm:fast-check@4.10.2";
import { byteText, isUtf8 } from "../../../src/data/io/byte_text.ts";
import { classOf, keyText } from "../../../src/data/sources/lmdb/keys.ts";

const bytesOf = (text: string) => Uint8Array.from(text, (char) => char.charCodeAt(0));

Deno.test("byteText: UTF-8 as it is, other bytes escaped one by one, different names different", () => {
  const cases: [Uint8Array, string][] = [
    [new TextEncoder().encode("café/☕.jpg"), "café/☕.jpg"],
    [bytesOf("caf\xe9.jpg"), "caf\\xE9.jpg"],
    [bytesOf("\xc3\xa9\xe9"), "é\\xE9"],
    [bytesOf("\xe2\x98"), "\\xE2\\x98"],
    [bytesOf("\xed\xa0\x80"), "\\xED\\xA0\\x80"],
    [bytesOf("\xc0\xaf\xff"), "\\xC0\\xAF\\xFF"],
    [bytesOf("\xef\xbb\xbfa"), "\uFEFFa"],
    [new Uint8Array(), ""],
  ];
  for (const [bytes, text] of cases) assert.equal(byteText(bytes), text);
  const name = fc.uint8Array({ maxLength: 12 }).filter((bytes) => !bytes.includes(0x5c));
  fc.assert(fc.property(name, name, (a, b) => {
    assert.equal(byteText(a) === byteText(b), a.toHex() === b.toHex());
    assert.equal(byteText(a).includes("\\x"), !isUtf8(a));
  }));
});

Deno.test("LMDB keys that are not UTF-8 stay names with their class; keys of bytes are digits", () => {
  const latin = keyText(bytesOf("caf\xe9/1.jpg"));
  assert.deepEqual([latin, classOf(latin)], ["caf\\xE9/1.jpg", "caf\\xE9"]);
  assert.notEqual(latin, keyText(bytesOf("caf\xe8/1.jpg")));
  assert.equal(keyText(new TextEncoder().encode("日本/1")), "日本/1");
  assert.equal(keyText(Uint8Array.of(0, 0, 0, 7)), "0x00000007");
  assert.equal(keyText(Uint8Array.of(0x90, 0xa1, 0xff, 0x41)), "0x90a1ff41");
  assert.equal(keyText(new Uint8Array()), "0x");
});
