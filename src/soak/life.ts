import { join } from "node:path";
import { checkpointPath, type Found, inspectRun, readLines } from "./inspect.ts";
import type { Scope } from "./ledger.ts";
import { runPaths, trainCommand } from "./model.ts";
import { namesIn, pause, untilTouched, untilTrue } from "./moments.ts";
import type { LifePlan } from "./plan.ts";
import { type Command, type Running, withLargestFile, withSmallDisk } from "./process.ts";
import { inodeOf, untilBegun } from "./reference.ts";
import type { Lane } from "./types.ts";
import { checkBegun, checkDone, checkEnd, type Lived, type Round } from "./verdict.ts";

/** Checkpoints that stay. */
const KEEP = 3;

/** A command that would do the same again, on the same folder. */
const again = (lane: Lane, { reference: { feed }, out, steps }: Round, resume: boolean) =>
  trainCommand(lane.soak, { feed, out, steps, keep: KEEP, resume });

/** Bytes that a folder takes on the disk. */
function bytesIn(folder: string): number {
  return namesIn(folder).reduce((sum, name) => {
    const path = join(folder, name), info = Deno.lstatSync(path);
    return sum + (info.isDirectory ? bytesIn(path) : Math.ceil(info.size / 4096) * 4096) + 4096;
  }, 0);
}

function onLittleDisk(command: Command, plan: LifePlan, { out, reference }: Round): Command {
  const room = (0.1 + 0.8 * plan.share) * reference.checkpointBytes;
  if (plan.death === "small files") return withLargestFile(command, room);
  return plan.death === "full disk" ? withSmallDisk(command, out, bytesIn(out) + room) : command;
}

/** Waits until the moment of a plan has come, or the process has ended. */
async function untilMoment(
  lane: Lane,
  { out }: Round,
  plan: LifePlan,
  running: Running,
  begun: Promise<boolean>,
) {
  const { checkpoints } = runPaths(out), most = 20_000;
  if (plan.from === "step") await begun;
  await pause(plan.delay, running);
  switch (plan.moment) {
    case "any":
    case "starting":
    case "compiling":
      break;
    case "first files":
      await untilTrue(() => inodeOf(out) !== null, running, 120_000);
      break;
    case "writing":
      await untilTouched(checkpoints, () => true, running, most);
      break;
    case "renamed":
      await untilTouched(checkpoints, (name) => name.startsWith("step-"), running, most);
      break;
    case "appending":
      await untilTouched(out, (name) => name === "metrics.jsonl", running, most);
      break;
    case "downloading":
      await Promise.race([lane.soak.server.sending(), running.ended, pause(most, running)]);
      break;
    default:
      plan.moment satisfies never;
  }
  if (plan.late > 0) await pause(plan.late, running);
}

/** A second command on a folder that is in use must be refused, say by whom, and change nothing. */
async function trySecond(lane: Lane, round: Round, running: Running, scope: Scope): Promise<void> {
  const second = lane.nursery.start(await again(lane, round, true));
  const { code, text } = await second.ended;
  if (running.over) return; // Then nobody had the folder any more.
  scope.check(
    "owner",
    code !== 0 && text.includes(String(running.pid)),
    () =>
      `a second --resume on the folder of process ${running.pid} ended with exit code ${code}: ${text.trim()}`,
  );
}

/** Lives until the plan's moment, and dies. */
async function live(lane: Lane, round: Round, plan: LifePlan, scope: Scope): Promise<Lived> {
  const resume = inodeOf(runPaths(round.out).config) !== null, inode = inodeOf(runPaths(round.out).metrics);
  const since = Date.now();
  const running = lane.nursery.start(onLittleDisk(await again(lane, round, resume), plan, round));
  const most = Math.max(120_000, 10 * round.reference.startup);
  const begun = untilBegun(running, round.out, inode, round.checkpoint, most).then((begun) => {
    if (begun) checkBegun(round, since, scope);
    else if (running.age() > most) {
      scope.check("resume", false, () => `no step within ${Math.round(most / 1000)} s: ${running.text()}`);
      running.kill("SIGKILL");
    }
    return begun;
  });
  let sent: Deno.Signal | null = null;
  if (plan.death === "SIGKILL" || plan.death === "SIGTERM" || plan.death === "SIGINT") {
    const moment = untilMoment(lane, round, plan, running, begun);
    // Not at the moment itself, which the second command would let pass.
    if (plan.second && await begun) await trySecond(lane, round, running, scope);
    await moment;
    if (!running.over) sent = plan.death;
    running.kill(plan.death);
    if (plan.twice && plan.death !== "SIGKILL") {
      await pause(plan.share * 50, running);
      running.kill(plan.death);
    }
  }
  const ended = await running.ended;
  return { ended, sent, begun: await begun };
}

/** Leaves what a power cut could have left: a torn line, half a checkpoint. */
async function leaveTraces(round: Round, plan: LifePlan, found: Found): Promise<string[]> {
  const { metrics } = runPaths(round.out), made: string[] = [];
  if (plan.tear && !found.torn && found.lines > found.checkpoint) {
    const { lines } = await readLines(metrics), { size } = await Deno.stat(metrics);
    const last = lines.at(-1)!.length + 1;
    await Deno.truncate(metrics, size - 1 - Math.floor(plan.share * (last - 1)));
    made.push("a torn line");
  }
  if (plan.plant && found.checkpoint > 0) {
    const whole = await Deno.readFile(checkpointPath(round.out, found.checkpoint));
    const path = join(runPaths(round.out).checkpoints, ".partial-step-99999999.safetensors");
    await Deno.writeFile(path, whole.subarray(0, Math.floor(plan.share * whole.length)));
    round.leftovers.push(path);
    made.push("half a checkpoint");
  }
  return made;
}

/**
 * One life of a training: starts it, lets it die as planned, and looks at what it left.
 *
 * @returns Whether every promise held, and whether the plan was carried out: the run may have ended before.
 */
export async function oneLife(
  lane: Lane,
  round: Round,
  plan: LifePlan,
): Promise<{ sound: boolean; asPlanned: boolean }> {
  const { soak, counts } = lane,
    where = `training, round ${round.number} (${round.reference.feed}), life ${++round.lives}`;
  if (plan.moment === "compiling") {
    await Deno.remove(join(lane.cache, "programs"), { recursive: true }).catch(() => {});
  }
  if (plan.death === "full disk" && inodeOf(round.out) === null) plan = { ...plan, death: "small files" };
  const facts: Record<string, unknown> = { seed: soak.seed, round, plan: { ...plan } };
  const scope = soak.ledger.enter(where, [round.out], facts);
  const { out, reference, checkpoint } = round, lived = await live(lane, round, plan, scope);
  if (soak.signal.aborted) return { sound: false, asPlanned: false };
  Object.assign(facts, lived);
  const found = await inspectRun(out, reference, checkpoint, scope);
  checkEnd(lived, plan, round, found, scope);
  const hit = plan.moment !== "writing" || found.leftovers.length > 0;
  Object.assign(round, {
    checkpoint: found.checkpoint,
    leftovers: [...found.leftovers],
    last: lived.sent === "SIGKILL" ? "SIGKILL" : "other",
  });
  if (round.done) checkDone(lane, round, found, scope);
  const traces = round.done ? [] : await leaveTraces(round, plan, found);
  const death = lived.ended.signal ?? (lived.sent ?? (round.done ? "end" : plan.death));
  const count = (group: string, name: string) =>
    (counts[group] ??= {})[name] = (counts[group][name] ?? 0) + 1;
  count("deaths", death);
  if (lived.sent) count("moments", plan.moment);
  if (lived.sent === "SIGKILL" && found.leftovers.length > 0) count("files", "half written");
  if (found.torn) count("files", "torn line");
  for (const trace of traces) count("files", `made: ${trace}`);
  if (plan.second && lived.begun) count("files", "second owner tried");
  soak.say(
    `${where}: ${death}${lived.sent ? ` (${plan.moment}${hit ? "" : ", missed"})` : ""}, ` +
      `${found.lines} of ${round.steps} steps, checkpoint ${found.checkpoint}` +
      `${found.leftovers.length > 0 ? `, half written: ${found.leftovers.length}` : ""}` +
      `${traces.length > 0 ? `; left ${traces.join(" and ")}` : ""}`,
  );
  await scope.settle();
  return { sound: scope.sound, asPlanned: !round.done && (!plan.second || lived.begun) };
}
