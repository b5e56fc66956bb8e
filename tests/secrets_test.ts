/** Passwords and signatures in addresses: no command shows or stores them, whatever happens. */
import assert from "node:assert/strict";
import { join } from "node:path";
import type { SETTINGS } from "../src/train/config/settings.ts";
import { flagName } from "../src/cli/command.ts";
import { dataTask } from "../tasks/data.ts";
import { packTask } from "../tasks/pack.ts";
import { trainTask } from "../tasks/train.ts";
import { capture } from "./cli/capture.ts";
import { serveBytes, server } from "./data/http_servers.ts";
import { withFolder } from "./data/pictures.ts";
import { tarFile } from "./data/tar_writer.ts";
import { MINUSCULE, writePictures } from "./train/fixture.ts";

const SECRET = "s3cret";

/** All files below a folder that hold the secret. */
async function holders(folder: string): Promise<string[]> {
  const found: string[] = [];
  for await (const { name, isDirectory } of Deno.readDir(folder)) {
    const path = join(folder, name);
    if (isDirectory) found.push(...await holders(path));
    else if (new TextDecoder("latin1").decode(await Deno.readFile(path)).includes(SECRET)) found.push(path);
  }
  return found;
}

/** A tar shard of 13 pictures, of which one may be broken. */
async function shard(folder: string, broken: boolean): Promise<Uint8Array<ArrayBuffer>> {
  await writePictures(folder, 13);
  const entries = await Promise.all(Array.from({ length: 13 }, async (_, i) => {
    const content = await Deno.readFile(join(folder, `${String(i).padStart(2, "0")}.png`));
    return { name: `${i}.png`, content: broken && i === 4 ? content.slice(0, 60) : content };
  }));
  return tarFile(entries);
}

Deno.test("no command shows or stores a password or a signature, and a run goes on when they are given again", () =>
  withFolder(async (folder) => {
    const shards = [
      await shard(join(folder, "pictures"), true),
      await shard(join(folder, "pictures"), false),
    ];
    let status = 200;
    await using running = server((request) => {
      const { pathname, searchParams } = new URL(request.url);
      const right = request.headers.get("authorization") === `Basic ${btoa(`me:${SECRET}`)}` &&
        searchParams.get("X-Amz-Signature") === SECRET;
      return right && status === 200
        ? serveBytes(request, shards[pathname.endsWith("/0.tar") ? 0 : 1])
        : new Response("no", { status: right ? status : 403 });
    });
    const address = (password: string) =>
      `${running.url.replace("//", `//me:${password}@`)}/{0..1}.tar?X-Amz-Signature=${SECRET}&v=1`;
    const url = address(SECRET),
      shown = `${running.url.replace("//", "//REDACTED@")}/{0..1}.tar?X-Amz-Signature=REDACTED&v=1`;
    const said: string[] = [];
    const run = async (...[task, args]: Parameters<typeof capture>) => {
      const { code, out, err } = await capture(task, args);
      said.push(out, err);
      return { code, out, err };
    };

    const out = join(folder, "run"),
      settings = { ...MINUSCULE, engine: "wasm", epochs: 2, epochPictures: 24 };
    const flags = Object.entries(settings).map(([key, value]) =>
      `--${flagName(key as keyof typeof SETTINGS)}=${value}`
    );
    const first = await run(trainTask, ["--data", url, "--out", out, ...flags, "--steps=4"]);
    assert.equal(first.code, 0, first.err);
    assert.ok(first.err.includes(shown), first.err);
    const config = JSON.parse(await Deno.readTextFile(join(out, "config.json")));
    assert.equal(config.data, shown);
    assert.equal(Deno.readTextFileSync(join(out, "bad.jsonl")).trim().split("\n").length, 1);

    const without = await run(trainTask, ["--resume", "--out", out, "--steps=0"]);
    assert.equal(without.code, 2);
    assert.ok(
      without.err.includes(`the data is at ${shown}: passwords and signatures are not stored`),
      without.err,
    );
    const again = await run(trainTask, ["--resume", "--out", out, "--steps=0", "--data", url]);
    assert.equal(again.code, 0, again.err);
    assert.match(again.err, /going on after 4/);

    assert.equal((await run(dataTask, [url, "--no-sheet"])).code, 0);
    assert.equal((await run(packTask, [url, join(folder, "shards")])).code, 0);
    assert.ok((await Deno.readTextFile(join(folder, "shards", "report.json"))).includes("REDACTED"));

    // What goes wrong is told without them too.
    const wrong = await run(dataTask, [address("an0ther"), "--no-sheet"]);
    assert.match(wrong.err, /answers 403.*it wants a login/);
    assert.doesNotMatch(wrong.err, /an0ther/);
    status = 404;
    assert.equal((await run(dataTask, [url, "--no-sheet"])).code, 1);
    for (
      const words of [
        `${url}*0`,
        `nokind:${url}`,
        url.replace(".tar", ".zip"),
        url.replace("{", "{{"),
        `${url},./x*0.5`,
      ]
    ) {
      assert.notEqual((await run(dataTask, [words, "--no-sheet"])).code, 0, words);
    }
    await Deno.remove(join(folder, "pictures"), { recursive: true });
    assert.deepEqual(await holders(folder), []);
    for (const text of said) assert.ok(!text.includes(SECRET), text);
  }));
