import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { join } from "node:path";
import { chartSpecs } from "../../src/report/page/charts.ts";
import type { Report } from "../../src/report/types.ts";
import { openReport, runsPage } from "../../src/report/write.ts";
import { reportTask } from "../../tasks/report.ts";
import { capture } from "../cli/capture.ts";
import { withFolder } from "../with_folder.ts";
import { runFolder, stepLine } from "./run_folder.ts";

/** What the page's own script is given. */
function embedded(page: string): Report {
  const [, json] = /<script id="report" type="application\/json">(.*?)<\/script>/s.exec(page)!;
  return JSON.parse(json);
}

const HOSTILE = `</script><script>alert(1)</script><!--<script>\u2028"'&<img src=x onerror=alert(1)>`;

Deno.test("a page holds what its policy allows and nothing else, whatever the texts of a run are", () =>
  withFolder(async (folder) => {
    const run = await runFolder(join(folder, "a <b>run</b> &amp;"), {
      config: { preset: "demo", data: HOSTILE, [HOSTILE]: HOSTILE },
      metrics: stepLine(1, { [HOSTILE]: 1 }) +
        JSON.stringify({ step: 1, evaluator: HOSTILE, [HOSTILE]: 0.5 }) + "\n",
      bad: JSON.stringify({ source: HOSTILE, key: HOSTILE, reason: HOSTILE }) + "\n",
      files: { "machine.json": JSON.stringify({ starts: [{ engine: HOSTILE, device: [HOSTILE] }] }) },
    });
    const page = await runsPage([run]);
    const report = embedded(page);
    assert.deepEqual(report.runs[0].data.shown, [{ source: HOSTILE, key: HOSTILE, reason: HOSTILE }]);
    assert.equal(report.runs[0].settings.data, HOSTILE);
    // Three script elements: the numbers, the library and our own; nothing of the texts outside the first.
    const scripts = [...page.matchAll(/<script([^>]*)>(.*?)<\/script>/gs)];
    assert.deepEqual(
      scripts.map(([, attributes]) => attributes),
      ['id="report" type="application/json"', "", ""].map((a) => a && ` ${a}`),
    );
    assert.equal(page.match(/<script/g)!.length, 3 + page.split("</script>").length - 4);
    assert.ok(!scripts[0][2].includes("<") && !page.includes("<b>run</b>"));
    const [, policy] = /http-equiv="Content-Security-Policy" content="([^"]*)"/.exec(page)!;
    const hash = (text: string) => `'sha256-${createHash("sha256").update(text).digest("base64")}'`;
    const style = /<style>(.*?)<\/style>/s.exec(page)![1];
    assert.deepEqual(policy.split("; "), [
      "default-src 'none'",
      `script-src ${hash(scripts[1][2])} ${hash(scripts[2][2])}`,
      `style-src ${hash(style)}`,
      "img-src data:",
      "connect-src 'none'",
      "base-uri 'none'",
      "form-action 'none'",
    ]);
    assert.ok(
      !/(src|href)="(?!data:)/.test(page.replaceAll(/<script.*?<\/script>/gs, "")),
      "it needs nothing else",
    );
  }));

Deno.test("charts: one run in few, several over each other", () =>
  withFolder(async (folder) => {
    const metrics = stepLine(1, { patch: 3 }) + stepLine(2) +
      '{"step":2,"epoch":0,"evaluator":"knn","seconds":1,"top1":0.5}\n';
    const a = await runFolder(join(folder, "a", "same"), { metrics });
    const b = await runFolder(join(folder, "b", "same"), {
      metrics: stepLine(5),
      config: { preset: "tiny", seed: 4 },
    });
    const titles = (report: Report) =>
      chartSpecs(report).map(({ title, lines }) => [title, lines.map(({ label }) => label).join(",")]);
    assert.deepEqual(titles(await (await openReport([a])).read()), [
      ["Loss", "loss"],
      ["Terms of the loss, before their weights", "class,patch"],
      ["Evaluator knn", "top1"],
      ["Learning rate", "lr"],
      ["Gradient norm, before clipping", "gradNorm"],
      ["Images per second", "imagesPerSecond"],
      ["Share of the time spent waiting for data", "waiting"],
    ]);
    const both = await (await openReport([a, b])).read();
    assert.deepEqual(both.runs.map(({ name }) => name), ["same", "same (2)"]);
    assert.deepEqual(titles(both).slice(0, 4), [
      ["Loss", "same,same (2)"],
      ["Term class", "same,same (2)"],
      ["Term patch", "same"],
      ["knn: top1", "same"],
    ]);
    // Whatever other runs have no such value: a run has its colour.
    const third = await runFolder(join(folder, "c"), {
      metrics: stepLine(1, { class: undefined, accuracy: 0.5, positives: 7 }),
    });
    const colours = chartSpecs(await (await openReport([a, b, third])).read()).map((
      { title, share, lines },
    ) => `${title}, ${share}: ${lines.map(({ colour }) => colour).join()}`);
    assert.deepEqual(colours.slice(0, 6), [
      "Loss, false: 0,1,2",
      "Term class, false: 0,1",
      "Term patch, false: 0",
      "knn: top1, false: 0",
      "Share of training pictures whose class is found, true: 2",
      "Locations of a picture that have an object, false: 2",
    ]);
    const alone = chartSpecs(await (await openReport([a])).read())[1];
    assert.deepEqual(alone.lines.map(({ colour }) => colour), [0, 1]);
  }));

Deno.test("report: a run that has no step, one or broken files gives a page; what is no run is told", () =>
  withFolder(async (folder) => {
    const none = await runFolder(join(folder, "none"));
    const made = await capture(reportTask, [none]);
    assert.deepEqual([made.code, made.out], [0, `${join(none, "report.html")}\n`]);
    assert.deepEqual(embedded(await Deno.readTextFile(join(none, "report.html"))).runs[0].notes, [
      "no step is recorded yet",
    ]);
    const broken = await runFolder(join(folder, "broken"), {
      metrics: "{\n" + stepLine(1) + '{"step": 2, "lo',
      bad: "oops\n",
      files: { "config.json": "{", "data.json": '{"read": 1}', "machine.json": "[" },
    });
    const page = join(folder, "page.html");
    assert.equal((await capture(reportTask, [broken, none, "--out", page])).code, 0);
    const { runs: [{ notes, data, metrics }] } = embedded(await Deno.readTextFile(page));
    assert.deepEqual(metrics.training.steps, [1]);
    assert.match(data.shown[0].reason, /this line of bad.jsonl cannot be read: oops/);
    assert.match(
      notes.join("\n"),
      /config.json cannot be read.*\ndata.json is none.*\nmetrics.jsonl: 1 line /,
    );
    const other = join(folder, "other");
    await Deno.mkdir(other);
    for (
      const [path, why] of [[other, "is no run folder"], [page, "is a file"], [join(folder, "no"), "no such"]]
    ) {
      const refused = await capture(reportTask, [path]);
      assert.equal(refused.code, 1);
      assert.match(refused.err, new RegExp(`^error: .*${why}`));
    }
    assert.equal((await capture(reportTask, [])).code, 2);
  }));

Deno.test("figures: whole sets are shown, with their pictures; broken ones are left out", () =>
  withFolder(async (folder) => {
    const set = {
      version: 1,
      step: 5,
      map: [[0, 1]],
      explained: [1, 0],
      neighbours: [],
      mass: 0.6,
      heads: 3,
    };
    const gallery = { side: 56, columns: 16, pictures: [{ key: HOSTILE, label: 0 }], labels: [HOSTILE] };
    const figures = (step: number, json: unknown, picture?: Uint8Array) => ({
      [`figures/step-0000000${step}.json`]: typeof json === "string" ? json : JSON.stringify(json),
      [`figures/step-0000000${step}-reconstruction.jpg`]: picture ?? Uint8Array.of(1, 2, 3),
    });
    const run = await runFolder(join(folder, "run"), {
      files: {
        ...figures(1, set),
        ...figures(2, "{"),
        ...figures(3, { ...set, map: [["<b>", 1]] }),
        ...figures(4, { ...set, neighbours: [{ query: 0, nearest: [[1, null]] }] }),
        ...figures(5, set),
        "figures/gallery.json": JSON.stringify(gallery),
        "figures/gallery.jpg": Uint8Array.of(4),
        "reconstruction.png": Uint8Array.of(5),
      },
    });
    const [read] = embedded(await runsPage([run])).runs;
    assert.deepEqual(
      read.figures.map(({ step, reconstruction, attention }) => [step, reconstruction, attention]),
      [
        [1, "data:image/jpeg;base64,AQID", ""],
        [5, "data:image/jpeg;base64,AQID", ""],
      ],
    );
    assert.deepEqual([read.gallery?.keys, read.gallery?.labels, read.picture], [[HOSTILE], [HOSTILE], ""]);
    // More than fits into a page: fewer sets, with the last one.
    for (let step = 1; step <= 9; step++) {
      for (const [name, content] of Object.entries(figures(step, set, new Uint8Array(10 ** 6)))) {
        await (typeof content === "string"
          ? Deno.writeTextFile(join(run, name), content)
          : Deno.writeFile(join(run, name), content));
      }
    }
    const page = await runsPage([run, run]), [many] = embedded(page).runs;
    assert.deepEqual(many.figures.map(({ step }) => step), [9]);
    assert.ok(page.length < 5e6);
  }));

Deno.test("secrets of addresses are not shown", () =>
  withFolder(async (folder) => {
    const uri = "https://me:secret@host/a.tar?sig=secret";
    const run = await runFolder(join(folder, "run"), {
      config: { preset: "demo", data: uri },
      bad: JSON.stringify({ source: uri, key: "a", reason: `${uri}: gone` }) + "\n",
    });
    const page = await runsPage([run]);
    assert.ok(!page.includes("secret") && page.includes("REDACTED"));
  }));
