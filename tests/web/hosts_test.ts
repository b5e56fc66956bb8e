import assert from "node:assert/strict";
import { hostCheck } from "../../src/web/hosts.ts";
import { servePage, textAnswer } from "../../src/web/server.ts";
import { bareRequest } from "./bare_request.ts";

/** Which of some names a check lets through. */
function taken(check: (request: Request) => boolean, names: readonly string[]): string[] {
  return names.filter((host) => check(new Request("http://127.0.0.1/", { headers: { host } })));
}

Deno.test("hosts: addresses and names of this machine are answered, names that others can own are not", () => {
  const own = [
    ...["localhost", "LOCALHOST:8420", "a.localhost", "localhost.", "127.0.0.1", "127.1.2.3:80", "0x7f.1"],
    ...["[::1]", "[::1]:8420", "192.168.1.7:8420", "[fe80::1]"],
  ];
  const others = [
    ...[
      "evil.example",
      "evil.example:8420",
      "127.0.0.1.evil.example",
      "localhost.evil.example",
      "a-localhost",
    ],
    ...["", " ", "user@127.0.0.1", "127.0.0.1/evil", "127.0.0.1, evil.example", "evil.example#localhost"],
    ...["127.0.0.1?evil.example", "[::1", "evil.example\\127.0.0.1"],
  ];
  for (const host of ["127.0.0.1", "0.0.0.0", "::", "10.0.0.2"]) {
    const check = hostCheck(host);
    assert.deepEqual(taken(check, own), own, host);
    assert.deepEqual(taken(check, others), [], host);
  }
  // What proxies add can be sent by scripts as well.
  const forged = new Request("http://127.0.0.1/", {
    headers: { host: "evil.example", "x-forwarded-host": "localhost", forwarded: "host=localhost" },
  });
  assert.ok(!hostCheck("127.0.0.1")(forged));
  assert.ok(!hostCheck("127.0.0.1")(new Request("http://evil.example/")), "the address counts, too");
});

Deno.test("hosts: the name that is listened at, this machine's own and those that are given are answered", () => {
  const machine = Deno.hostname();
  assert.deepEqual(taken(hostCheck("0.0.0.0"), [machine, `${machine}.local`, `x.${machine}`]), [
    machine,
    `${machine}.local`,
  ]);
  assert.deepEqual(taken(hostCheck("box.lan"), ["box.lan:1", "lan"]), ["box.lan:1"]);
  const names = ["Runs.Example.org", "proxy"];
  assert.deepEqual(
    taken(hostCheck("127.0.0.1", names), ["runs.example.org:443", "proxy", "example.org", "x.proxy"]),
    ["runs.example.org:443", "proxy"],
  );
  for (const name of ["", "https://a", "a:80", "a/b", "*.a", ".a", "a b"]) {
    assert.throws(() => hostCheck("127.0.0.1", [name]), /is no host's name/, name);
  }
});

Deno.test("hosts: a server tells a page of another name nothing, and takes no writes from other sites", async () => {
  const stop = new AbortController(), seen: string[] = [];
  const answer = (request: Request) => {
    seen.push(request.method);
    return Promise.resolve(textAnswer(200, "secret"));
  };
  const options = { hostNames: ["runs.example.org"], signal: stop.signal };
  const { url, finished } = servePage("page", ["GET", "HEAD", "POST"], answer, options);
  const port = Number(new URL(url).port);
  try {
    const status = async (...lines: string[]) => {
      const said = await bareRequest(url, lines);
      if (!said.startsWith("HTTP/1.1 200")) assert.ok(!said.includes("secret"));
      return { code: Number(said.slice(9, 12)), said };
    };
    assert.equal((await status("GET / HTTP/1.1", `Host: 127.0.0.1:${port}`)).code, 200);
    assert.equal((await status("GET / HTTP/1.1", "Host: runs.example.org")).code, 200);
    const evil = await status("GET / HTTP/1.1", `Host: evil.example:${port}`, "X-Forwarded-Host: localhost");
    assert.equal(evil.code, 421);
    assert.match(evil.said, /does not answer to the name "evil\.example:\d+"; .*--host-name NAME/);
    assert.match(evil.said, /x-content-type-options: nosniff/i);
    const { code } = await status("GET http://evil.example/ HTTP/1.1", "Host: localhost");
    assert.notEqual(code, 200);
    assert.equal((await status("PUT / HTTP/1.1", "Host: localhost")).code, 405);
    const post = ["POST / HTTP/1.1", "Host: localhost", "Content-Length: 0"];
    assert.equal((await status(...post)).code, 200);
    assert.equal((await status(...post, "Sec-Fetch-Site: same-origin")).code, 200);
    for (const site of ["cross-site", "same-site", "none"]) {
      assert.equal((await status(...post, `Sec-Fetch-Site: ${site}`)).code, 403, site);
    }
    assert.deepEqual(seen, ["GET", "GET", "POST", "POST"]);
  } finally {
    stop.abort();
    await finished;
  }
});
