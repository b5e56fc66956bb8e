import assert from "node:assert/strict";
import { openRangeReader } from "../../../src/data/io/http/range.ts";
import { httpStream } from "../../../src/data/io/http/stream.ts";
import { rawServer, serveBytes, server } from "../http_servers.ts";

const FAST = { retries: 1, backoff: 1, stall: 2000 };
const CONTENT = Uint8Array.from({ length: 5000 }, (_, i) => i * 7 & 255);
const LOGIN = `Basic ${btoa("me:p@ss")}`;

async function size(stream: AsyncIterable<Uint8Array>): Promise<number> {
  let bytes = 0;
  for await (const chunk of stream) bytes += chunk.length;
  return bytes;
}

/** The URL of a server with user and password in it. */
const withLogin = (url: string) => url.replace("//", "//me:p%40ss@");

Deno.test("http: keys and passwords go to the host that was named, and to no other", async () => {
  const seen: Record<string, (string | null)[]> = {};
  const note = (name: string, { headers }: Request) =>
    seen[name] = [headers.get("authorization"), headers.get("x-key")];
  await using other = server((request) => (note("other", request), serveBytes(request, CONTENT)));
  await using named = server((request) => {
    const { pathname } = new URL(request.url);
    note(pathname, request);
    const to = ({ "/data": "/same", "/away": other.url } as Record<string, string>)[pathname];
    return to ? new Response(null, { status: 302, headers: { location: to } }) : serveBytes(request, CONTENT);
  });
  const options = { ...FAST, headers: { "x-key": "k" } };
  assert.equal(await size(httpStream(withLogin(named.url), {}, options)), CONTENT.length);
  assert.equal(
    await size(httpStream(withLogin(named.url).replace("/data", "/away"), {}, options)),
    CONTENT.length,
  );
  assert.deepEqual(seen, {
    "/data": [LOGIN, "k"],
    "/same": [LOGIN, "k"],
    "/away": [LOGIN, "k"],
    other: [null, null],
  });
  // Ranges survive redirects.
  const reader = await openRangeReader(named.url, options);
  assert.deepEqual(await reader.read(4000, 100), CONTENT.slice(4000, 4100));
  await reader.close();
});

Deno.test("http: a host that refuses because no login was sent on is named", async () => {
  await using other = server(() => new Response("no", { status: 401 }));
  await using named = server(() =>
    new Response(null, { status: 307, headers: { location: `${other.url}?sig=s3cret` } })
  );
  const told = await size(httpStream(withLogin(named.url), {}, FAST)).catch((error: Error) => error.message);
  assert.match(
    String(told),
    /answers 401: the login went to the host that was named and not to http.*\?sig=REDACTED/,
  );
  assert.doesNotMatch(String(told), /s3cret|p%40ss/);
});

Deno.test("http: redirects that lead nowhere are refused", async () => {
  const cases: [string | null, RegExp][] = [
    ["/data", /redirected more than 10 times, in a circle/],
    [null, /redirected \(302\) without saying where/],
    ["ftp://host/file", /redirected to ftp:\/\/host\/file, which is neither http nor https/],
    ["http://[", /"http:\/\/\[" is no address/],
  ];
  for (const [location, words] of cases) {
    await using running = server(() =>
      new Response(null, { status: 302, headers: location ? { location } : {} })
    );
    await assert.rejects(size(httpStream(running.url, {}, FAST)), words);
  }
});

Deno.test("http: no message holds a password or a signature", async () => {
  const secret = (url: string) => `${url.replace("//", "//me:s3cret@")}?sig=s3cret&token=s3cret`;
  let status = 500;
  await using running = server(() => new Response("<html>", { status }));
  await using broken = rawServer(() => ["HTTP/1.1 206 P\r\nContent-Range: potatoes\r\n\r\n"]);
  const closed = server(() => new Response());
  await closed[Symbol.asyncDispose]();
  const messages: string[] = [];
  const note = (error: Error) => void messages.push(error.message);
  for (status of [200, 403, 404, 500]) await size(httpStream(secret(running.url), {}, FAST)).catch(note);
  for (const url of [broken.url, closed.url]) {
    await size(httpStream(secret(url), { start: 1 }, FAST)).catch(note);
    await openRangeReader(secret(url), FAST).catch(note);
  }
  assert.equal(messages.length, 8);
  for (const message of messages) {
    assert.match(message, /^http:\/\/REDACTED@127\.0\.0\.1:\d+\/data\?sig=REDACTED&token=REDACTED: /);
    assert.doesNotMatch(message, /s3cret/);
  }
});

Deno.test("http: a server that sends less at once than it was asked for is read whole", async () => {
  let calls = 0;
  await using running = server((request) => {
    calls++;
    const [, start, last] = /bytes=(\d+)-(\d+)/.exec(request.headers.get("range")!)!.map(Number);
    const end = Math.min(start + 400, last + 1);
    const headers = { "content-range": `bytes ${start}-${end - 1}/${CONTENT.length}` };
    return new Response(CONTENT.slice(start, end), { status: 206, headers });
  });
  assert.equal(await size(httpStream(running.url, { end: 4321 }, { ...FAST, retries: 0 })), 4321);
  assert.equal(calls, 11);
});

Deno.test("http: a web page in the file's place is refused, whatever it says it is", async () => {
  const cases: [string, string, boolean][] = [
    ["text/html; charset=utf-8", "\n <div>Please log in</div>", true],
    ["application/octet-stream", "<!DOCTYPE html><p>moved", true],
    ["", "<HTML lang=en>", true],
    // Programs that call every file a page, and files that begin like one.
    ["text/html", "00001.jpg\0\0\0", false],
    ["application/x-tar", "<odd name>.jpg\0", false],
    ["application/octet-stream", "", false],
  ];
  for (const [type, body, page] of cases) {
    const bytes = new TextEncoder().encode(body);
    const headers: Record<string, string> = type === "" ? {} : { "content-type": type };
    await using running = server(() => new Response(bytes, { headers }));
    const got = size(httpStream(running.url, {}, FAST));
    if (page) {
      await assert.rejects(got, /is a web page \(.+\) and no data: perhaps a login, a link that has run out/);
    } else assert.equal(await got, bytes.length);
    if (page) await assert.rejects(openRangeReader(running.url, FAST), /is a web page/);
  }
});
