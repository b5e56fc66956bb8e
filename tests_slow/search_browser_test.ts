/** The page of a search in a browser, see browser.ts. */
import assert from "node:assert/strict";
import { join } from "node:path";
import type { Page } from "npm:puppeteer-core@25.16.0";
import { type Searched, serveSearch } from "../src/search/serve.ts";
import { colourPng, fakeSet, HOSTILE } from "../tests/search/fake_set.ts";
import { ask, openBrowser, screenshot } from "./browser.ts";

const { openPage, test } = openBrowser(".found img");

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

/** Names in the grid. */
const names = (page: Page) =>
  ask<string[]>(page, `[...document.querySelectorAll(".found .name")].map((x) => x.textContent)`);

/** Waits until the last question is answered and the grid begins with a name. */
const begins = (page: Page, name: string) =>
  page.waitForFunction(
    `document.querySelector("[aria-busy=false] .found .name")?.textContent === ${JSON.stringify(name)}`,
  );

/** Does what a browser does when a file is pasted or dropped. */
const give = (page: Page, event: "paste" | "drop", bytes: Uint8Array, name = "mine.png") =>
  ask(
    page,
    `(() => {
      const data = new DataTransfer();
      data.items.add(new File([Uint8Array.from(${JSON.stringify([...bytes])})], ${JSON.stringify(name)}));
      const made = ${event === "paste"}
        ? new ClipboardEvent("paste", { clipboardData: data, bubbles: true, cancelable: true })
        : new DragEvent("drop", { dataTransfer: data, bubbles: true, cancelable: true });
      document.body.dispatchEvent(made);
    })()`,
  );

test("search: pictures are dropped, pasted, chosen and clicked, filtered and enlarged", (folder) =>
  served(fakeSet(), async (url) => {
    const { page, wrong } = await openPage(url);
    assert.equal((await names(page)).length, 48);
    assert.match(
      await ask(page, `document.querySelector("#status").textContent`),
      /^60 pictures of photos <b>, by /,
    );

    // Clicked.
    await page.click(".found li:nth-child(6) .pick");
    await begins(page, "a/5.png");
    assert.equal((await names(page)).length, 48);
    assert.equal(await ask(page, `document.querySelector(".query .name").textContent`), "a/6.png");
    assert.equal(await ask(page, "location.hash"), "#picture=6");
    await page.waitForFunction(`document.querySelector(".found img").naturalWidth > 0`);
    await screenshot(page, "search-light");

    // Filtered, and more of them.
    await page.select(".filters label:nth-child(1) select", "1");
    await begins(page, "b/deep/30.png");
    assert.equal((await names(page)).length, 29);
    await page.select(".filters label:nth-child(1) select", "");
    const deep = await ask<string>(
      page,
      `[...document.querySelectorAll("option")].find((x) => x.textContent.startsWith("b/deep")).value`,
    );
    await page.select(".filters label:nth-child(2) select", deep);
    await begins(page, "b/deep/30.png");
    await page.select(".filters label:nth-child(2) select", "");
    await page.select(".filters label:nth-child(3) select", "24");
    await begins(page, "a/5.png");
    assert.equal((await names(page)).length, 24);

    // Pasted, dropped and chosen; a filter asks again with the same picture.
    await give(page, "paste", colourPng(10, 200));
    await begins(page, HOSTILE);
    assert.equal(await ask(page, `document.querySelector(".query .name").textContent`), "mine.png");
    await give(page, "drop", colourPng(220, 10), "other.png");
    await begins(page, "a/0.png");
    await page.select(".filters label:nth-child(1) select", "1");
    await begins(page, "b/deep/30.png");
    await page.select(".filters label:nth-child(1) select", "");
    await Deno.writeFile(join(folder, "green.png"), colourPng(10, 200));
    const chooser = page.waitForFileChooser();
    await page.click(".drop input");
    await (await chooser).accept([join(folder, "green.png")]);
    await begins(page, HOSTILE);
    await page.waitForFunction(`document.querySelector(".query img").naturalWidth === 24`);

    // Enlarged, with keys.
    await page.focus(".found li:nth-child(2) .pick");
    await page.keyboard.press("ArrowRight");
    await page.keyboard.press("z");
    await page.waitForFunction(`document.querySelector("dialog").open`);
    const shown = () => ask(page, `document.querySelector("dialog .name").textContent`);
    assert.equal(await shown(), "b/deep/57.png");
    const loaded = (width: number) =>
      page.waitForFunction(`document.querySelector("dialog img").naturalWidth === ${width}`);
    await loaded(20 + 57);
    await page.keyboard.press("ArrowLeft");
    assert.equal(await shown(), "b/deep/58.png");
    await loaded(20 + 58);
    assert.match(await ask(page, `document.querySelector("dialog a").href`), /\/pictures\/58\/file\?/);
    await screenshot(page, "search-enlarged");
    await page.keyboard.press("Escape");
    assert.equal(await ask(page, `document.querySelector("dialog").open`), false);
    await page.click(".found li:nth-child(4) .zoom");
    await loaded(20 + 56);
    await page.click("dialog .bar button:nth-child(3)");
    await page.waitForFunction(`document.querySelector(".query .name").textContent === "b/deep/56.png"`);
    // Back to what was asked before, and to the beginning.
    await page.goBack();
    await page.waitForFunction(`document.querySelector(".query .name").textContent === "green.png"`);
    await page.click(".query a");
    await page.waitForFunction(`document.querySelector(".query").hidden`);
    assert.deepEqual(wrong, []);
    await page.close();
  }));

test("search: what goes wrong is told in the page, and nothing in names runs", () =>
  served(fakeSet(6), async (url) => {
    const { page, wrong } = await openPage(url);
    const problem = (words: string) =>
      page.waitForFunction(`document.querySelector(".note").textContent.includes(${JSON.stringify(words)})`);
    await give(
      page,
      "paste",
      new TextEncoder().encode("<svg onload=alert(1)>"),
      "<img src=x onerror=alert(3)>",
    );
    await problem("This is no picture that can be read");
    await ask(page, `document.querySelector(".found .zoom").focus()`);
    await page.goto(`${url}#picture=999`);
    await page.reload();
    await problem("picture must be a whole number from 0 to 5");
    await page.goto(`${url}#picture=5`);
    await begins(page, "b/deep/4.png");
    assert.equal(await ask(page, `document.querySelector(".query .name").textContent`), HOSTILE);
    assert.equal(
      await ask(page, `document.querySelectorAll("main script, main img[onerror], main i, main b").length`),
      0,
    );
    // Statuses of refused questions are all that the console says.
    assert.deepEqual(wrong.filter((text) => !/status of 4\d\d/.test(text)), []);
    await ask(
      page,
      `(() => { const made = document.createElement("script"); made.textContent = "document.title = 'ran'"; document.body.append(made); })()`,
    );
    assert.notEqual(await page.title(), "ran");
    await page.close();
  }));

test("search: dark, narrow, below a path of a proxy, and without its server", () =>
  served(fakeSet(), async (url) => {
    const proxy = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen() {} }, (request) => {
      const { pathname, search } = new URL(request.url);
      if (!pathname.startsWith("/deep/down/")) return new Response(null, { status: 404 });
      const { method, body } = request;
      return fetch(new URL(pathname.slice("/deep/down/".length) + search, url), { method, body });
    });
    try {
      const { page, wrong } = await openPage(`http://127.0.0.1:${proxy.addr.port}/deep/down/`, {
        width: 360,
        dark: true,
      });
      await give(page, "drop", colourPng(220, 10));
      await begins(page, "a/0.png");
      await page.waitForFunction(`document.querySelector(".found img").naturalWidth > 0`);
      assert.ok(await ask<number>(page, "document.documentElement.scrollWidth") <= 360, "nothing sticks out");
      const colours = (await ask<string>(page, "getComputedStyle(document.body).backgroundColor")).match(
        /\d+/g,
      )!;
      assert.ok(Math.max(...colours.map(Number)) < 60, "the page is dark");
      await screenshot(page, "search-dark-narrow");
      assert.deepEqual(wrong, []);
      await proxy.shutdown();
      await page.click(".found li:nth-child(2) .pick");
      await page.waitForFunction(
        `document.querySelector(".note").textContent.startsWith("The server does not answer")`,
      );
      await page.close();
    } finally {
      await proxy.shutdown();
    }
  }));
