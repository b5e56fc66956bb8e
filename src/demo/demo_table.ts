import { join } from "node:path";
import type { Engine } from "../engine/types.ts";
import type { ModelConfig } from "../model/config.ts";
import type { ModelState } from "../model/types.ts";
import { publishFile } from "../files/publish.ts";
import { packView } from "../views/pack.ts";
import { DEFAULT_VIEWS, sampleView, type ViewOptions } from "../views/sample.ts";
import { VIEW_FIELDS } from "../views/types.ts";
import { embedder } from "../eval/embed.ts";
import { pixelRows } from "../eval/pixels.ts";
import { centreRows, unitRows } from "../eval/rows.ts";
import type { DemoShards } from "./pack.ts";
import { changedPictures, type DemoPictures, heldoutPictures, readDemo } from "./pictures.ts";
import {
  type Answer,
  ask,
  byQuestion,
  chances,
  drawExamples,
  DRAWS,
  LABELLED,
  type Question,
  shareOf,
} from "./questions.ts";
import type { Table, TableRow } from "./table_text.ts";

/** What {@linkcode evaluateDemo} needs. */
export interface EvaluateDemoOptions extends DemoShards {
  engine: Engine;
  config: ModelConfig;
  /** The trained model. Its tensors are read, never disposed. */
  state: ModelState;
  /** The same model before training, for the table's random rows. Left out: the table has none. */
  random?: ModelState;
  /** Run folder that gets table.json; left out: nothing is written. */
  run?: string;
  /** Said under the table, such as that the run was shortened. */
  notes?: readonly string[];
  /** Takes lines for people. */
  progress?: (line: string) => void;
}

/** One way of making features, and what it answered. */
interface Method {
  encoder: string;
  features: string;
  answers: Record<Question, Answer>;
}

/** The seed of the crops: all tables have the same. */
const CROP_SEED = 0;

/** An epoch that no training reaches: no crop was ever a view of training. */
const EVALUATION_EPOCH = 2 ** 32 - 1;

/** The small side of pixels as features. */
const SMALL_SIDE = 8;

/** The features of an encoder and their names in the table. */
const TOKENS = [["class", "class token"], ["mean", "mean patch token"]] as const;

/** Views of the question *crop*: crop, flip and colour as in training, without what no picture outside of training has. */
function cropOptions(size: number): ViewOptions {
  return { ...DEFAULT_VIEWS, imageSize: size, cropScale: [.3, 1], grey: 0, blur: [0, 0], solarise: [0, 0] };
}

/** Two views of each of the first `count` held-out pictures, packed: all of view 1, then all of view 2. */
function sampleCrops(size: number, count: number): Float32Array {
  const views = new Float32Array(2 * count * VIEW_FIELDS), options = cropOptions(size);
  for (const number of [0, 1] as const) {
    for (let i = 0; i < count; i++) {
      const view = sampleView(options, CROP_SEED, EVALUATION_EPOCH, i, number);
      packView(view, views, (number * count + i) * VIEW_FIELDS);
    }
  }
  return views;
}

function caption(demo: DemoPictures): string[] {
  const { emoji, firstHeldout, categoryCount } = demo, held = new Set(emoji.slice(firstHeldout)).size;
  return [
    `find: a picture of one of ${held} emoji that training never saw, turned, shifted, shrunk and recoloured, looks for ` +
    `the same emoji among the ${held} of the other style.`,
    `sort: the same pictures into ${categoryCount} categories, each known by ${LABELLED} labelled pictures (${DRAWS} draws).`,
    `crop: which of all ${emoji.length} pictures is a random crop from?`,
    "aligned: find without the changes; both styles draw at the same place, which suits pixels.",
    "Brackets: 95 % for other emoji, in sort for other labels. Pixels: the better size. The questions were fixed before " +
    "their first result: docs/demo.md.",
  ];
}

/** Puts the questions to the tokens of the encoders and to raw pixels. */
async function askAll(options: EvaluateDemoOptions, demo: DemoPictures): Promise<Method[]> {
  const { engine, config, progress = () => {} } = options, { size, pictures } = demo;
  const heldout = heldoutPictures(demo), changed = changedPictures(demo), draws = drawExamples(demo);
  const views = sampleCrops(size, demo.emoji.length - demo.firstHeldout);
  using embed = embedder(engine, config);
  const methods: Method[] = [];
  let rendered = new Uint8Array();
  const models = { trained: options.state, ...(options.random ? { random: options.random } : {}) };
  for (const [encoder, state] of Object.entries(models)) {
    progress(`evaluating the ${encoder} encoder on ${demo.emoji.length} pictures`);
    const all = await embed.pictures(state, pictures), asked = await embed.pictures(state, changed);
    const { rendered: images, ...crops } = await embed.views(state, heldout, views);
    rendered = images as Uint8Array<ArrayBuffer>;
    for (const [token, features] of TOKENS) {
      const rows = {
        pictures: unitRows(all[token]),
        changed: unitRows(asked[token]),
        crops: unitRows(crops[token]),
      };
      methods.push({ encoder, features, answers: await ask(engine, demo, draws, rows) });
    }
  }
  progress("evaluating raw pixels");
  for (const side of new Set(size % SMALL_SIDE === 0 ? [SMALL_SIDE, size] : [size])) {
    const rowsOf = (bytes: Uint8Array) => unitRows(centreRows(pixelRows(bytes, size, side)));
    const rows = { pictures: rowsOf(pictures), changed: rowsOf(changed), crops: rowsOf(rendered) };
    const answers = await ask(engine, demo, draws, rows);
    methods.push({ encoder: "pixels", features: `${side}×${side}`, answers });
  }
  return methods;
}

/** A row of shares and intervals. */
function rowOf({ encoder, features, answers }: Method): TableRow {
  const scores = byQuestion((question) => {
    const { values, top5 } = answers[question];
    return { ...shareOf(question, values), ...(top5 === undefined ? {} : { top5 }) };
  });
  return { encoder, features, ...scores };
}

/**
 * The demo's final table: how well pictures are found and sorted by the features of the trained encoder, of the random one that
 * it started from, and by their raw pixels. docs/demo.md defines the questions.
 *
 * @returns The table; `run`/table.json holds the same.
 * @throws {Error} When the shards are not the demo's, or a picture in them cannot be read.
 */
export async function evaluateDemo(options: EvaluateDemoOptions): Promise<Table> {
  const demo = await readDemo(options, options.config.imageSize);
  const methods = await askAll(options, demo), rows = methods.map(rowOf);
  const pixels = methods.flatMap(({ encoder }, i) => encoder === "pixels" ? [i] : []);
  const lead = byQuestion((question) => {
    const best = pixels.reduce((a, b) => rows[b][question].value > rows[a][question].value ? b : a);
    const theirs = methods[best].answers[question].values;
    return shareOf(question, methods[0].answers[question].values.map((own, i) => own - theirs[i]));
  });
  const table: Table = {
    caption: caption(demo),
    rows,
    chance: chances(demo),
    lead,
    notes: [...options.notes ?? []],
  };
  if (options.run) await publishFile(join(options.run, "table.json"), JSON.stringify(table, null, 2) + "\n");
  return table;
}
