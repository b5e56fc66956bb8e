/** Embedding files whose features are made up, and the run that a small model leaves. */
import { openWasm } from "../../../src/engine/wasm.ts";
import {
  EMBEDDING_VERSION,
  type EmbeddingInfo,
  POOLING,
  preprocessingOf,
} from "../../../src/eval/embedding/info.ts";
import { embeddingFormat } from "../../../src/eval/embedding/open.ts";
import { resolveConfig } from "../../../src/train/config/config.ts";
import { saveCheckpoint } from "../../../src/train/run/checkpoint.ts";
import { initialState, readState } from "../../../src/train/state.ts";
import { TOY } from "../toy.ts";

/** What the file is to say and hold. */
export interface MadeUp {
  /** Features of each picture by its name. */
  pictures: readonly (readonly [key: string, features: readonly number[], label?: number])[];
  classes?: string[];
  source?: string;
}

/** Writes an embedding file of any format. */
export async function writeSet(
  path: string,
  { pictures, classes = [], source = "nowhere" }: MadeUp,
  about: Partial<EmbeddingInfo> = {},
): Promise<string> {
  const width = pictures[0][1].length;
  const info: EmbeddingInfo = {
    format: "semantic-ae embedding",
    version: EMBEDDING_VERSION,
    model: "made/up.safetensors (step 1)",
    digest: `sha256:${"0".repeat(64)}`,
    teacher: false,
    tokens: { class: [width] },
    pooling: { class: POOLING.class },
    norm: "none",
    preprocessing: preprocessingOf({ imageSize: 16 }),
    source,
    count: pictures.length,
    classes,
    unlabelled: 0,
    bad: 0,
    ...about,
  };
  const part = {
    count: pictures.length,
    keys: () => Promise.resolve(pictures.map(([key]) => key)),
    rows: () => Promise.resolve(Float32Array.from(pictures.flatMap(([, features]) => features))),
  };
  const labels = Int32Array.from(pictures, ([, , label]) => label ?? -1);
  await embeddingFormat(path).write(path, { info, labels, parts: [part] });
  return path;
}

/** A run folder with one checkpoint of an untrained model. */
export async function makeRun(folder: string, seed = 0): Promise<string> {
  await openWasm();
  const config = resolveConfig({ ...TOY, data: "elsewhere", seed }), cursor = { epoch: 0, position: 0 };
  const info = { config, step: 7, cursor, pictures: 1, bad: 0, engine: "wasm", time: "now" };
  await saveCheckpoint(folder, info, await readState(initialState(config, seed)), { keep: 1 });
  return folder;
}
