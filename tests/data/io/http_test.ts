import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { openRangeReader } from "../../../src/data/io/http/range.ts";
import { httpStream } from "../../../src/data/io/http/stream.ts";
import { type Handler, rawServer, serveBytes, server } from "../http_servers.ts";

const FAST = { retries: 3, backoff: 1, stall: 5000 };

const CONTENT = Uint8Array.from({ length: 300_000 }, (_, i) => (i * 7 + (i >> 8)) & 255);

async function all(stream: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  for await (const part of stream) parts.push(part.slice());
  return new Uint8Array(Buffer.concat(parts));
}

async function withServer(handler: Handler, work: (url: string) => Promise<void>): Promise<void> {
  await using running = server(handler);
  await work(running.url);
}

Deno.test("http: a file comes whole, a range comes exact", async () => {
  await withServer((request) => serveBytes(request, CONTENT), async (url) => {
    assert.deepEqual(await all(httpStream(url, {}, FAST)), CONTENT);
    assert.deepEqual(await all(httpStream(url, { start: 10, end: 1010 }, FAST)), CONTENT.slice(10, 1010));
    assert.deepEqual(await all(httpStream(url, { start: 299_999 }, FAST)), CONTENT.slice(299_999));
  });
});

Deno.test("http: 500, 503 and 429 are tried again, and given up after the last try", async () => {
  let calls = 0;
  const statuses = [500, 503, 429];
  await withServer((request) => {
    const status = statuses[calls++];
    return status ? new Response("no", { status }) : serveBytes(request, CONTENT);
  }, async (url) => {
    assert.deepEqual(await all(httpStream(url, {}, FAST)), CONTENT);
    assert.equal(calls, 4);
  });
  calls = 0;
  await withServer(() => {
    calls++;
    return new Response("no", { status: 500 });
  }, async (url) => {
    await assert.rejects(
      all(httpStream(url, {}, FAST)),
      /given up at byte 0 after 4 tries: the server answers 500/,
    );
    assert.equal(calls, 4);
  });
});

Deno.test("http: a lasting refusal is told at once", async () => {
  for (const [status, words] of [[404, /no such file/], [403, /login/], [410, /answers 410/]] as const) {
    let calls = 0;
    await withServer(() => {
      calls++;
      return new Response("no", { status });
    }, async (url) => {
      await assert.rejects(all(httpStream(url, {}, FAST)), words);
      assert.equal(calls, 1);
    });
  }
});

Deno.test("http: a broken connection goes on from the byte that was reached", async () => {
  const ranges: (string | null)[] = [];
  // Each connection promises the whole rest and closes after 100,000 bytes.
  await using running = rawServer((request) => {
    const start = Number(/bytes=(\d+)-/.exec(request)?.[1] ?? 0);
    ranges.push(/range: *(\S+)/i.exec(request)?.[1] ?? null);
    const head = start === 0
      ? `HTTP/1.1 200 OK\r\nContent-Length: ${CONTENT.length}\r\nETag: "a"\r\n\r\n`
      : `HTTP/1.1 206 Partial\r\nContent-Length: ${CONTENT.length - start}\r\nETag: "a"\r\n` +
        `Content-Range: bytes ${start}-${CONTENT.length - 1}/${CONTENT.length}\r\n\r\n`;
    return [head, CONTENT.subarray(start, start + 100_000)];
  });
  assert.deepEqual(await all(httpStream(running.url, {}, FAST)), CONTENT);
  assert.deepEqual(ranges, [null, "bytes=100000-", "bytes=200000-"]);
});

Deno.test("http: a server that always closes at once is given up", async () => {
  let calls = 0;
  await using running = rawServer(() => {
    calls++;
    return [""];
  });
  await assert.rejects(all(httpStream(running.url, {}, FAST)), /given up at byte 0 after 4 tries/);
  // The client itself may try a connection once more when it closed before any answer.
  assert.ok(calls >= 4 && calls <= 8, `${calls} connections`);
});

Deno.test("http: a server without ranges is read over again after a break", async () => {
  let calls = 0;
  await using running = rawServer(() => [
    `HTTP/1.1 200 OK\r\nContent-Length: ${CONTENT.length}\r\n\r\n`,
    calls++ === 0 ? CONTENT.subarray(0, 50_000) : CONTENT,
  ]);
  assert.deepEqual(await all(httpStream(running.url, {}, FAST)), CONTENT);
  assert.equal(calls, 2);
});

Deno.test("http: a file that changes between tries is refused", async () => {
  for (const change of ['ETag: "b"', "Last-Modified: Tue, 02 Jan 2024 00:00:00 GMT"]) {
    let calls = 0;
    await using running = rawServer(() => {
      if (calls++ === 0) {
        const old = 'ETag: "a"\r\nLast-Modified: Mon, 01 Jan 2024 00:00:00 GMT';
        return [
          `HTTP/1.1 200 OK\r\nContent-Length: ${CONTENT.length}\r\n${old}\r\n\r\n`,
          CONTENT.subarray(0, 5000),
        ];
      }
      return [
        `HTTP/1.1 206 P\r\nContent-Length: ${CONTENT.length - 5000}\r\n${change}\r\n` +
        `Content-Range: bytes 5000-${CONTENT.length - 1}/${CONTENT.length}\r\n\r\n`,
        CONTENT.subarray(5000),
      ];
    });
    await assert.rejects(all(httpStream(running.url, {}, FAST)), /changed while it was read/);
  }
  let calls = 0;
  await using running = rawServer(() => [
    calls++ === 0
      ? `HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n`
      : `HTTP/1.1 206 P\r\nContent-Length: 10\r\nContent-Range: bytes 500-509/510\r\n\r\n`,
    CONTENT.subarray(0, calls === 1 ? 500 : 10),
  ]);
  await assert.rejects(all(httpStream(running.url, {}, FAST)), /length was 1000, is 510/);
});

Deno.test("http: lies about lengths and places are refused", async () => {
  const cases: [string, RegExp][] = [
    ["Content-Length: 5\r\nContent-Range: bytes 10-29/100", /contradict/],
    [
      "Content-Length: 20\r\nContent-Range: bytes 0-19/100",
      /asked for bytes 10-29, the server sent bytes 0-19/,
    ],
    ["Content-Length: 90\r\nContent-Range: bytes 10-99/100", /the server sent bytes 10-99/],
    ["Content-Length: 20\r\nContent-Range: potatoes", /without a Content-Range that can be read/],
  ];
  for (const [headers, words] of cases) {
    await using running = rawServer(() => [`HTTP/1.1 206 P\r\n${headers}\r\n\r\n`, CONTENT.subarray(0, 90)]);
    await assert.rejects(all(httpStream(running.url, { start: 10, end: 30 }, FAST)), words);
  }
  // Promises more than it ever has: bounded tries, then an error.
  await using running = rawServer((request) =>
    /range:/i.test(request)
      ? ["HTTP/1.1 416 No\r\nContent-Length: 0\r\n\r\n"]
      : ["HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n", CONTENT]
  );
  await assert.rejects(all(httpStream(running.url, {}, FAST)), /shorter than it said/);
});

Deno.test("http: a stall and a trickle are broken off, in bounded time", async () => {
  for (const trickle of [false, true]) {
    let calls = 0;
    await using running = rawServer(() => {
      calls++;
      return ["HTTP/1.1 200 OK\r\nContent-Length: 300000\r\n\r\n", trickle ? "trickle" : "stall"];
    });
    await assert.rejects(
      all(httpStream(running.url, {}, { ...FAST, retries: 1, stall: 150 })),
      /after 2 tries: the server sent \(almost\) nothing for 0\.[12] s/,
    );
    assert.equal(calls, 2);
  }
});

Deno.test("http: stopping early closes the connection, even while waiting", async () => {
  await using running = rawServer(() => [
    "HTTP/1.1 200 OK\r\nContent-Length: 300000\r\n\r\n",
    CONTENT.subarray(0, 10),
    "stall",
  ]);
  const stream = httpStream(running.url, {}, { ...FAST, stall: 60_000 });
  await stream.next();
  const waiting = stream.next();
  const from = performance.now();
  await stream.return();
  assert.deepEqual(await waiting, { done: true, value: undefined });
  // The server says something again after 10 s.
  assert.ok(performance.now() - from < 5000);
});

Deno.test("http: a range reader reads any place, caches and stays bounded", async () => {
  let calls = 0;
  await withServer((request) => {
    calls++;
    return serveBytes(request, CONTENT);
  }, async (url) => {
    const reader = await openRangeReader(url, { ...FAST, blockSize: 1000, maxBytes: 5000 });
    assert.equal(reader.length, CONTENT.length);
    calls = 0;
    assert.deepEqual(await reader.read(1500, 1000), CONTENT.slice(1500, 2500));
    assert.equal(calls, 2);
    await reader.read(1000, 2000);
    assert.equal(calls, 2);
    assert.deepEqual(await reader.read(0, 300_000), CONTENT);
    assert.equal(calls, 3);
    for (let block = 100; block < 110; block++) await reader.read(block * 1000, 1000);
    await reader.read(1000, 1);
    assert.equal(calls, 14, "an old block was kept beyond the limit");
    await assert.rejects(reader.read(299_999, 2), /cut short or damaged/);
    await reader.close();
    await reader.close();
    await assert.rejects(reader.read(50_000, 6000), /closed/);
  });
});

Deno.test("http: a range reader refuses a server without ranges", async () => {
  await withServer(() => new Response(CONTENT), async (url) => {
    await assert.rejects(openRangeReader(url, FAST), /does not answer byte ranges/);
  });
});

Deno.test("http: closing a range reader breaks off what is under way", async () => {
  let calls = 0;
  await using running = rawServer(() =>
    calls++ === 0
      ? [
        `HTTP/1.1 206 P\r\nContent-Length: 1\r\nContent-Range: bytes 0-0/100\r\n\r\n`,
        CONTENT.subarray(0, 1),
      ]
      : ["HTTP/1.1 206 P\r\nContent-Length: 100\r\nContent-Range: bytes 0-99/100\r\n\r\n", "stall"]
  );
  const reader = await openRangeReader(running.url, { ...FAST, stall: 60_000 });
  const read = assert.rejects(reader.read(0, 50));
  await new Promise((resolve) => setTimeout(resolve, 30));
  await reader.close();
  await read;
});

Deno.test("http: a body of unknown length that breaks off at its very end is whole; a shorter file is an error", async () => {
  for (const length of [CONTENT.length, CONTENT.length - 1]) {
    await using running = rawServer((request) => {
      if (/range:/i.test(request)) {
        return [`HTTP/1.1 416 No\r\nContent-Range: bytes */${length}\r\nContent-Length: 0\r\n\r\n`];
      }
      const size = CONTENT.length.toString(16);
      // The last chunk, of no bytes, never comes.
      return [`HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${size}\r\n`, CONTENT, "\r\n"];
    });
    const got = all(httpStream(running.url, {}, FAST));
    if (length === CONTENT.length) assert.deepEqual(await got, CONTENT);
    else await assert.rejects(got, /shorter than it said/);
  }
});
