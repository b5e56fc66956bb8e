import assert from "node:assert/strict";
import { join } from "node:path";
import { InterruptedError } from "../../src/cli/interrupt.ts";
import { serveReport } from "../../src/report/serve.ts";
import type { Report } from "../../src/report/types.ts";
import { reportTask } from "../../tasks/report.ts";
import { capture } from "../cli/capture.ts";
import { bareRequest } from "../web/bare_request.ts";
import { withFolder } from "../with_folder.ts";
import { runFolder, stepLine } from "./run_folder.ts";

Deno.test("serve: the page, its news and its pictures, and nothing else of the folder", () =>
  withFolder(async (folder) => {
    const stop = new AbortController();
    const set = {
      version: 1,
      step: 1,
      map: [[0, 1]],
      explained: [1, 0],
      neighbours: [],
      mass: 0.6,
      heads: 3,
    };
    const run = await runFolder(join(folder, "run"), {
      metrics: stepLine(1),
      files: {
        "figures/step-00000001.json": JSON.stringify(set),
        "figures/step-00000001-attention.jpg": Uint8Array.of(7, 8),
        "detections.png": Uint8Array.of(9),
        "secret.txt": "secret",
        "checkpoints/step-00000001.safetensors": "secret",
      },
    });
    await Deno.symlink(join(run, "secret.txt"), join(run, "figures", "step-00000002-attention.jpg"));
    await Deno.writeTextFile(join(folder, "outside"), "secret");
    await Deno.symlink(join(folder, "outside"), join(run, "reconstruction.png"));
    const { url, finished } = await serveReport([run], { port: 0, signal: stop.signal });
    assert.match(url, /^http:\/\/127\.0\.0\.1:\d+\/$/);
    const page = await (await fetch(url)).text();
    assert.match(page, /connect-src 'self'/);
    assert.match(page, /img-src data: 'self'/);
    const first = await fetch(`${url}report.json`), tag = first.headers.get("etag")!;
    const report = await first.json() as Report;
    assert.deepEqual([report.refresh, report.runs[0].metrics.training.steps], [5, [1]]);
    const address = report.runs[0].figures[0].attention;
    assert.match(address, /^runs\/0\/figures\/step-00000001-attention\.jpg\?\d+$/);
    const picture = await fetch(new URL(address, url));
    assert.deepEqual([...new Uint8Array(await picture.arrayBuffer())], [7, 8]);
    assert.equal(picture.headers.get("x-content-type-options"), "nosniff");
    const detections = await fetch(new URL(report.runs[0].detections, url));
    assert.equal(detections.headers.get("content-type"), "image/png");
    assert.deepEqual([...new Uint8Array(await detections.arrayBuffer())], [9]);

    const same = await fetch(`${url}report.json`, { headers: { "if-none-match": tag } });
    assert.equal(same.status, 304);
    await same.body?.cancel();
    for (
      const path of [
        ...[
          "config.json",
          "secret.txt",
          "runs/0/secret.txt",
          "runs/0/config.json",
          "runs/1/reconstruction.png",
        ],
        ...[
          "runs/0/figures/../secret.txt",
          "runs/0/figures/%2e%2e/secret.txt",
          "runs/0/figures/step-00000001.json",
        ],
        ...[
          "runs/0/checkpoints/step-00000001.safetensors",
          "runs/0/reconstruction.png",
          "runs/-1/reconstruction.png",
        ],
      ]
    ) {
      const answer = await fetch(url + path);
      assert.equal(answer.status, 404, path);
      assert.ok(!(await answer.text()).includes("secret"));
    }
    const evil = await bareRequest(url, ["GET /report.json HTTP/1.1", "Host: evil.example"]);
    assert.match(evil, /^HTTP\/1\.1 421 .*does not answer to the name "evil\.example"/s);
    assert.ok(!evil.includes("refresh"));
    const posted = await fetch(url, { method: "POST" });
    assert.equal(posted.status, 405);
    await posted.body?.cancel();

    // Two on one port.
    const taken = ["--serve", "--port", new URL(url).port];
    const refused = await capture(reportTask, [run, ...taken]);
    assert.equal(refused.code, 1);
    assert.match(
      refused.err,
      /^error: port \d+ of 127\.0\.0\.1 is in use, perhaps by another report; .*--port 0/,
    );
    stop.abort();
    await finished;
  }));

Deno.test("serve: what is written later comes with the next look, and the command ends when it is stopped", () =>
  withFolder(async (folder) => {
    const run = await runFolder(join(folder, "run")), stop = new AbortController();
    const { url, finished } = await serveReport([run], { port: 0, signal: stop.signal });
    const steps = async () =>
      (await (await fetch(`${url}report.json`)).json() as Report).runs[0].metrics.training.steps;
    assert.deepEqual(await steps(), []);
    // A line that is still being written does not count.
    await Deno.writeTextFile(join(run, "metrics.jsonl"), stepLine(1) + stepLine(2) + '{"step": 3, "lo');
    const from = Date.now();
    let seen = await steps();
    while (seen.length === 0 && Date.now() - from < 30_000) {
      await new Promise((resolve) => setTimeout(resolve, 50));
      seen = await steps();
    }
    assert.deepEqual(seen, [1, 2]);
    stop.abort();
    await finished;
    const interrupt = new AbortController();
    const serving = capture(reportTask, [run, "--serve", "--port=0"], { interrupt: interrupt.signal });
    interrupt.abort(new InterruptedError("stopped"));
    const { code, out } = await serving;
    assert.deepEqual([code, /^http:\S+\n$/.test(out)], [130, true]);
  }));

Deno.test("serve: options that do not go together are refused", async () => {
  for (
    const args of ["--port=1", "--host=::1", "--host-name=a"].map((one) => ["x", one]).concat([[
      "x",
      "--serve",
      "--out=a",
    ]])
  ) {
    assert.equal((await capture(reportTask, args)).code, 2, args.join(" "));
  }
});
