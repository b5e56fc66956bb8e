/** `deno task bench scaling`: what runs on many cards would take, on paper. The tables of docs/scaling.md. */
import { task } from "../src/cli/command.ts";
import { number, whole } from "../src/cli/kinds.ts";
import { PRESET } from "../src/cli/model_options.ts";
import { UsageError } from "../src/cli/usage_error.ts";
import type { ModelPreset } from "../src/model/config.ts";
import { inventory } from "../src/model/inventory.ts";
import { presetConfig } from "../src/train/config/presets.ts";

/** What the tables are computed from; docs/scaling.md has the sources. */
export interface Constants {
  /** Lower bound on a card's time for a picture, both views, in milliseconds. */
  pictureMs: number;
  /** Cards in a machine. */
  cardsEach: number;
  /** Bytes per second in one direction: between the cards of a machine, and from each card to other machines. */
  inside: number;
  between: number;
  /** Seconds that a small exchange takes: inside a machine, and between machines. */
  insideDelay: number;
  betweenDelay: number;
  /** Bytes of a picture's file. */
  file: number;
  /** Pictures that a core decodes in a second. */
  decoded: number;
  /** Bytes per second: from a card to its host, and into the folder of the run. */
  toHost: number;
  toDisk: number;
  /** Hours of one card between two failures that end a run. */
  cardHours: number;
  /** Seconds between checkpoints, and from a failure to the first step of the restart. */
  interval: number;
  restart: number;
}

/** Constants of a machine with eight H100. */
export const H100: Constants = {
  pictureMs: 177.1 / 256,
  cardsEach: 8,
  inside: 450e9,
  between: 50e9,
  insideDelay: 20e-6,
  betweenDelay: 60e-6,
  file: 110e3,
  decoded: 1440,
  toHost: 25e9,
  toDisk: 1e9,
  cardHours: 16_384 * 54 * 24 / 419,
  interval: 600,
  restart: 180,
};

/** What a step exchanges that does not grow with the batch, and the model's sizes. */
export interface Sizes {
  /** Trainable numbers, and all that a checkpoint holds. */
  parameters: number;
  stored: number;
  /** Numbers that batch norms exchange in a step: two sums forward, two backward, of each channel. */
  statistics: number;
  /** Exchanges that the step waits for: two forward and one backward for each batch norm, codes, gradients. */
  waits: number;
  /** Width of a class code. */
  code: number;
}

/** A preset's sizes. */
export function sizesOf(preset: ModelPreset): Sizes {
  const config = presetConfig(preset), entries = inventory(config);
  const count = (role: string) =>
    entries.filter((entry) => entry.role === role)
      .reduce((sum, { shape }) => sum + shape.reduce((a, b) => a * b, 1), 0);
  const parameters = count("param"), buffers = count("buffer");
  const norms = entries.filter(({ name }) => name.endsWith("running_mean")).length;
  return {
    parameters,
    stored: 3 * parameters + count("frozen") + buffers,
    statistics: 2 * buffers,
    waits: 3 * norms + 4,
    code: config.codeWidth,
  };
}

/** A run on so many cards. */
export interface Scale {
  cards: number;
  /** Pictures in a step, of all cards. */
  batch: number;
  /** Seconds of a step: what the kernels take at least, and all exchanges if nothing goes on beside them. */
  compute: number;
  exchange: number;
  /** Bytes that each card exchanges in a step: gradients, statistics, class codes. */
  bytes: number;
  /** Pictures in a second, of all. */
  rate: number;
}

/** Seconds of a ring over the cards of a machine, then between machines with a part for each card, and back. */
function allReduce(bytes: number, cards: number, c: Constants): number {
  const own = Math.min(cards, c.cardsEach), machines = cards / own;
  return 2 * (1 - 1 / own) * bytes / c.inside + 2 * (1 - 1 / machines) * bytes / own / c.between;
}

/** A run on so many cards, of so many pictures in a step. */
export function scaleOf(cards: number, batch: number, sizes: Sizes, c: Constants): Scale {
  const gradients = 4 * sizes.parameters,
    statistics = 4 * sizes.statistics,
    codes = 4 * 2 * batch * sizes.code;
  // Codes are gathered twice, and what flows back to them is summed: an all-gather is half an all-reduce.
  const sent = allReduce(gradients + statistics + 2 * codes, cards, c);
  const delay = cards > c.cardsEach ? c.betweenDelay : c.insideDelay;
  const compute = batch / cards * c.pictureMs / 1000, exchange = sent + sizes.waits * delay;
  const bytes = gradients + statistics + 3 * codes;
  return { cards, batch, compute, exchange, bytes, rate: batch / (compute + exchange) };
}

const CARDS = [8, 64, 512, 1024] as const;

const cell = (value: number, digits = 3) =>
  value.toLocaleString("en", {
    maximumSignificantDigits: Math.max(digits, Math.ceil(Math.log10(value + 1))),
  });

/** A table in Markdown: a row for each property, a column for each number of cards. */
function table(head: string, rows: readonly (readonly [name: string, ...cells: string[]])[]): string {
  const lines = [
    [head, ...CARDS.map((n) => `${cell(n, 4)} cards`)],
    ["---", ...CARDS.map(() => "---:")],
    ...rows,
  ];
  return lines.map((line) => `| ${line.join(" | ")} |`).join("\n");
}

/** Steps: bound of the time, exchanges, what the batch does to the contrast of class codes. */
function steps(head: string, scales: readonly Scale[], { code }: Sizes): string {
  const each = (text: (scale: Scale) => string) => scales.map(text);
  return table(head, [
    ["pictures in a step, of all", ...each(({ batch }) => cell(batch, 6))],
    ["pictures on each card", ...each(({ batch, cards }) => cell(batch / cards))],
    ["kernels, ms at least", ...each(({ compute }) => cell(1000 * compute))],
    ["exchanged by each card, MB", ...each(({ bytes }) => cell(bytes / 1e6))],
    ["exchanges, ms, if nothing hides them", ...each(({ exchange }) => cell(1000 * exchange))],
    [
      "share of exchanges in the step",
      ...each(({ compute, exchange }) => `${(100 * exchange / (compute + exchange)).toFixed(1)} %`),
    ],
    ["pictures/s at most", ...each(({ rate }) => cell(rate))],
    ["steps in an epoch of 1.28 M pictures", ...each(({ batch }) => cell(Math.floor(1_281_167 / batch), 4))],
    ["negatives of a class code, 2·B − 2", ...each(({ batch }) => cell(2 * batch - 2, 6))],
    [
      "what its contrast is at chance, log(2·B − 1)",
      ...each(({ batch }) => Math.log(2 * batch - 1).toFixed(2)),
    ],
    [
      "codes and similarities on each card, MB",
      ...each(({ batch, cards }) => cell(4 * 2 * batch * (code + 2 * batch / cards) / 1e6)),
    ],
  ]);
}

/** What surrounds the steps: the data, checkpoints, failures. */
function around(scales: readonly Scale[], sizes: Sizes, c: Constants): string {
  const each = (text: (scale: Scale) => string) => scales.map(text);
  const bytes = 4 * sizes.stored, checkpoint = bytes / c.toHost + bytes / c.toDisk;
  const failure = ({ cards }: Scale) => c.cardHours / cards;
  return table(`${cell(scales[0].batch / scales[0].cards)} pictures on each card`, [
    ["read from storage, GB/s", ...each(({ rate }) => cell(rate * c.file / 1e9))],
    [
      "the same for each machine, GB/s",
      ...each(({ rate, cards }) => cell(rate * c.file / 1e9 / cards * c.cardsEach)),
    ],
    [
      "cores that decode, in each machine",
      ...each(({ rate, cards }) => cell(rate / c.decoded / cards * c.cardsEach)),
    ],
    ["checkpoint, GB", ...each(() => cell(bytes / 1e9))],
    ["checkpoint, s in which no step begins", ...each(() => cell(checkpoint))],
    [
      "share of the time at one each 10 min",
      ...each(() => `${(100 * checkpoint / c.interval).toFixed(2)} %`),
    ],
    ["hours between failures", ...each((scale) => cell(failure(scale)))],
    ["minutes lost by one", ...each(() => cell((c.interval / 2 + c.restart) / 60))],
    [
      "share of the time lost by failures",
      ...each((scale) => `${(100 * (c.interval / 2 + c.restart) / 3600 / failure(scale)).toFixed(3)} %`),
    ],
    [
      "best minutes between checkpoints",
      ...each((scale) => cell(Math.sqrt(2 * checkpoint * 3600 * failure(scale)) / 60)),
    ],
  ]);
}

/** The three tables: the same batch on each card, the same batch on all, and what surrounds the steps. */
export function scalingTables(preset: ModelPreset, each: number, all: number, c: Constants): string[] {
  const sizes = sizesOf(preset);
  const weak = CARDS.map((cards) => scaleOf(cards, each * cards, sizes, c));
  const strong = CARDS.map((cards) => scaleOf(cards, all, sizes, c));
  return [
    steps(`${cell(each)} pictures on each card`, weak, sizes),
    steps(`${cell(all, 6)} pictures in all`, strong, sizes),
    around(weak, sizes, c),
  ];
}

/** Prints the tables. */
export const benchTask = task({
  name: "bench scaling",
  summary: "What runs on many cards would take, on paper: the tables of docs/scaling.md.",
  options: {
    preset: { kind: PRESET, help: "the model", default: "base" },
    each: { kind: whole(1), help: "pictures on each card", default: 64 },
    all: { kind: whole(1024), help: "pictures of a step on all cards", default: 4096 },
    pictureMs: {
      kind: number(0),
      help:
        "milliseconds that a card takes for a picture, both views, as deno task plan says; left out: base's bound on an H100",
    },
  },
}, ({ preset, each, all, pictureMs }, { print }) => {
  if (pictureMs === undefined && preset !== "base") {
    throw new UsageError(
      `--preset ${preset} needs --picture-ms: deno task plan says what a step takes at least`,
    );
  }
  print(scalingTables(preset, each, all, { ...H100, ...pictureMs && { pictureMs } }).join("\n\n"));
  return Promise.resolve();
});
