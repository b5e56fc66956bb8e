/**
 * Pages in a browser: Chromium without a window, where there is one (`CHROMIUM` names it, else it is looked for where
 * distributions put it). With `SCREENSHOTS=FOLDER` what pages look like is left there.
 */
import assert from "node:assert/strict";
import { join } from "node:path";
import puppeteer, { type Browser, type Page } from "npm:puppeteer-core@25.16.0";
import { withFolder } from "../tests/with_folder.ts";

/**
 * Milliseconds that anything may take in the browser: its start, a page, what a page is waited for. A machine with other work
 * takes many times as long as an idle one.
 */
const PATIENCE = 300_000;

const PLACES = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];

/** Where the browser is; undefined where there is none. */
function findBrowser(): string | undefined {
  const named = Deno.env.get("CHROMIUM");
  return [...(named ? [named] : []), ...PLACES].find((path) => {
    try {
      return Deno.statSync(path).isFile;
    } catch {
      return false;
    }
  });
}

/** What an expression gives in the page. */
export const ask = async <T>(page: Page, expression: string): Promise<T> =>
  await page.evaluate(expression) as T;

/** Looks whether there is something to see, and leaves it in `SCREENSHOTS`. */
export async function screenshot(page: Page, name: string): Promise<void> {
  const folder = Deno.env.get("SCREENSHOTS"), picture = await page.screenshot({ fullPage: true });
  assert.ok(picture.length > 10_000, "there is something to see");
  if (folder) await Deno.writeFile(join(folder, `${name}.png`), picture);
}

/**
 * A browser for the tests of a file.
 *
 * @param drawn A selector of what is there once a page has drawn itself.
 */
export function openBrowser(drawn: string) {
  const executablePath = findBrowser();
  let browser: Browser | undefined;
  /** A page that notes what goes wrong in it. */
  const openPage = async (
    url: string,
    { width = 1300, dark = false }: { width?: number; dark?: boolean } = {},
  ): Promise<{ page: Page; wrong: string[] }> => {
    const args = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"];
    browser ??= await puppeteer.launch({
      executablePath,
      headless: true,
      args,
      timeout: PATIENCE,
      protocolTimeout: PATIENCE,
    });
    const page = await browser.newPage(), wrong: string[] = [];
    // Of navigation, too.
    page.setDefaultTimeout(PATIENCE);
    page.on("console", (message) => void wrong.push(`console: ${message.text()}`));
    page.on("pageerror", (error) => void wrong.push(`error: ${error}`));
    page.on("requestfailed", (request) => {
      const why = request.failure()?.errorText;
      // That is what the page itself has given up: a question that another one replaced, a picture out of sight.
      if (why !== "net::ERR_ABORTED") wrong.push(`failed: ${request.url().slice(0, 200)} (${why})`);
    });
    page.on("dialog", (dialog) => {
      wrong.push(`dialog: ${dialog.message()}`);
      dialog.dismiss().catch(() => {});
    });
    await page.setViewport({ width, height: 900 });
    await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: dark ? "dark" : "light" }]);
    await page.goto(url);
    await page.waitForSelector(drawn);
    return { page, wrong };
  };
  /** A test with a folder of its own; ignored where there is no browser. */
  const test = (name: string, body: (folder: string) => Promise<void>) =>
    Deno.test({
      name: executablePath ? name : `${name} (there is no Chromium)`,
      ignore: executablePath === undefined,
      // The browser serves all tests.
      sanitizeOps: false,
      sanitizeResources: false,
      fn: () => withFolder(body),
    });
  Deno.test.afterAll(async () => await browser?.close());
  return { openPage, test };
}
