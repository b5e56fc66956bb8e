/** Processes of this machine that train together, with a plugin that lets them compute as several hosts. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { flagName } from "../../src/cli/command.ts";
import { readMetrics } from "../../src/train/run/metrics_file.ts";
import { PLUGIN } from "../engine/xla/plugin.ts";
import { compilePlugin } from "../engine/xla/several_hosts.ts";
import { freePort } from "../free_port.ts";
import { MINUSCULE, writePictures } from "./fixture.ts";

const TASK = fileURLToPath(new URL("../../tasks/train.ts", import.meta.url));

/** Starts the command as a process of its own. */
export function start(flags: Record<string, unknown>, env: Record<string, string>) {
  const child = new Deno.Command(Deno.execPath(), {
    args: [
      ...["run", "-A", "--no-check", "--quiet", TASK],
      ...Object.entries(flags).map(([key, value]) => `--${flagName(key)}=${value}`),
    ],
    // Compiling takes the time of these tests.
    env: { XLA_FLAGS: "--xla_backend_optimization_level=0", TF_CPP_MIN_LOG_LEVEL: "3", ...env },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const ended = child.output().then(({ code, stdout, stderr }) => ({
    code,
    text: new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr),
  }));
  return { child, ended };
}

/** Resolves when a run has logged a step; fails when one of its processes ends before. */
export async function untilStep(out: string, step: number, nodes: { ended: Promise<{ text: string }> }[]) {
  let over: string | undefined;
  for (const { ended } of nodes) ended.then(({ text }) => over ??= text);
  while (!(await readMetrics(join(out, "metrics.jsonl"))).some((line) => line.step === step)) {
    if (over !== undefined) assert.fail(over);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** A training that two nodes share. */
export interface TwoNodes {
  /** Settings of a run, without its folder. */
  settings: Record<string, unknown>;
  /** The run folder. */
  out: string;
  /**
   * Starts both nodes with more settings for node 0. Node 1 learns from it all but what is its own.
   *
   * @param launched Say by a launcher's variables instead of flags which node each is.
   */
  both(more: Record<string, unknown>, launched?: boolean): Promise<ReturnType<typeof start>[]>;
}

/**
 * Prepares pictures and the plugin in a folder.
 *
 * @param own Settings that each node is told.
 */
export async function twoNodes(folder: string, own: Record<string, unknown> = {}): Promise<TwoNodes> {
  const data = join(folder, "pictures"), out = join(folder, "run");
  await writePictures(data, 13);
  const plugin = await compilePlugin(folder);
  const settings = {
    ...MINUSCULE,
    depth: 1,
    lr: 0.01,
    epochs: 1000,
    engine: "xla",
    checkpointSteps: 3,
    data,
  };
  let rounds = 0;
  const both = async (more: Record<string, unknown>, launched = false) => {
    const exchange = join(folder, `exchange-${rounds++}`);
    await Deno.mkdir(exchange);
    const env = { WRAPPED: PLUGIN, EXCHANGE: exchange }, port = freePort(), shared = { plugin, ...own };
    const which = (nodeId: number) => launched ? {} : { nodes: 2, nodeId, coordinator: `127.0.0.1:${port}` };
    const torch = { WORLD_SIZE: "2", MASTER_ADDR: "127.0.0.1", MASTER_PORT: `${port}` };
    const told = (nodeId: number) => launched ? { ...env, ...torch, RANK: `${nodeId}` } : env;
    return [
      start({ ...settings, out, ...shared, ...which(0), ...more }, told(0)),
      start({ ...shared, ...which(1), data }, told(1)),
    ];
  };
  return { settings, out, both };
}
