import assert from "node:assert/strict";
import { openGroups } from "../../src/search/groups.ts";
import { BusyError, workQueue } from "../../src/search/queue.ts";
import { type Searched, serveSearch } from "../../src/search/serve.ts";
import type { SearchAnswer, SearchPage } from "../../src/search/types.ts";
import { decodePicture } from "../../src/data/picture/decode.ts";
import { encodePpm } from "../../src/data/picture/ppm.ts";
import { colourPng, fakeSet, HOSTILE } from "./fake_set.ts";

/** Serves a set while something is done with it. */
async function served(set: Searched, work: (url: string) => Promise<void>): Promise<void> {
  const stop = new AbortController();
  const { url, finished } = serveSearch(set, { port: 0, signal: stop.signal });
  try {
    await work(url);
  } finally {
    stop.abort();
    await finished;
  }
}

type Found = Exclude<SearchAnswer, { error: string }>;

Deno.test("search: the page, its policy, and what it knows of the set, whatever the names are", () =>
  served(fakeSet(), async (url) => {
    const response = await fetch(url), page = await response.text();
    const scripts = [...page.matchAll(/<script([^>]*)>(.*?)<\/script>/gs)];
    assert.deepEqual(scripts.map(([, attributes]) => attributes), [
      ' id="search" type="application/json"',
      "",
    ]);
    assert.ok(!scripts[0][2].includes("<") && !page.includes("photos <b>"));
    const [, policy] = /http-equiv="Content-Security-Policy" content="([^"]*)"/.exec(page)!;
    assert.equal(response.headers.get("content-security-policy"), policy);
    assert.match(
      policy,
      /^default-src 'none'; script-src 'sha256-\S+'; style-src 'sha256-\S+'; img-src data: blob: 'self'; connect-src 'self'; /,
    );
    const known = JSON.parse(scripts[0][2]) as SearchPage;
    assert.deepEqual([known.name, known.pictures, known.first.length], ["photos <b>", 60, 48]);
    assert.deepEqual(known.classes, [{ name: "red <i>", pictures: 30 }, { name: "green", pictures: 29 }]);
    assert.deepEqual(
      known.folders.slice(0, 1).concat(known.folders.slice(-2)).map(({ name, pictures }) => [name, pictures]),
      [["a", 31], ["b", 29], ["b/deep", 29]],
    );
    // Nothing in the page leads away from where it lies.
    assert.ok(!/(src|href)="(?!data:|#)/.test(page.replaceAll(/<script.*?<\/script>/gs, "")));
  }));

Deno.test("search: neighbours of a picture of the set and of one that is sent, filtered by class and folder", () => {
  const set = fakeSet();
  return served(set, async (url) => {
    const ask = async (query: string, body?: Uint8Array): Promise<[number, Found]> => {
      const response = await fetch(
        `${url}search?${query}`,
        body ? { method: "POST", body: body.slice() } : {},
      );
      assert.equal(response.headers.get("content-type"), "application/json");
      return [response.status, await response.json()];
    };
    const [status, { query, found }] = await ask("picture=7&k=3");
    assert.equal(status, 200);
    assert.deepEqual(query, { index: 7, key: "a/7.png", label: 0 });
    assert.deepEqual(found.map(({ index }) => index), [6, 8, 5]);
    assert.ok(Math.abs(found[0].cosine - (1 - 1 / 60)) < 1e-9);
    const rows = async (query: string, body?: Uint8Array) =>
      (await ask(query, body))[1].found.map(({ index }) => index);
    assert.deepEqual(await rows("picture=7&k=2&label=1"), [30, 31]);
    assert.deepEqual(await rows("picture=59&k=2&folder=b%2Fdeep"), [58, 57]);
    assert.deepEqual(await rows("picture=59&folder=nowhere"), []);
    assert.deepEqual(await rows("picture=0&k=500&folder=b&label=0"), []);
    assert.equal((await rows("picture=0")).length, 48);
    const [, sent] = await ask("k=2", colourPng(220, 10, 31));
    assert.deepEqual([sent.query, sent.found.map(({ key }) => key)], [null, ["a/0.png", "a/1.png"]]);
    assert.deepEqual(set.asked.at(-1), [31, 31]);
    assert.equal((await ask("k=1", colourPng(0, 10)))[1].found[0].key, HOSTILE);

    const refused = async (query: string, status: number, words: RegExp, body?: Uint8Array) => {
      const [code, answer] = await ask(query, body) as unknown as [number, { error: string }];
      assert.equal(code, status, query);
      assert.match(answer.error, words);
    };
    await refused("", 400, /ask for a picture's neighbours, or send one/);
    await refused("picture=1", 400, /or send one/, colourPng(1, 1));
    for (const query of ["picture=60", "picture=-1", "picture=1.5", "picture=1&k=501", "picture=1&label=2"]) {
      await refused(query, 400, /must be a whole number from 0 to \d+$/);
    }
    await refused("k=1", 422, /This is no picture that can be read: no JPEG/, new Uint8Array(99));
    await refused("k=1", 422, /no picture/, new Uint8Array(0));
    await refused("k=1", 422, /pixels/, new TextEncoder().encode("P6 30000 30000 255\n"));
    await refused("k=1", 413, /up to 32 MB/, new Uint8Array(32_000_001));
    // A length that is not told beforehand is counted.
    const endless = new ReadableStream<Uint8Array>({ pull: (out) => out.enqueue(new Uint8Array(1 << 20)) });
    const response = await fetch(`${url}search`, { method: "POST", body: endless }).catch(() => null);
    if (response) assert.equal((await response.json()).error, "pictures of up to 32 MB can be sent");
  });
});

Deno.test("search: pictures are those of the set, by their numbers, as what browsers show", () => {
  const files = [
    colourPng(200, 20, 700),
    encodePpm({ width: 2, height: 1, data: new Uint8Array(6).fill(9) }),
    new TextEncoder().encode("<svg onload=alert(1)>"),
    null,
  ];
  const set = fakeSet(4, { picture: (row) => Promise.resolve(files[row]) });
  return served(set, async (url) => {
    const get = async (path: string) => {
      const response = await fetch(url + path), bytes = new Uint8Array(await response.arrayBuffer());
      return { status: response.status, type: response.headers.get("content-type"), bytes, response };
    };
    const small = await get("pictures/0/small?x");
    assert.deepEqual([small.status, small.type], [200, "image/jpeg"]);
    assert.equal((await decodePicture(small.bytes)).width, 320);
    assert.equal(small.response.headers.get("content-security-policy"), "default-src 'none'; sandbox");
    assert.equal(small.response.headers.get("x-content-type-options"), "nosniff");
    assert.equal((await decodePicture((await get("pictures/0/large")).bytes)).width, 700);
    assert.deepEqual(await get("pictures/0/file").then(({ type, bytes }) => [type, bytes]), [
      "image/png",
      files[0],
    ]);
    assert.deepEqual(await get("pictures/1/file").then(({ type }) => type), "image/jpeg");
    for (
      const path of [
        ...[
          "pictures/2/file",
          "pictures/2/small",
          "pictures/3/small",
          "pictures/4/small",
          "pictures/-1/small",
        ],
        ...["pictures/0/other", "pictures/0", "pictures/../pictures/x/small", "pictures/00000000000/file"],
        ...["pictures/a%2F0.png/file", "etc/passwd", "search/..%2f..%2fdeno.json", "deno.json"],
      ]
    ) {
      assert.equal((await get(path)).status, 404, path);
    }
    const posted = await fetch(url, { method: "POST" });
    assert.deepEqual([posted.status, await posted.text()], [405, "only GET, HEAD\n"]);
    const crossing = await fetch(`${url}search`, {
      method: "POST",
      headers: { "sec-fetch-site": "cross-site" },
    });
    assert.equal(crossing.status, 403);
    await crossing.body?.cancel();
  });
});

Deno.test("search: without a model nothing can be sent, and what fails inside is told", () => {
  const nearest = () => Promise.reject(new Error("the engine is gone"));
  return served(fakeSet(5, { embeds: false, nearest }), async (url) => {
    const sent = await fetch(`${url}search`, { method: "POST", body: colourPng(1, 1).slice() });
    assert.equal(sent.status, 400);
    assert.match((await sent.json()).error, /no model/);
    const failed = await fetch(`${url}search?picture=1`);
    assert.deepEqual([failed.status, await failed.json()], [500, { error: "the engine is gone" }]);
    assert.match(await (await fetch(url)).text(), /"mostBytes":0/);
  });
});

Deno.test("search: a page's earlier questions end with its next one", () => {
  const asked: number[] = [];
  const nearest: Searched["nearest"] = (query, _k, _keep, signal) => {
    const row = "row" in query ? query.row : -1;
    asked.push(row);
    if (row === 3) return Promise.resolve([{ row: 1, cosine: 1 }]);
    return new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
  };
  return served(fakeSet(5, { nearest }), async (url) => {
    const ask = async (query: string) => {
      const response = await fetch(`${url}search?${query}`);
      return [response.status, await response.json()];
    };
    const first = ask("picture=1&page=a");
    while (asked.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    const last = ask("picture=3&page=a");
    assert.deepEqual(await first, [409, { error: "the page has asked something else meanwhile" }]);
    assert.equal((await last)[0], 200);
    assert.deepEqual(asked, [1, 3]);
    assert.equal((await ask("picture=3&page=b"))[0], 200);
  });
});

Deno.test("search: searches go one after another, those that nobody waits for are left out, too many are refused", async () => {
  const queue = workQueue(3), done: string[] = [], never = new AbortController().signal;
  let open = () => {}, running = 0;
  const gate = new Promise<void>((resolve) => open = resolve);
  const work = (name: string) => async () => {
    assert.equal(++running, 1, "one at a time");
    await gate;
    running--;
    done.push(name);
    return name;
  };
  const gone = new AbortController();
  const first = queue(never, work("first")), second = queue(gone.signal, work("second"));
  const third = queue(never, work("third"));
  await assert.rejects(queue(never, work("fourth")), BusyError);
  gone.abort(new Error("gone"));
  open();
  assert.deepEqual(
    await Promise.allSettled([first, second, third]).then((all) => all.map((one) => one.status)),
    [
      "fulfilled",
      "rejected",
      "fulfilled",
    ],
  );
  assert.deepEqual(done, ["first", "third"]);
  await assert.rejects(queue(never, () => Promise.reject(new Error("failed"))), /failed/);
  assert.equal(await queue(never, () => Promise.resolve(5)), 5, "a failure holds up nobody");
});

Deno.test("search: folders are counted at every level; of very many the largest are offered", () => {
  const keys = ["a/b/1", "a/b/2", "a/3", "4", "/c/5", "ab/6"], labels = [0, 0, 1, -1, 1, 1];
  const groups = openGroups(keys, labels, ["x", "y", "none"]);
  assert.deepEqual(groups.folders, [
    { name: "/c", pictures: 1 },
    { name: "a", pictures: 3 },
    { name: "a/b", pictures: 2 },
    { name: "ab", pictures: 1 },
  ]);
  assert.deepEqual(groups.classes.map(({ pictures }) => pictures), [2, 3, 0]);
  assert.deepEqual([...groups.inFolder("a")], [1, 1, 1, 0, 0, 0]);
  const many = Array.from({ length: 900 }, (_, i) => `${i}/x`).concat("899/y");
  const { folders } = openGroups(many, many.map(() => -1), []);
  assert.equal(folders.length, 500);
  assert.ok(folders.some(({ name }) => name === "899"));
});
