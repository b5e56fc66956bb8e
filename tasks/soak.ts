/**
 * Endurance: `deno task soak --minutes N` kills, stops and starves the program's own commands for a while, and checks that
 * nothing that it promises breaks (docs/reliability.md).
 */
import { task } from "../src/cli/command.ts";
import { choice, number, onOff, text, whole } from "../src/cli/kinds.ts";
import { openOutput } from "../src/cli/output_file.ts";
import { start } from "../src/cli/run.ts";
import { pathError } from "../src/files/path_error.ts";
import { makeTemporaryFolder } from "../src/files/temporary.ts";
import { reportText } from "../src/soak/report.ts";
import { soak } from "../src/soak/soak.ts";

export const soakTask = task({
  name: "soak",
  summary:
    "Kills, stops and starves trainings, packs, installations and the demo's first start, at random and at chosen " +
    "moments, starts them again, and checks every promise of docs/reliability.md.",
  options: {
    minutes: {
      kind: number(1, 7 * 24 * 60),
      help: "how long to run once the step is compiled; 2 is a short but complete run",
      default: 60,
    },
    seed: {
      kind: whole(0, 2 ** 32 - 1),
      help: "determines all random choices, so that a failure can be repeated",
      usually: "another one each time",
    },
    engine: {
      kind: choice("auto", "xla", "wasm"),
      help: "what trains; auto: xla where it is installed, else wasm",
      default: "auto",
    },
    json: { kind: onOff, help: "print the report as JSON" },
    out: { kind: text, help: "also write the report, as JSON, to a file", value: "FILE" },
    work: {
      kind: text,
      help: "a new folder for everything that is made; it stays",
      value: "FOLDER",
      usually: "a temporary one, which stays only when a promise was broken",
    },
  },
  notes: [
    "It works on its own data in its own folder and uses no network but 127.0.0.1.",
    "The exit code is 1 where a promise was broken; the report then says where the evidence lies. Stopped early, it reports " +
    "what was found by then; the exit code is then 130 or 143.",
  ],
  examples: [
    ["soak --minutes 2", "a short check of every promise but flat memory, which needs some 27 minutes"],
    ["soak --minutes 60 --out report.json", "a hundred kills of trainings, and many of other commands"],
  ],
}, async ({ minutes, engine, json, out, ...given }, { print, progress, interruptible }) => {
  if (Deno.build.os === "windows") throw new Error("the soak needs a system with POSIX signals and sh");
  const seed = given.seed ?? crypto.getRandomValues(new Uint16Array(1))[0];
  const file = out === undefined ? undefined : await openOutput(out);
  if (given.work !== undefined) {
    await Deno.mkdir(given.work).catch((error) => {
      if (error instanceof Deno.errors.AlreadyExists) {
        throw new Error(`${given.work}: exists; --work makes a new folder`);
      }
      throw pathError(error, given.work!, "write");
    });
  }
  const work = await Deno.realPath(given.work ?? await makeTemporaryFolder("semantic-ae-soak-"));
  const stop = interruptible("ending what runs"), { signal } = stop;
  const remove = () => Deno.remove(work, { recursive: true });
  const going = soak({ minutes, seed, engine, work, signal, progress: (line) => progress.line(line) });
  // One that cannot run has nothing to look at.
  const report = await going.catch(async (error) => {
    if (given.work === undefined) await remove();
    throw error;
  });
  const text = JSON.stringify(report, null, 2), broken = report.broken.length > 0;
  await file?.write(`${text}\n`);
  if (broken) await Deno.writeTextFile(`${work}/report.json`, `${text}\n`);
  else if (given.work === undefined) await remove();
  print(json ? text : reportText(report));
  return broken ? 1 : report.complete ? 0 : stop.code() || 1;
});

if (import.meta.main) await start(soakTask);
