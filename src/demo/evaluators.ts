import { join } from "node:path";
import { openSource } from "../data/open/open_data.ts";
import type { Engine } from "../engine/types.ts";
import { reconstructionFigure } from "../eval/figure.ts";
import { initModel } from "../model/init.ts";
import type { RunConfig } from "../train/config/settings.ts";
import type { Evaluator } from "../train/evaluators.ts";
import { disposeTree } from "../train/state.ts";
import { evaluateDemo } from "./demo_table.ts";
import type { DemoShards } from "./pack.ts";
import type { Table } from "./table_text.ts";

/** What a run on the demo pictures is looked at with. */
export interface DemoEvaluatorsOptions {
  engine: Engine;
  config: RunConfig;
  shards: DemoShards;
  /** Said under the table. */
  notes: readonly string[];
  /** Takes lines for people. */
  progress: (line: string) => void;
  /** Takes the table. */
  result: (table: Table) => void;
}

/**
 * What a run on the demo pictures ends with: reconstruction.png of held-out pictures, and the table of
 * {@linkcode evaluateDemo} beside that of the model before training.
 */
export function demoEvaluators(options: DemoEvaluatorsOptions): Evaluator[] {
  const { engine, config, shards, notes, progress, result } = options;
  const file = join(config.out, "reconstruction.png");
  return [
    {
      name: "figure",
      cadence: { end: true },
      evaluate: async (moment) => {
        const data = await openSource(shards.heldout);
        try {
          const figure = reconstructionFigure({ engine, config, data, file, seed: config.seed, progress });
          return await figure.evaluate(moment);
        } finally {
          await data.close();
        }
      },
    },
    {
      name: "table",
      cadence: { end: true },
      evaluate: async ({ state }) => {
        const random = initModel(config, config.seed), run = config.out;
        try {
          const table = await evaluateDemo({
            engine,
            config,
            state,
            random,
            ...shards,
            run,
            notes,
            progress,
          });
          result(table);
          const [{ find, sort, crop, aligned }] = table.rows;
          return { find: find.value, sort: sort.value, crop: crop.value, aligned: aligned.value };
        } finally {
          disposeTree({ ...random });
        }
      },
    },
  ];
}
