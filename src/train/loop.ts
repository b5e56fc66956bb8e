import { join } from "node:path";
import { setImmediate, setTimeout as delay } from "node:timers/promises";
import { openBadLog, silentBadLog } from "../data/epoch/bad_log.ts";
import { type Data, dataLength, dataUri } from "../data/open/data.ts";
import type { Engine } from "../engine/types.ts";
import type { Hosts } from "../engine/xla/hosts/join.ts";
import type { StoredTensor } from "../files/safetensors.ts";
import type { WriteFile } from "../files/atomic.ts";
import { trainBatches } from "./batches.ts";
import { type CheckpointInfo, latestCheckpoint, saveCheckpoint } from "./run/checkpoint.ts";
import { ConfigError } from "./config/config.ts";
import { describeCompile, describeRun } from "./show/describe.ts";
import { batchTensors, scalarTensors } from "./step_inputs.ts";
import { nonFinite, refusal } from "./finite.ts";
import { type Flight, openFlights } from "./steps_in_flight.ts";
import { untilAborted } from "./interrupt.ts";
import { metricsLine, openMetrics, silentMetrics, type StepValues } from "./run/metrics_file.ts";
import { blankBatch, compileWithin, MemoryError } from "./memory.ts";
import { type Progress, silent } from "./show/progress.ts";
import { openMeter } from "./show/meter.ts";
import { nodeBatchTensors, nodeStep, placeOf, sameCheckpoint, untilFailed } from "./nodes.ts";
import { abandonFolder, prepareFolder } from "./run/folder.ts";
import { planSteps } from "./run/plan.ts";
import { stepScalars } from "./schedule.ts";
import type { RunConfig } from "./config/settings.ts";
import {
  countParameters,
  disposeTree,
  initialState,
  readState,
  type TrainState,
  writeState,
} from "./state.ts";
import { trainStep } from "./step.ts";

/** What {@linkcode train} runs on. */
export interface TrainOptions {
  engine: Engine;
  /** The pictures: what {@linkcode openData} or {@linkcode openSource} gives. Not closed. */
  source: Data;
  /** The nodes that train together, where they are several; the engine must have been opened with them. */
  hosts?: Hosts;
  /** Default: shows nothing. */
  progress?: Progress;
  /** Aborting it finishes the step, writes a checkpoint and returns. */
  signal?: AbortSignal;
  /** How checkpoints get to the disk; tests give another. */
  writeFile?: WriteFile;
}

/** What a run ends with. */
export interface TrainResult {
  /** The trained state, on the engine; the caller's to dispose. */
  state: TrainState;
  /** Steps done, of how many. */
  step: number;
  total: number;
  /** True when the signal ended the run before its last step. */
  stopped: boolean;
  /** The last checkpoint; empty on nodes other than node 0. */
  checkpoint: string;
  /** Bad pictures skipped. */
  bad: number;
}

/** A state in host memory that waits for the next step to prove it good. */
interface Snapshot {
  info: CheckpointInfo;
  tensors: Record<string, StoredTensor>;
}

/**
 * Trains: streams batches of view pairs through the compiled step and leaves a run folder with config.json,
 * metrics.jsonl and checkpoints. With `config.resume` it goes on from the last checkpoint, bit for bit on the same
 * engine.
 *
 * At most two steps are under way, on a processor one, and the next batches are decoded while the device works. A state
 * becomes a checkpoint only after the loss of the step that follows it was seen to be a number.
 *
 * @param config The run; `out` names its folder.
 * @throws {ConfigError} For settings that cannot be used with this data, before work starts.
 * @throws {NonFiniteError} When a loss is no number; that state is not saved.
 * @throws {Error} When a checkpoint cannot be written; the earlier ones stay.
 */
export async function train(config: RunConfig, options: TrainOptions): Promise<TrainResult> {
  const { engine, source, hosts, progress = silent, signal, writeFile: write } = options;
  /** Node 0 alone writes the run folder. */
  const leads = !hosts || hosts.nodeId === 0;
  const { pictures, perEpoch, total } = planSteps(config, source), uri = dataUri(source);
  const prepared = leads ? await prepareFolder(config) : null;
  const resumed = hosts ? await sameCheckpoint(hosts, prepared, config) : prepared;
  if (resumed && resumed.pictures !== pictures) {
    throw new ConfigError(
      `${uri} has ${pictures} pictures, but ${resumed.path} was made with ${resumed.pictures}; ` +
        "resume with the same data",
    );
  }
  const start = resumed?.step ?? 0;
  const place = resumed
    ? placeOf(resumed, config, dataLength(source) === null)
    : { cursor: { epoch: 0, position: 0 }, bad: 0 };

  // What can fail comes first: nothing is on the engine yet.
  const badLog = leads ? await openBadLog(join(config.out, "bad.jsonl")) : silentBadLog();
  const stream = trainBatches(config, source, place, (record) => {
    if (badLog.add(record)) progress.line(`skipped    ${record.key}: ${record.reason}`);
  });
  const metrics = leads ? await openMetrics(join(config.out, "metrics.jsonl"), start) : silentMetrics();

  // What the run is.
  let state = resumed ? writeState(resumed.tensors) : initialState(config, config.seed, config.ema);
  if (resumed) resumed.tensors = {}; // They are on the engine now; a second copy would stay for the whole run.
  const say = (label: string, text: string) => progress.line(`${label.padEnd(11)}${text}`);
  const plan = { pictures, perEpoch, total }, parameters = countParameters(state.params);
  for (const [label, text] of describeRun(config, { engine, source, parameters, plan, resumed })) {
    say(label, text);
  }

  const makeStep = trainStep(config);
  const step = engine.jit(hosts ? nodeStep(makeStep) : makeStep, {
    donate: ["state"],
    precision: config.precision,
    shard: hosts ? ["batch/base", "batch/views"] : engine.devices > 1 ? ["batch/base"] : [],
  });
  const tensorsOf = hosts ? nodeBatchTensors : batchTensors;

  // A step queued behind another has memory of its own already, and between two steps a processor loses nothing.
  const ahead = engine.deviceMemory() === "host" ? 0 : 1;
  let snapshot: Snapshot | null = null;
  let checkpoint = resumed?.path ?? null;
  let done = start;
  let next = place.cursor;
  let bad = place.bad;
  let saved = performance.now();
  /** True when the step does not fit: nothing was done then, and the folder is free for another batch size. */
  let refused = false;
  const meter = openMeter(config.batchSize);
  /** Share of the devices' peak that one picture a second takes; known after compiling, where the peak is. */
  let utilisation: number | undefined;

  const take = async (): Promise<Snapshot> => ({
    info: {
      config: { ...config, resume: false },
      step: done,
      cursor: next,
      pictures,
      bad,
      places: (await hosts?.gather(done))?.map((numbers) => numbers.slice(0, 3)),
      engine: engine.name,
      time: new Date().toISOString(),
    },
    tensors: await readState(state),
  });
  const save = async ({ info, tensors }: Snapshot) => {
    await metrics.sync();
    checkpoint = await saveCheckpoint(config.out, info, tensors, { keep: config.keep, write });
  };
  const refuse = (step: number, keys: readonly string[], what: string) =>
    refusal(step, keys, what, checkpoint);
  /** A step that waits for a node that is gone would wait for ever. */
  const alive = untilFailed(hosts?.failed);
  /** With several nodes a signal is only a wish, which all agree on first. */
  const stoppable = untilAborted(hosts ? undefined : signal);
  let asked = false;
  hosts?.note(done, [next.epoch, next.position, bad]);
  /** Checks and records a step that is done. */
  const settled = async ({ step, batch: { epoch, keys, bad }, done }: Flight, values: StepValues) => {
    const wrong = Object.entries(values).filter(([, value]) => !Number.isFinite(value));
    if (wrong.length > 0) {
      throw refuse(step, keys, wrong.map(([name, value]) => `${name} is ${value}`).join(", "));
    }
    const { imagesPerSecond, waiting } = meter.tick(done);
    const { lr, wd } = stepScalars(config, perEpoch, step - 1);
    const mfu = utilisation && utilisation * imagesPerSecond;
    const line = metricsLine({ step, epoch, lr, wd, imagesPerSecond, mfu, waiting, bad }, values);
    if (step % config.logEvery === 0 || step === total) metrics.write(line);
    progress.step(line, total, (total - step) * config.batchSize / imagesPerSecond);
    if (snapshot && snapshot.info.step < step) {
      await save(snapshot);
      snapshot = null;
    }
  };
  const flights = openFlights(alive, settled);

  try {
    while (done < total) {
      // An engine that computes at once leaves no gap in which a signal could be heard: only a timer is one, after which
      // the event loop has rested.
      await (engine.compiles ? setImmediate() : delay(1));
      if (signal?.aborted) {
        if (!hosts) break;
        // All nodes stop after the same step.
        if (!asked) await alive(hosts.askStop(done));
        asked = true;
      }
      if (hosts && done >= hosts.stopAfter()) break;
      const since = performance.now();
      const got = await stoppable(alive(stream.next()));
      if (!got) break;
      if (got.done) throw new Error(`${uri}: the stream of batches ended before the run`);
      const batch = got.value;
      meter.wait(since, flights.lastDone(), performance.now());
      await flights.settle(ahead);

      const args = {
        state,
        batch: tensorsOf(engine, config, batch, done),
        scalars: scalarTensors(config, perEpoch, done),
      };
      if (done === start) {
        const report = await compileWithin({
          engine,
          batchSize: config.batchSize,
          multiple: engine.devices,
          memoryLimit: config.memoryLimit,
          overMemory: config.overMemory,
          search: !hosts,
          compile: async (count) => {
            if (count === config.batchSize) return await step.compile(args);
            const blank = batchTensors(engine, config, blankBatch(config.imageSize, count), done);
            return await step.compile({ ...args, batch: blank }).finally(() => disposeTree(blank));
          },
          say,
        }).catch((error) => {
          disposeTree([args.batch, args.scalars]);
          throw error;
        });
        if (engine.compiles) say("step", describeCompile(report));
        if (report.flops && report.peakFlops) {
          utilisation = report.flops / config.batchSize / report.peakFlops;
        }
        meter.start();
        saved = performance.now();
      }
      hosts?.note(done + 1, [batch.next.epoch, batch.next.position, batch.bad]);
      const result = step(args);
      // The old state is given up: only the new one is valid from here on.
      state = result.state;
      disposeTree(args.batch);
      disposeTree(args.scalars);
      done++;
      next = batch.next;
      bad = batch.bad;
      flights.begin(done, batch, result.metrics);

      const minutes = (performance.now() - saved) / 60_000;
      const dueByTime = config.checkpointMinutes > 0 && minutes >= config.checkpointMinutes;
      const dueBySteps = config.checkpointSteps > 0 && done % config.checkpointSteps === 0;
      if (leads && (dueByTime || dueBySteps) && done < total) {
        await flights.settle(0);
        snapshot = await take();
        saved = performance.now();
      }
    }
    await flights.settle(0);
    if (leads && (done > start || !checkpoint)) {
      const last = await take();
      const name = nonFinite(last.tensors);
      if (name) throw refuse(done, [], `${name} holds a value that is no finite number`);
      await save(last);
    }
    await hosts?.barrier("trained");
  } catch (error) {
    // What still runs may wait for other nodes, which learn of this only now.
    refused = error instanceof MemoryError;
    if (hosts) throw error;
    await flights.over();
    disposeTree(state);
    throw error;
  } finally {
    progress.close();
    metrics.close();
    await stream.return?.();
    badLog.close();
    if (refused && leads && !resumed) await abandonFolder(config);
  }
  if (leads) checkpoint ??= await latestCheckpoint(config.out);
  return { state, step: done, total, stopped: done < total, checkpoint: checkpoint ?? "", bad };
}
