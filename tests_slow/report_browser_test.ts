/** The page of a report in a browser, see browser.ts. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { canvas, fill } from "../src/data/picture/drawing.ts";
import { encodeJpeg } from "../src/data/picture/sharp.ts";
import { serveReport } from "../src/report/serve.ts";
import { runsPage } from "../src/report/write.ts";
import { runFolder, stepLine } from "../tests/report/run_folder.ts";
import { ask, openBrowser, screenshot } from "./browser.ts";

const { openPage, test } = openBrowser("main > section");

/** A picture of a colour, as a JPEG. */
async function colourJpeg(width: number, height: number, red: number): Promise<Uint8Array> {
  const picture = canvas(width, height, [red, 90, 200]);
  fill(picture, 0, 0, width / 2, height / 2, [20, 200, 90]);
  return await encodeJpeg(picture, 80);
}

/** A run with curves, two sets of figures and a bad record. */
async function wholeRun(path: string): Promise<string> {
  const files: Record<string, string | Uint8Array> = {
    "figures/gallery.json": JSON.stringify({
      version: 1,
      side: 56,
      columns: 16,
      pictures: Array.from({ length: 20 }, (_, i) => ({ key: `picture-${i}.png`, label: i % 2 })),
      labels: ["cats", "dogs"],
    }),
    "figures/gallery.jpg": await colourJpeg(16 * 56, 2 * 56, 40),
  };
  for (const step of [20, 40]) {
    const name = `figures/step-000000${step}`;
    files[`${name}-reconstruction.jpg`] = await colourJpeg(600, 300, step * 5);
    files[`${name}-attention.jpg`] = await colourJpeg(500, 400, step * 5);
    files[`${name}.json`] = JSON.stringify({
      version: 1,
      step,
      map: Array.from({ length: 20 }, (_, i) => [Math.cos(i + step), Math.sin(i + step)]),
      explained: [0.4, 0.2],
      neighbours: [0, 1, 2].map((query) => ({ query, nearest: [[3, 0.9], [4, 0.8]] })),
      mass: 0.6,
      heads: 3,
    });
  }
  const lines = Array.from({ length: 40 }, (_, i) => stepLine(i + 1, { patch: 4 / (i + 1) }));
  return await runFolder(path, {
    metrics: lines.join("") + '{"step":40,"epoch":0,"evaluator":"knn","seconds":1,"top1":0.5}\n',
    bad: JSON.stringify({ source: "photos", key: "a.jpg", reason: "no picture" }) + "\n",
    files,
  });
}

/** A run's start whose values are longer than a narrow screen is wide. */
const MACHINE = {
  ...{
    time: "2026-01-02T03:04:05.678Z",
    step: 0,
    engine: "xla",
    devices: 1,
    deno: "2.9.6",
    v8: "15.0.245.2",
  },
  device: "XLA on cpu (Processor-with-a-long-name-of-its-own), PJRT C API 0.72",
  processor: "Processor with a long name and the speed that it has",
  ...{
    cores: 64,
    memory: 2 ** 38,
    system: "linux 6.18.44-some-release-of-a-cloud x86_64",
    host: "somewhere",
  },
};

/** A page of runs on the disk. */
async function pageOf(folder: string, ...runs: string[]): Promise<string> {
  const file = join(folder, "page.html");
  await Deno.writeTextFile(file, await runsPage(runs));
  return pathToFileURL(file).href;
}

test("report: curves, numbers, slider, map and keys work from a file", async (folder) => {
  const { page, wrong } = await openPage(await pageOf(folder, await wholeRun(join(folder, "mine"))));
  await page.waitForSelector(".chart canvas");
  assert.deepEqual(
    await ask(page, `[...document.querySelectorAll(".chart figcaption span")].map((x) => x.textContent)`),
    [
      "Loss",
      "Terms of the loss, before their weights",
      "Evaluator knn",
      "Learning rate",
      "Gradient norm, before clipping",
      "Images per second",
      "Share of the time spent waiting for data",
    ],
  );
  assert.equal(await ask(page, `document.querySelectorAll(".chart canvas").length`), 7);

  await page.click(".chart details summary");
  await page.waitForSelector(".chart details tbody tr");
  assert.equal(
    await ask(page, `document.querySelector(".chart details").querySelectorAll("tbody tr").length`),
    40,
  );

  await page.focus(".chart .plot");
  await page.keyboard.press("ArrowRight");
  await page.keyboard.press("ArrowRight");
  await page.waitForFunction(`document.querySelector(".chart .u-legend .u-value").textContent === "2"`);
  await page.click(".chart figcaption button");
  assert.equal(await ask(page, `document.querySelector(".chart figcaption button").ariaPressed`), "true");

  const output = () => ask<string>(page, `document.querySelector(".slider output").textContent`);
  const source = () => ask<string>(page, `document.querySelector("img.sheet").src`);
  const [step, picture] = [await output(), await source()];
  assert.equal(step, "step 40");
  await page.focus(".slider input");
  await page.keyboard.press("ArrowLeft");
  assert.equal(await output(), "step 20");
  assert.notEqual(await source(), picture);
  await page.waitForFunction(`document.querySelector("img.sheet").naturalWidth > 0`);

  const dot = (await page.$(".map circle:nth-of-type(8)"))!;
  await dot.scrollIntoView();
  await dot.hover();
  await page.waitForFunction(`document.querySelector(".shown").textContent === "picture-7.png · dogs"`);
  await page.waitForFunction(`document.querySelector(".shown img").naturalWidth === ${16 * 56}`);
  await ask(page, `document.querySelector(".map").focus()`);
  await page.keyboard.press("ArrowRight");
  await page.waitForFunction(`document.querySelector(".shown").textContent === "picture-8.png · cats"`);
  await screenshot(page, "light");
  assert.deepEqual(wrong, []);
  await page.close();
});

test("report: dark, narrow, several runs, and runs without a step", async (folder) => {
  const runs = [
    await wholeRun(join(folder, "a")),
    await wholeRun(join(folder, "b")),
    await runFolder(join(folder, "none"), {
      files: { "machine.json": JSON.stringify({ starts: [MACHINE] }) },
    }),
  ];
  const url = await pageOf(folder, ...runs);
  const { page, wrong } = await openPage(url, { width: 360, dark: true });
  await page.waitForSelector(".chart canvas");
  assert.ok(await ask<number>(page, "document.documentElement.scrollWidth") <= 360, "nothing sticks out");
  const names =
    `[...document.querySelectorAll(".scroll td:first-child")].filter((x) => /^\\w{1,9}$/.test(x.textContent))`;
  assert.ok(await ask<number>(page, `${names}.length`) > 4);
  const broken = `.filter((x) => {
    const range = document.createRange();
    range.selectNodeContents(x);
    return range.getClientRects().length > 1;
  }).map((x) => x.textContent)`;
  assert.deepEqual(await ask(page, names + broken), [], "short names in tables stay whole");
  const light = (await ask<string>(page, "getComputedStyle(document.body).backgroundColor")).match(/\d+/g)!
    .map(Number);
  assert.ok(Math.max(...light) < 60, `the page is dark: ${light}`);
  assert.deepEqual(await ask(page, `[...document.querySelectorAll(".run h2")].map((x) => x.textContent)`), [
    "a",
    "b",
    "none",
  ]);
  await screenshot(page, "dark-narrow");
  await page.setViewport({ width: 1300, height: 900 });
  await page.waitForFunction(`document.querySelector(".chart canvas").getBoundingClientRect().width > 360`);
  await screenshot(page, "dark");
  assert.deepEqual(wrong, []);
  await page.close();
});

test("report: nothing in names and texts runs", async (folder) => {
  const hostile = `</script><script>alert(1)</script><img src=x onerror=alert(2)><svg onload=alert(3)>`;
  const run = await runFolder(join(folder, `a <img src=x onerror=alert(4)>`), {
    config: { preset: "demo", data: hostile, [hostile]: hostile },
    metrics: stepLine(1, { [hostile]: 1 }) + JSON.stringify({ step: 1, evaluator: hostile, [hostile]: 1 }) +
      "\n",
    bad: JSON.stringify({ source: hostile, key: hostile, reason: hostile }) + "\n",
    files: { "machine.json": JSON.stringify({ starts: [{ engine: hostile }] }) },
  });
  const { page, wrong } = await openPage(await pageOf(folder, run));
  await page.waitForSelector(".chart canvas");
  await ask(page, `document.querySelectorAll("details").forEach((x) => x.open = true)`);
  await new Promise((resolve) => setTimeout(resolve, 300));
  assert.equal(
    await ask(page, `document.querySelectorAll("main script, main img, main svg[onload]").length`),
    0,
  );
  // What the page itself did not bring does not run either.
  await ask(
    page,
    `(() => { const made = document.createElement("script"); made.textContent = "document.title = 'ran'"; document.body.append(made); })()`,
  );
  assert.notEqual(await page.title(), "ran");
  assert.match(wrong.join(), /^console: .*Content Security Policy[^,]*(,[^,]*)*$/);
  assert.equal(wrong.length, 1);
  await page.close();
});

test("report: a served page below a path of a proxy goes on by itself", async (folder) => {
  const run = await wholeRun(join(folder, "mine")), stop = new AbortController();
  const { url, finished } = await serveReport([run], { port: 0, signal: stop.signal });
  const proxy = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen() {} }, (request) => {
    const { pathname, search } = new URL(request.url);
    if (!pathname.startsWith("/deep/down/")) return new Response(null, { status: 404 });
    return fetch(new URL(pathname.slice("/deep/down/".length) + search, url));
  });
  try {
    const { page, wrong } = await openPage(`http://127.0.0.1:${proxy.addr.port}/deep/down/`);
    await page.waitForSelector(".chart canvas");
    await page.click(".chart details summary");
    assert.match(await ask(page, `document.querySelector("#status").textContent`), /^live/);
    await page.waitForFunction(`document.querySelector("img.sheet").naturalWidth > 0`);
    await Deno.writeTextFile(join(run, "metrics.jsonl"), stepLine(41), { append: true });
    await page.waitForFunction(`document.querySelector(".figures dd").textContent === "41"`);
    // What was unfolded stays so, with the new line.
    await page.waitForFunction(
      `document.querySelector(".chart details[open]").querySelectorAll("tbody tr").length === 41`,
    );
    assert.deepEqual(wrong, []);
    await page.close();
  } finally {
    stop.abort();
    await finished;
    await proxy.shutdown();
  }
});
