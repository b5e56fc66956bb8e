import assert from "node:assert/strict";
import fc from "npm:fast-check@4.10.2";
import { openRangeReader } from "../../../src/data/io/http/range.ts";
import { parseHttpDate, retryAfter } from "../../../src/data/io/http/retry_after.ts";
import { httpStream } from "../../../src/data/io/http/stream.ts";
import type { HttpOptions } from "../../../src/data/io/http/types.ts";
import { serveBytes, server } from "../http_servers.ts";

const CONTENT = Uint8Array.from({ length: 20_000 }, (_, i) => i * 7 & 255);

async function size(stream: AsyncIterable<Uint8Array>): Promise<number> {
  let bytes = 0;
  for await (const chunk of stream) bytes += chunk.length;
  return bytes;
}

/** Options whose lines for people are kept. */
function options(more: HttpOptions = {}): HttpOptions & { lines: string[] } {
  const lines: string[] = [];
  return { retries: 1, backoff: 1, stall: 2000, progress: (line) => lines.push(line), lines, ...more };
}

const wait = (headers: Record<string, string>, now?: number) => retryAfter(new Headers(headers), now);

Deno.test("Retry-After: seconds, and dates in the three forms of HTTP", () => {
  const now = Date.UTC(1994, 10, 6, 8, 49, 7);
  const forms = [
    "Sun, 06 Nov 1994 08:49:37 GMT",
    "Sunday, 06-Nov-94 08:49:37 GMT",
    "Sun Nov  6 08:49:37 1994",
  ];
  for (const form of forms) assert.equal(wait({ "retry-after": form }, now), 30_000, form);
  assert.equal(wait({ "retry-after": "25" }), 25_000);
  assert.equal(wait({ "retry-after": " 120 " }), 120_000);
  assert.equal(wait({ "retry-after": "99999999999999999999" }), 1e23);
  fc.assert(
    fc.property(fc.date({ min: new Date(0), max: new Date("9999-01-01"), noInvalidDate: true }), (date) => {
      assert.equal(parseHttpDate(date.toUTCString()), Math.floor(date.getTime() / 1000) * 1000);
    }),
  );
});

Deno.test("Retry-After: nonsense, negative numbers and times that are past ask for nothing", () => {
  const now = Date.UTC(2030, 0, 1);
  const none = ["", "-5", "soon", "1e3", "0", "0x10", "NaN", "10, 20", "Tue, 31 Dec 2019 00:00:00 GMT"]
    .concat(["2030-02-01T00:00:00Z", "Tue, 31 Feb 2031 00:00:00 GMT", "Tue, 01 Feb 2031 25:00:00 GMT"])
    .concat(["Tue, 01 Foo 2031 00:00:00 GMT", "Tue, 01 Feb 2031 00:00:00 PST"]);
  for (const text of none) assert.equal(wait({ "retry-after": text }, now), null, text);
  assert.equal(wait({}), null);
  fc.assert(fc.property(fc.string(), (text) => {
    const asked = retryAfter({ get: () => text } as unknown as Headers, now);
    assert.ok(asked === null || asked > 0);
  }));
});

Deno.test("Retry-After: a date counts from the server's own clock", () => {
  const headers = { "date": "Tue, 01 Jan 2030 00:00:00 GMT", "retry-after": "Tue, 01 Jan 2030 00:00:25 GMT" };
  for (const now of [Date.UTC(2029, 0, 1), Date.UTC(2031, 0, 1)]) assert.equal(wait(headers, now), 25_000);
  const broken = { ...headers, date: "now" };
  assert.equal(wait(broken, Date.UTC(2030, 0, 1, 0, 0, 5)), 20_000);
});

Deno.test("http: a server that says how long is waited for, and that is shown once", async () => {
  for (const status of [429, 503]) {
    let calls = 0;
    const given = options();
    await using running = server((request) =>
      calls++ < 3
        ? new Response("slow down", { status, headers: { "retry-after": "0.06" } })
        : serveBytes(request, CONTENT)
    );
    const from = performance.now();
    // One failure would be forgiven; waits that were asked for are no failures.
    assert.equal(await size(httpStream(running.url, {}, given)), CONTENT.length);
    assert.ok(performance.now() - from >= 170);
    assert.equal(calls, 4);
    assert.equal(given.lines.length, 1, given.lines.join("\n"));
    const { origin } = new URL(running.url);
    assert.equal(
      given.lines[0],
      `${origin}: the server answers ${status} and asks to wait 1 s; waiting (up to 15 min in all)`,
    );
  }
});

Deno.test("http: a date ahead is waited for, a date that is past counts as a failure", async () => {
  for (const ahead of [1, -5000]) {
    let calls = 0;
    await using running = server((request) => {
      if (calls++ > 0) return serveBytes(request, CONTENT);
      // Rounded up to a whole second, as a date has no less.
      const date = new Date(Math.ceil((Date.now() + ahead) / 1000) * 1000).toUTCString();
      return new Response("", { status: 429, headers: { "retry-after": date } });
    });
    const given = options();
    assert.equal(await size(httpStream(running.url, {}, given)), CONTENT.length);
    assert.equal(given.lines.length, ahead > 0 ? 1 : 0);
  }
});

Deno.test("http: all reads of a server wait together, and one line tells of it", async () => {
  let calls = 0, free = Infinity;
  await using running = server((request) => {
    calls++;
    if (calls === 2) free = performance.now() + 150;
    if (calls > 1 && performance.now() < free) {
      return new Response("", { status: 429, headers: { "retry-after": "0.2" } });
    }
    return serveBytes(request, CONTENT);
  });
  const given = options({ retries: 0 });
  const reader = await openRangeReader(running.url, { ...given, blockSize: 1000 });
  const first = reader.read(0, 1);
  while (given.lines.length === 0) await new Promise((resolve) => setTimeout(resolve, 1));
  const others = Array.from({ length: 9 }, (_, i) => reader.read((i + 1) * 1000, 10));
  await Promise.all([first, ...others]);
  assert.equal(calls, 12, "the others did not ask before the time");
  assert.equal(given.lines.length, 1);
  await reader.close();
});

Deno.test("http: a wait beyond the limit is refused at once, with both times", async () => {
  for (const asked of ["86400", "99999999999999999999"]) {
    await using running = server(() => new Response("", { status: 429, headers: { "retry-after": asked } }));
    await assert.rejects(
      size(httpStream(running.url, {}, options())),
      /given up at byte 0: the server answers 429 and asks to wait (24 h|more than 1000 days), and this program waits 15 min at most\. Try/,
    );
  }
  let calls = 0;
  await using running = server(() => {
    calls++;
    return new Response("", { status: 503, headers: { "retry-after": "0.01" } });
  });
  await assert.rejects(
    size(httpStream(running.url, {}, options({ maxRetryAfter: 100, backoff: 4 }))),
    /asks to wait 1 s, 1 s in all, and this program waits 1 s at most\. Try again later/,
  );
  assert.ok(calls > 2 && calls < 8, `${calls}: each wait is longer than the one before`);
});

Deno.test("http: aborting during the wait works at once", async () => {
  for (const way of ["signal", "option", "return", "close"] as const) {
    const stop = new AbortController(), lines: string[] = [];
    const told = Promise.withResolvers<void>();
    const given = options({
      progress: (line) => (lines.push(line), told.resolve()),
      ...way === "option" && { signal: stop.signal },
    });
    // A server of its own for each way: the wait is the server's.
    await using own = server(() => new Response("", { status: 429, headers: { "retry-after": "600" } }));
    const stream = httpStream(own.url, {}, given, way === "signal" ? stop.signal : undefined);
    const next = stream.next();
    await told.promise;
    assert.match(lines[0], /asks to wait 10 min/);
    if (way === "return") {
      await stream.return();
      assert.deepEqual(await next, { done: true, value: undefined });
    } else if (way === "close") {
      await stream[Symbol.asyncDispose]();
      assert.deepEqual(await next, { done: true, value: undefined });
    } else {
      stop.abort(new Error("enough"));
      await assert.rejects(next, /enough/);
    }
  }
});

Deno.test("http: what a new try may mend is tried again, what it cannot is not", async () => {
  for (const status of [408, 425, 429, 500, 502, 503, 504, 520, 400, 401, 404, 407, 416, 451, 501, 505]) {
    let calls = 0;
    await using running = server((request) =>
      calls++ === 0 ? new Response("no", { status }) : serveBytes(request, CONTENT)
    );
    const got = size(httpStream(running.url, {}, options()));
    const passing = [408, 425, 429, 500, 502, 503, 504, 520].includes(status);
    if (passing) assert.equal(await got, CONTENT.length);
    else await assert.rejects(got, new RegExp(status === 416 ? "the file is empty" : `answers ${status}`));
    assert.equal(calls, passing ? 2 : 1, `${status}`);
  }
});
