import { join } from "node:path";
import { type RandomStream, randomStream } from "../random.ts";
import { leftoversIn } from "./inspect.ts";
import type { Scope } from "./ledger.ts";
import { namesIn, pause, untilTrue } from "./moments.ts";
import { weighted } from "./plan.ts";
import { type Command, type Running, withLargestFile } from "./process.ts";
import { inspectMade, type Trial, trialsOf } from "./trials.ts";
import type { Lane } from "./types.ts";

type Death = "SIGKILL" | "SIGTERM" | "SIGINT" | "small files" | "two at once";
type Moment = "any" | "begun" | "renamed" | "downloading";

/** An undisturbed command, as it went. */
interface Usual {
  /** Milliseconds that it took. */
  time: number;
  digests: Map<string, string>;
}

/** Drawn for one death; always as many numbers. */
function drawDeath(random: RandomStream, trial: Trial, { time }: Usual) {
  const death = weighted<Death>(random, {
    SIGKILL: 70,
    SIGTERM: 8,
    SIGINT: 8,
    "small files": 7,
    "two at once": 7,
  });
  const moment = weighted<Moment>(random, {
    any: 50,
    begun: 25,
    renamed: 15,
    downloading: trial.downloads ? 30 : 0,
  });
  const [delay, share] = [random.uniform(), random.uniform()];
  return { death, moment, delay: moment === "begun" ? delay * time / 2 : delay * time, share };
}

type Plan = ReturnType<typeof drawDeath>;

async function untilMoment(
  lane: Lane,
  trial: Trial,
  folder: string,
  plan: Plan,
  running: Running,
): Promise<void> {
  const most = 30_000, watched = trial.watched(folder), had = namesIn(watched).length;
  const made = Object.values(trial.made(folder)), missing = () => made.filter((path) => !exists(path)).length;
  const before = missing();
  switch (plan.moment) {
    case "any":
      return await pause(plan.delay, running);
    case "begun":
      await untilTrue(() => namesIn(watched).length > had, running, most, 1);
      return await pause(plan.delay, running);
    case "renamed":
      return void await untilTrue(() => missing() < before, running, most);
    case "downloading":
      return await Promise.race([
        lane.soak.server.sending(),
        running.ended.then(() => {}),
        pause(most, running),
      ]);
    default:
      plan.moment satisfies never;
  }
}

function exists(path: string): boolean {
  try {
    return Boolean(Deno.lstatSync(path));
  } catch {
    return false;
  }
}

/** A place in the program, which nobody should see who did nothing wrong. */
const TRACE = /^\s+at .*:\d+/m;
const told = (text: string) => /error: /.test(text) && !TRACE.test(text);

/** Two of the same command at once: what they make is right, and at least one says that it made it. */
async function together(
  lane: Lane,
  command: Command,
  plan: Plan,
  scope: Scope,
): Promise<boolean> {
  const first = lane.nursery.start(command);
  await pause(plan.share * 300, first);
  const both = await Promise.all([first, lane.nursery.start(command)].map(({ ended }) => ended));
  if (lane.soak.signal.aborted) return false;
  const done = both.filter(({ code }) => code === 0).length;
  const right = done > 0 && both.every(({ code, text }) => code === 0 || told(text));
  scope.check(
    "owner",
    right,
    () =>
      `two at once ended with exit codes ${
        both.map(({ code, text }) => `${code}: ${text.trim()}`).join(" and ")
      }`,
  );
  return done > 0;
}

/** Starts the command and lets it die as planned. Gives true when it came to its end. */
async function dieOnce(lane: Lane, trial: Trial, folder: string, plan: Plan, scope: Scope): Promise<boolean> {
  const command = await trial.command(folder);
  if (plan.death === "two at once") return await together(lane, command, plan, scope);
  const small = plan.death === "small files";
  const running = lane.nursery.start(small ? withLargestFile(command, 4096 + plan.share * 120_000) : command);
  let sent: Deno.Signal | null = null;
  if (plan.death !== "small files") {
    await untilMoment(lane, trial, folder, plan, running);
    if (!running.over) running.kill(sent = plan.death);
  }
  const { code, signal, text } = await running.ended;
  if (lane.soak.signal.aborted) return false;
  if (code === 0) return true;
  if (small) {
    scope.check("disk", signal === null && told(text), () => `exit code ${code} (${signal}): ${text.trim()}`);
  } else if (sent === null) {
    scope.check(trial.promise, false, () => `exit code ${code} (${signal}): ${text.trim()}`);
  } else if (signal !== sent && trial.listens) {
    const right = code === (sent === "SIGTERM" ? 143 : 130) && text.includes(sent) && !TRACE.test(text);
    scope.check("stop", right, () => `after ${sent}: exit code ${code} (${signal}): ${text.trim()}`);
  }
  // Whoever is told to stop, or finds the disk full, takes away what he has begun.
  if (small || (signal === null && sent !== null)) checkClean(lane, trial, folder, scope, false);
  return false;
}

/** Nothing but what was made lies there. */
function checkClean(lane: Lane, trial: Trial, folder: string, scope: Scope, done: boolean): void {
  const left = leftoversIn([folder], [lane.temporary]);
  // Wheels that came whole are kept on purpose, for the next try.
  const unwanted = done ? left : left.filter((path) => !/\/\.wheels-/.test(path));
  scope.check("clean", unwanted.length === 0, () => `left over: ${unwanted.join(", ")}`);
  if (!done) return;
  const made = Object.values(trial.made(folder)), watched = trial.watched(folder);
  const strange = namesIn(watched).filter((name) =>
    !made.some((path) => `${path}/`.startsWith(join(watched, name) + "/"))
  );
  scope.check("clean", strange.length === 0, () => `in ${watched} lies also: ${strange.join(", ")}`);
}

/** Runs a command undisturbed, to its end. */
async function finish(
  lane: Lane,
  trial: Trial,
  folder: string,
  digests: Map<string, string>,
  scope: Scope,
): Promise<boolean> {
  const running = lane.nursery.start(await trial.command(folder));
  const { code, signal, text } = await running.ended;
  if (lane.soak.signal.aborted) return false;
  const refused = /exists already/.test(text) && trial.promise === "pack";
  if (
    !scope.check(trial.promise, code === 0 || refused, () => `exit code ${code} (${signal}): ${text.trim()}`)
  ) return false;
  const there = await inspectMade(trial, folder, digests, scope);
  const wanted = Object.keys(trial.made(folder));
  scope.check(trial.promise, there.length === wanted.length, () => `made only: ${there.join(", ")}`);
  checkClean(lane, trial, folder, scope, true);
  return scope.sound;
}

/**
 * Runs the other commands, kills them and starts them again until the time is up, each at first undisturbed.
 */
export async function disturbOthers(lane: Lane): Promise<void> {
  const { soak, counts } = lane, trials = trialsOf(lane), usual = new Map<Trial, Usual>();
  const count = (group: string, name: string) =>
    (counts[group] ??= {})[name] = (counts[group][name] ?? 0) + 1;
  for (let number = 0; soak.left() > 0 && !soak.signal.aborted; number++) {
    const trial = trials[number % trials.length], folder = join(lane.folder, "trial");
    const random = randomStream(soak.seed, "soak", 4, number), known = usual.get(trial);
    const digests = known?.digests ?? new Map<string, string>(), deaths: Plan[] = [];
    const where = `${trial.name}, trial ${number}`;
    const scope = soak.ledger.enter(where, [folder, lane.temporary], {
      seed: soak.seed,
      trial: trial.name,
      deaths,
    });
    await Deno.mkdir(folder);
    const since = performance.now();
    let done = false;
    for (
      let left = known ? random.integer(1, 4) : 0;
      left > 0 && !done && scope.sound && !soak.signal.aborted;
      left--
    ) {
      const plan = drawDeath(random, trial, known!);
      deaths.push(plan);
      done = await dieOnce(lane, trial, folder, plan, scope);
      const there = await inspectMade(trial, folder, digests, scope);
      // The signal came when all was made.
      done ||= there.length === Object.keys(trial.made(folder)).length;
      count("deaths", plan.death);
      count("moments", plan.moment);
    }
    if (scope.sound) await finish(lane, trial, folder, digests, scope);
    if (soak.signal.aborted) break;
    if (!known && scope.sound) usual.set(trial, { time: performance.now() - since, digests });
    count("made", trial.name);
    soak.say(
      `${where}: ${deaths.map(({ death, moment }) => `${death} (${moment})`).join(", ") || "undisturbed"}`,
    );
    await scope.settle();
    await Deno.remove(folder, { recursive: true });
    for (const name of namesIn(lane.temporary)) {
      await Deno.remove(join(lane.temporary, name), { recursive: true });
    }
    // Trainings need the processor too.
    await pause(Math.min(performance.now() - since, Math.max(0, soak.left())));
  }
}
