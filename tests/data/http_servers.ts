/** Servers on the loopback address for tests: a good one, and a raw one that can misbehave. */

/** Answers a request. */
export type Handler = (request: Request) => Response | Promise<Response>;

/** A running server. */
export interface Running extends AsyncDisposable {
  url: string;
}

/** A well-behaved HTTP server. */
export function server(handler: Handler): Running {
  const running = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen() {} }, handler);
  return {
    url: `http://127.0.0.1:${running.addr.port}/data`,
    [Symbol.asyncDispose]: () => running.shutdown(),
  };
}

/** Answers GET with and without Range as servers do. */
export function serveBytes(request: Request, content: Uint8Array<ArrayBuffer>): Response {
  const range = /^bytes=(\d+)-(\d*)$/.exec(request.headers.get("range") ?? "");
  const headers = { etag: '"v1"', "accept-ranges": "bytes" };
  if (!range) return new Response(content, { headers });
  const start = Number(range[1]);
  const end = range[2] === "" ? content.length : Math.min(Number(range[2]) + 1, content.length);
  if (start >= content.length) return new Response(null, { status: 416 });
  return new Response(content.slice(start, end), {
    status: 206,
    headers: { ...headers, "content-range": `bytes ${start}-${end - 1}/${content.length}` },
  });
}

/** What a raw server sends, in order: text, bytes, "stall" (hold the connection), "trickle" (a byte now and then). */
export type Script = readonly (string | Uint8Array)[];

/** A server that writes exactly what it is told to and then closes the connection. */
export function rawServer(script: (request: string) => Script): Running {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const stop = new AbortController();
  const serving = (async () => {
    const connections: Promise<void>[] = [];
    for (let count = 0; count < 100; count++) {
      let connection: Deno.TcpConn;
      try {
        connection = await listener.accept();
      } catch {
        break;
      }
      connections.push(serve(connection, script, stop.signal));
    }
    await Promise.all(connections);
  })();
  const { port } = listener.addr;
  return {
    url: `http://127.0.0.1:${port}/data`,
    async [Symbol.asyncDispose]() {
      stop.abort();
      listener.close();
      await serving;
    },
  };
}

async function serve(connection: Deno.TcpConn, script: (request: string) => Script, signal: AbortSignal) {
  try {
    const buffer = new Uint8Array(8192);
    let request = "";
    while (!request.includes("\r\n\r\n")) {
      const n = await connection.read(buffer);
      if (n === null) return;
      request += new TextDecoder().decode(buffer.subarray(0, n));
    }
    for (const part of script(request)) {
      if (part === "stall") await pause(10_000, signal);
      else if (part === "trickle") {
        for (let i = 0; i < 100 && !signal.aborted; i++) {
          await write(connection, new Uint8Array(1));
          await pause(20, signal);
        }
      } else await write(connection, typeof part === "string" ? new TextEncoder().encode(part) : part);
    }
  } catch {
    // The client went away, as some tests want it to.
  } finally {
    connection.close();
  }
}

async function write(connection: Deno.TcpConn, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length;) at += await connection.write(bytes.subarray(at));
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const stop = () => {
      clearTimeout(timer);
      resolve();
    };
    const timer = setTimeout(() => {
      signal.removeEventListener("abort", stop);
      resolve();
    }, ms);
    signal.addEventListener("abort", stop, { once: true });
  });
}
