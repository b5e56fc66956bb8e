import assert from "node:assert/strict";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { InterruptedError } from "../../src/cli/interrupt.ts";
import { openWasm } from "../../src/engine/wasm.ts";
import { openSearch } from "../../src/eval/search/open.ts";
import { serveSearch } from "../../src/search/serve.ts";
import { searchedSet } from "../../src/search/set.ts";
import { searchTask } from "../../tasks/search.ts";
import { capture } from "../cli/capture.ts";
import { makeRun } from "../eval/search/made_up.ts";
import { colourFolder, withFolder } from "../eval/toy.ts";
import { tarFile } from "../data/tar_writer.ts";

Deno.test("search page: a set and its model answer, and filters and queries are theirs", () =>
  withFolder(async (folder) => {
    const model = await makeRun(join(folder, "run")), data = await colourFolder(join(folder, "data"), 4);
    await Deno.writeTextFile(join(data, "green", "0.png"), "no picture");
    const features = join(folder, "features.lmdb"), stop = new AbortController(), said: string[] = [];
    await using opened = await openSearch({
      path: model,
      features,
      data,
      openEngine: openWasm,
      line: (text) => void said.push(text),
    });
    const set = await searchedSet(opened, { line: (text) => void said.push(text) });
    assert.equal(set.name, data);
    const { url, finished } = serveSearch(set, { port: 0, signal: stop.signal });
    const keys = async (query: string, body?: Uint8Array): Promise<string[]> => {
      const response = await fetch(
        `${url}search?${query}`,
        body ? { method: "POST", body: body.slice() } : {},
      );
      const { found, error } = await response.json();
      assert.equal(response.status, 200, error);
      return found.map(({ key }: { key: string }) => key);
    };
    const red = set.keys.indexOf("red/1.png"), sent = await Deno.readFile(join(data, "red", "1.png"));
    const mine = await keys("k=500", sent), others = await keys(`picture=${red}&k=500`);
    assert.deepEqual([mine.length, others.length, mine[0]], [11, 10, "red/1.png"]);
    assert.deepEqual(mine.slice(1), others, "a picture of the set is no neighbour of its own");
    assert.deepEqual((await keys(`picture=${red}&label=1`)).toSorted(), [
      "green/1.png",
      "green/2.png",
      "green/3.png",
    ]);
    assert.deepEqual((await keys("folder=blue&k=2", sent)).every((key) => key.startsWith("blue/")), true);
    assert.deepEqual(await keys(`picture=${red}&folder=red&label=0`), []);
    // Rows behind a bad record are found by their names.
    const shown = await fetch(`${url}pictures/${red}/file`);
    assert.deepEqual(new Uint8Array(await shown.arrayBuffer()), sent);
    await Deno.remove(join(data, "red", "1.png"));
    const gone = await fetch(`${url}pictures/${red}/file`);
    assert.equal(gone.status, 404);
    await gone.body?.cancel();
    stop.abort();
    await finished;
    set.close();
    assert.deepEqual(said, []);
  }));

Deno.test("search page: the command serves until it is stopped; without its model, or with a stream, it says so", () =>
  withFolder(async (folder) => {
    const model = await makeRun(join(folder, "run")), data = await colourFolder(join(folder, "data"), 2);
    const file = join(folder, "a.safetensors"),
      run = (args: string[], interrupt?: AbortSignal) =>
        capture(searchTask, [...args, "--serve", "--port=0", "--engine=wasm"], { interrupt });
    const stopped = async (args: string[]) => {
      const interrupt = new AbortController(), serving = run(args, interrupt.signal);
      interrupt.abort(new InterruptedError("stopped"));
      return await serving;
    };
    for (const more of [["cat.jpg"], ["--k=2"], ["--duplicates=0.9"], ["--json"], ["--class=red"]]) {
      const { code, err } = await run([model, "--data", data, ...more]);
      assert.deepEqual([code, /--serve takes questions in its page: leave out /.test(err)], [2, true], err);
    }
    const without = await capture(searchTask, [file, "cat.jpg", "--port=1"]);
    assert.match(without.err, /--port, --host and --host-name belong to --serve/);
    const made = await capture(searchTask, [
      ...[model, join(data, "red", "0.png"), "--data", data, "--features", file],
      ...["--no-sheet", "--engine=wasm"],
    ]);
    assert.equal(made.code, 0, made.err);
    const first = await stopped([file]);
    assert.deepEqual([first.code, /^http:\/\/127\.0\.0\.1:\d+\/\n$/.test(first.out)], [130, true], first.err);
    await Deno.remove(model, { recursive: true });
    const later = await stopped([file]);
    assert.equal(later.code, 130);
    assert.match(later.err, /only pictures of the set can be searched with: .*its model/);
    const stream = join(folder, "data.tar.gz"), picture = await Deno.readFile(join(data, "red", "0.png"));
    await Deno.writeFile(stream, gzipSync(tarFile([{ name: "0.png", content: picture }])));
    const ordered = await run([file, "--data", stream]);
    assert.equal(ordered.code, 1);
    assert.match(ordered.err, /data\.tar\.gz: can only be read from its start, .*deno task pack/);
    await Deno.rename(data, `${data}-moved`);
    const moved = await run([file]);
    assert.equal(moved.code, 1);
    assert.match(moved.err, /data/);
  }));
