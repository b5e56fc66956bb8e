/** A plan for people and for programs to read. */
import { clock, percent } from "../text/amounts.ts";
import { alignCells } from "../text/table.ts";
import type { Exchange } from "./exchange.ts";
import type { Plan, StepPlan } from "./plan.ts";
import { REACHED } from "./roofline.ts";
import { JPEG_BYTES } from "./stream.ts";

const gb = (bytes: number) =>
  bytes < 1e8 ? `${(bytes / 1e6).toFixed(1)} MB` : `${(bytes / 1e9).toFixed(1)} GB`;
const ms = (milliseconds: number) => `${milliseconds.toFixed(1)} ms`;
const count = (number: number) => Math.round(number).toLocaleString("en-US");

/** Cards and how they are connected. */
function cardsLine({ card, config: { devices, nodes } }: Plan): string {
  const all = devices * nodes;
  if (all === 1) return card.kind;
  return `${count(all)} × ${card.kind}${nodes > 1 ? `, ${devices} in each of ${nodes} nodes` : ""}`;
}

/** Columns of a step: what stands on the left, and each step's. */
function stepRows({ steps, limitBytes, config }: Plan): string[][] {
  const row = (name: string, of: (step: StepPlan) => string) => [name, ...steps.map(of)];
  const several = config.devices * config.nodes > 1;
  return [
    row("", ({ rematerialise }) => rematerialise ? "rematerialised" : "step"),
    row("pictures in a step", ({ batch }) => count(batch)),
    row(`memory, of ${gb(limitBytes)}`, ({ peakBytes, fits }) => gb(peakBytes) + (fits ? "" : " too much")),
    row("  arguments", ({ argumentBytes }) => gb(argumentBytes)),
    row("  temporaries", ({ temporaryBytes }) => gb(temporaryBytes)),
    row("kernels", ({ kernels }) => count(kernels)),
    row("products", ({ flops }) => `${(flops / 1e12).toFixed(2)} TFLOP`),
    row("moved", ({ bytes }) => gb(bytes)),
    row("a step takes at least", ({ boundMs }) => ms(boundMs)),
    row("  products", ({ productsMs }) => ms(productsMs)),
    row("  other kernels", ({ otherMs }) => ms(otherMs)),
    row("  rendering the views", ({ renderingMs }) => ms(renderingMs)),
    row("  launches", ({ launchesMs }) => ms(launchesMs)),
    ...several ? [row("  exchanges beside that", ({ exchange }) => ms(exchange!.ms))] : [],
    row("images/s at most", ({ imagesPerSecond }) => count(imagesPerSecond)),
    row("utilisation at most", ({ utilisation }) => percent(utilisation)),
  ];
}

/** What devices exchange, in words. */
function exchangeLines(step: StepPlan, exchange: Exchange): string[] {
  const calls = exchange.calls.map(({ kind, count, bytes }) => `${count} ${kind} (${gb(bytes)})`);
  const least = step.boundMs / step.stepMsNotHidden, most = step.boundMs / step.stepMs;
  return [
    `Exchanges in a step, on each card: ${calls.join(", ") || "none"}; ${ms(exchange.ms)} at least over ` +
    `${exchange.link}${exchange.network ? ` and ${exchange.network}` : ""}, read off the compiled program.`,
    `Of the speed of as many cards alone ${
      percent(least)
    } remain where nothing is hidden behind computing, ` +
    `${percent(most)} where all that can be is.`,
  ];
}

/** The kernels of a step by part of the model, the dearest first. */
function kernelLines({ timedKernels, boundMs }: StepPlan, most: number): string[] {
  const parts = new Map<string, { ms: number; count: number; bytes: number; flops: number }>();
  for (const { scope, ms, times, bytes, flops } of timedKernels) {
    const part = partOf(scope), sum = parts.get(part) ?? { ms: 0, count: 0, bytes: 0, flops: 0 };
    sum.ms += ms;
    sum.count += times;
    sum.bytes += times * bytes;
    sum.flops += times * flops;
    parts.set(part, sum);
  }
  const rows = [...parts].sort(([, a], [, b]) => b.ms - a.ms).map(([part, sum]) => [
    part,
    count(sum.count),
    ms(sum.ms),
    percent(sum.ms, boundMs),
    gb(sum.bytes),
    `${(sum.flops / 1e12).toFixed(2)} TFLOP`,
  ]);
  const alike = new Map<string, { ms: number; count: number; where: string }>();
  for (const { name, type, ms, times, scope } of timedKernels) {
    const key = `${name.replace(/[._\d]+$/, "")} ${type}`,
      sum = alike.get(key) ?? { ms: 0, count: 0, where: partOf(scope) };
    sum.ms += ms;
    sum.count += times;
    alike.set(key, sum);
  }
  const dearest = [...alike].sort(([, a], [, b]) => b.ms - a.ms).slice(0, most);
  return [
    ...alignCells([["part of the step", "kernels", "at least", "share", "moved", "products"], ...rows], 1),
    "",
    ...alignCells([
      ["dearest kernels", "times", "at least", "for example in"],
      ...dearest.map(([key, sum]) => [key.slice(0, 72), count(sum.count), ms(sum.ms), sum.where]),
    ], 1),
  ];
}

/**
 * The part of the step that a kernel comes from: alike in all blocks, without the operation that it is named after.
 *
 * @param scope Such as `encoder/block3/attention/dot`.
 */
export function partOf(scope: string): string {
  const part = scope.split("/").slice(0, -1).join("/");
  return part === "" ? "(elsewhere)" : part.replaceAll(/\bblock\d+/g, "block");
}

/** How a plan is shown. */
export interface PlanTextOptions {
  /** Also list this many kernels, and all by part. */
  kernels?: number;
}

/** A plan as a page of text. */
export function formatPlan(plan: Plan, { kernels }: PlanTextOptions = {}): string {
  const { config, step, stream, pictures, totalSteps, hours, refused, card } = plan;
  const data = `${count(pictures)} pictures × ${config.epochs} epochs, ${count(totalSteps)} steps`;
  return [
    `${config.preset}, ${config.precision}, on ${cardsLine(plan)} (${card.source})`,
    "",
    ...alignCells(stepRows(plan), 1),
    ...refused.map((line) => `(${line})`),
    "",
    ...step.exchange ? [...exchangeLines(step, step.exchange), ""] : [],
    `${data}: at least ${hours < 1 ? clock(hours * 3600) : `${hours.toFixed(1)} hours`}.`,
    `The stream needs some ${stream.cores} cores that decode JPEGs of 500×375 (${gb(stream.bytes)}/s at ` +
    `${JPEG_BYTES / 1000} kB each), or ${stream.rawCores} for shards packed with --raw (${
      gb(stream.rawBytes)
    }/s).`,
    "",
    "These are bounds: every kernel at the card's pace (" +
    `${percent(REACHED.products)} of its rate of products, ${
      percent(REACHED.bandwidth)
    } of its bandwidth), one after ` +
    "the other. Tiles that do not fit, caches and gaps are not in them. " +
    "Measured so far: base in bfloat16 on an H200 took 1.3 times its bound, and the memory that was planned.",
    ...kernels === undefined ? [] : ["", ...kernelLines(step, kernels)],
  ].join("\n");
}

const rounded = (number: number) => Number(number.toPrecision(6));

/** A step's figures for programs. */
function stepJson({ timedKernels: _, hlo: __, ...step }: StepPlan) {
  const { argumentBytes, temporaryBytes, peakBytes, exchange, flops, bytes, ...rest } = step;
  const numbers = Object.fromEntries(
    Object.entries(rest).map(([key, value]) => [key, typeof value === "number" ? rounded(value) : value]),
  );
  return {
    ...numbers,
    peakGB: rounded(peakBytes / 1e9),
    argumentsGB: rounded(argumentBytes / 1e9),
    temporariesGB: rounded(temporaryBytes / 1e9),
    teraflop: rounded(flops / 1e12),
    movedGB: rounded(bytes / 1e9),
    exchange: exchange && { ...exchange, ms: rounded(exchange.ms) },
  };
}

/** A plan for programs, of one line of JSON. */
export function planJson(plan: Plan): Record<string, unknown> {
  const { card, config, step, steps, stream, network, limitBytes, refused, pictures, totalSteps, hours } =
    plan;
  return {
    card: card.name,
    kind: card.kind,
    source: card.source,
    preset: config.preset,
    precision: config.precision,
    devices: config.devices,
    nodes: config.nodes,
    limitGB: rounded(limitBytes / 1e9),
    ...stepJson(step),
    pictures,
    epochs: config.epochs,
    steps: totalSteps,
    hours: rounded(hours),
    stream,
    ...config.nodes > 1 ? { network: network.name } : {},
    refused,
    variants: steps.map(stepJson),
  };
}
