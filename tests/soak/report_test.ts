import assert from "node:assert/strict";
import { join } from "node:path";
import { openLedger, PROMISES } from "../../src/soak/ledger.ts";
import { reportText, type SoakReport, tableRow } from "../../src/soak/report.ts";
import { ROOT } from "../user.ts";

/** A report of an hour in which one promise may have been broken. */
async function report(broken: boolean): Promise<SoakReport> {
  const folder = await Deno.makeTempDir();
  const ledger = openLedger(folder, () => {}), scope = ledger.enter("the whole", [], {});
  scope.check("losses", true, () => "");
  scope.check("weights", !broken, () => "of step 7 | differ");
  await ledger.settle();
  await Deno.remove(folder, { recursive: true });
  const bare = {
    version: 1 as const,
    seed: 5,
    minutes: 60,
    took: 60.2,
    engine: "xla",
    deno: "2.9.6",
    system: "linux x86_64",
    cores: 2,
    time: "2026-01-02T03:04:05.000Z",
    complete: true,
    training: {
      rounds: 9,
      undisturbed: { files: { steps: 9000, stepTime: 30, startup: 2500 } },
      deaths: { SIGKILL: 101, SIGTERM: 6, SIGINT: 5, "full disk": 3, "small files": 4, end: 9 },
      moments: { writing: 20, any: 92 },
      files: { "half written": 25 },
    },
    others: { made: { install: 30 }, deaths: { SIGKILL: 300, SIGINT: 7, "two at once": 4 }, moments: {} },
    http: { answers: 999, broken: 40 },
    fullDisks: "small file systems",
    memory: {
      seconds: 270,
      samples: 270,
      residentMB: 450,
      slopeMBPerHour: 1.26,
      slopeError: 3,
      grownMB: 0.1,
      files: 25,
      filesGrown: 0,
    },
    promises: ledger.tally,
    broken: [...ledger.broken],
    evidence: broken ? "/tmp/soak/evidence" : "",
  };
  return { ...bare, row: tableRow(bare) };
}

Deno.test("the report's row fits the table of docs/reliability.md, which explains every promise", async () => {
  const docs = await Deno.readTextFile(join(ROOT, "docs", "reliability.md"));
  const header = docs.split("\n").find((line) => line.startsWith("| when |"))!;
  const { row } = await report(false), cells = row.split(" | ");
  assert.equal(cells.length, header.split(" | ").length);
  assert.equal(
    row,
    "| 2026-01-02 | xla, linux x86_64, 2 cores | 60 min, seed 5 | 101 of trainings (25 in a write), 300 of others | " +
      "18 stops, 7 full disks, 40 broken answers | 9 | 1.3 ± 3.0 | 2 checks, all held |",
  );
  assert.match((await report(true)).row, /1 of 2 checks broken \|$/);
  const named = [...docs.matchAll(/^\| ([a-z, ]+) \| .* \| soak/gm)].flatMap(([, names]) =>
    names.split(", ")
  );
  assert.deepEqual(named.filter((name) => name !== "downloads").sort(), Object.keys(PROMISES).sort());
});

Deno.test("the report tells what was checked, what was not, and where the evidence lies", async () => {
  const sound = reportText(await report(false)), broken = reportText(await report(true));
  for (const text of Object.values(PROMISES)) assert.ok(sound.includes(text), text);
  assert.match(sound, /^ +1 +0 {2}all losses/m);
  assert.match(sound, /^ +0 +0 {2}a run resumes.*not checked in this run/m);
  assert.match(sound, /450 MB, \+1\.3 ± 3\.0 MB\/h over the last 270 s; 25 open files, none more/);
  assert.doesNotMatch(sound, /evidence|needed to look closer/);
  assert.match(broken, /1 broken; .* \/tmp\/soak\/evidence\n {2}the whole: of step 7 \| differ/);
});
