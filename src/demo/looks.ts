/** What looks at a run of `train`: on the demo's pictures, or on pictures of one's own. */
import { join } from "node:path";
import { collect } from "../data/open/collect.ts";
import type { Data } from "../data/open/data.ts";
import { openSource } from "../data/open/open_data.ts";
import type { Engine } from "../engine/types.ts";
import { checkpointFigures, type OpenPictures } from "../eval/figures/at_checkpoints.ts";
import { GALLERY_SIZE } from "../eval/figures/gallery.ts";
import { reconstructionFigure } from "../eval/figure.ts";
import type { RunConfig } from "../train/config/settings.ts";
import type { Evaluator } from "../train/evaluators.ts";
import { demoEvaluators } from "./evaluators.ts";
import type { DemoShards } from "./pack.ts";
import type { Table } from "./table_text.ts";

/** A source that is closed after use. */
async function openWhole(uri: string): Promise<OpenPictures> {
  const source = await openSource(uri);
  return { source, close: () => source.close() };
}

/** Pictures of the data that is trained on, which stays open. */
async function collectSome(data: Data): Promise<OpenPictures> {
  const source = await collect(data, { count: GALLERY_SIZE, onBad: () => {} });
  return { source, close: () => Promise.resolve() };
}

/** What looks at a run need. */
export interface Look {
  engine: Engine;
  config: RunConfig;
  progress: (line: string) => void;
}

/** What a run ends with: the demo's table where it trains on the demo's shards, else a reconstruction of some pictures. */
export function endEvaluators(
  look: Look,
  { data, shards, ...demo }: {
    data: Data;
    shards: DemoShards | null;
    notes: string[];
    result: (table: Table) => void;
  },
): Evaluator[] {
  if (shards) return demoEvaluators({ ...look, shards, ...demo });
  const { out, seed } = look.config;
  return [reconstructionFigure({ ...look, data, file: join(out, "reconstruction.png"), seed })];
}

/** Draws figures at checkpoints, of the demo's held-out pictures or of some that are trained on. */
export function figureEvaluator(
  look: Look,
  { data, shards }: { data: Data; shards: DemoShards | null },
): Evaluator {
  const open = shards ? () => openWhole(shards.heldout) : () => collectSome(data);
  const { out: run, seed, tensorboard } = look.config;
  return checkpointFigures({ ...look, run, seed, tensorboard, open });
}
