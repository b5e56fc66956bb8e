import assert from "node:assert/strict";
import { tarEntries } from "../../src/demo/tar.ts";
import { tarFile, tarOf } from "./fake.ts";

const bytes = (text: string) => new TextEncoder().encode(text);

/** A stream in pieces of `size` bytes, as a network or a decompressor may cut it. */
function pieces(all: Uint8Array, size: number): ReadableStream<Uint8Array> {
  let at = 0;
  return new ReadableStream({
    pull(controller) {
      if (at >= all.length) return controller.close();
      controller.enqueue(all.slice(at, at += size));
    },
  });
}

async function names(all: Uint8Array, size = 100): Promise<string[]> {
  const found = await Array.fromAsync(tarEntries(pieces(all, size), () => true));
  return found.map(({ name, bytes }) => `${name}=${new TextDecoder().decode(bytes)}`);
}

Deno.test("tar: files come out whole, however the stream is cut", async () => {
  const long = "x".repeat(1300);
  const archive = tarOf([tarFile("a", bytes("1")), tarFile("empty", bytes("")), tarFile("b", bytes(long))]);
  for (const size of [1, 7, 512, 1000, 1e6]) {
    assert.deepEqual(await names(archive, size), ["a=1", "empty=", `b=${long}`]);
  }
});

Deno.test("tar: long names, prefixes and folders", async () => {
  const long = "folder/".repeat(20) + "name.png";
  const record = ` path=${long}\n`;
  const length = record.length + 3;
  const archive = tarOf([
    tarFile("x", bytes(`${length}${record}`), "x"),
    tarFile("short", bytes("pax")),
    tarFile("L", bytes(`${long}\0`), "L"),
    tarFile("short", bytes("gnu")),
    tarFile("g", bytes("19 comment=ignored\n"), "g"),
    tarFile("folder", bytes(""), "5"),
    tarFile("tail", bytes("prefix"), "0", "head"),
  ]);
  assert.deepEqual(await names(archive), [`${long}=pax`, `${long}=gnu`, "head/tail=prefix"]);
});

Deno.test("tar: only wanted files are handed out, and stopping early ends the stream", async () => {
  const archive = tarOf([tarFile("a", bytes("1")), tarFile("b", bytes("2")), tarFile("b2", bytes("3"))]);
  let cancelled = false;
  const stream = new ReadableStream<Uint8Array>({
    start: (controller) => controller.enqueue(archive),
    cancel: () => void (cancelled = true),
  });
  for await (const { name } of tarEntries(stream, (name) => name.startsWith("b"))) {
    assert.equal(name, "b");
    break;
  }
  assert.ok(cancelled);
});

Deno.test("tar: a damaged or cut archive is refused", async () => {
  const archive = tarOf([tarFile("a", bytes("1")), tarFile("b", bytes("2"))]);
  const damaged = archive.slice();
  damaged[1024] ^= 1;
  await assert.rejects(names(damaged), /damaged one: header at byte 1024/);
  for (const length of [300, 512 + 100, 1024, 1300]) {
    await assert.rejects(names(archive.slice(0, length)), /cut short/, `cut at ${length}`);
  }
  await assert.rejects(names(bytes("no archive at all".repeat(60))), /not a tar archive/);
});
