/** What `deno task search` takes, and what of it does not go together. */
import type { Given } from "../../src/cli/command.ts";
import { LABELS, SOURCES_HELP } from "../../src/cli/data_options.ts";
import { ENGINE_AND_MEMORY } from "../../src/cli/engine_options.ts";
import { choice, list, onOff, text, whole } from "../../src/cli/kinds.ts";
import { MODEL_CHOICE, MODEL_HELP } from "../../src/cli/model_options.ts";
import { SERVE } from "../../src/cli/serve_options.ts";
import { UsageError } from "../../src/cli/usage_error.ts";
import { TOKENS } from "../../src/eval/embedding/info.ts";
import { embeddingFormat } from "../../src/eval/embedding/open.ts";
import { USUAL_K } from "../../src/eval/search/search.ts";
import { SEARCH_PORT } from "../../src/search/serve.ts";

export const OPERANDS = {
  model: {
    value: "MODEL_OR_FILE",
    help: `an embedding file (deno task embed), whose own model embeds the queries; or ${MODEL_HELP}`,
  },
  query: {
    value: "QUERY",
    help: "picture files, or names of pictures of the set",
    optional: true,
    many: true,
  },
} as const;

export const OPTIONS = {
  data: {
    kind: text,
    help:
      `the pictures that are searched: ${SOURCES_HELP}. Of an embedding file: where its pictures are now, for the sheet`,
    value: "URI",
  },
  features: {
    kind: text,
    help: "with MODEL: the embedding file of the pictures; if there is none it is made of --data, and kept",
    value: "FILE",
    usually: "a temporary one",
  },
  duplicates: {
    kind: { kind: "number", above: -1, max: 1 },
    help: "instead of queries: groups of pictures whose cosine is at least this, such as 0.95",
    value: "THRESHOLD",
  },
  k: { kind: whole(1), help: "how many neighbours", usually: `${USUAL_K}, or all there are` },
  class: {
    kind: list(text),
    help: "only pictures of these classes; \\, is a comma in a name: 'tench\\, Tinca tinca'",
    value: "NAMES",
  },
  folder: {
    kind: list(text),
    help: "only pictures whose names begin with these folders; \\, is a comma in a name",
    value: "NAMES",
  },
  token: {
    kind: choice(...TOKENS),
    help: "which features are compared",
    usually: "class, or what the file holds",
  },
  sheet: { kind: text, help: "where the contact sheet goes, a PNG", value: "FILE", default: "search.png" },
  noSheet: { kind: onOff, help: "draw none" },
  json: { kind: onOff, help: "print the result as JSON" },
  ...SERVE,
  serve: { kind: onOff, help: "instead of queries: serve a page to search with, until it is stopped" },
  port: { ...SERVE.port, usually: String(SEARCH_PORT) },
  ...MODEL_CHOICE,
  labels: LABELS,
  batchSize: { kind: whole(1), help: "pictures embedded at once", default: 64 },
  ...ENGINE_AND_MEMORY,
} as const;

type SearchGiven = Given<typeof OPERANDS, typeof OPTIONS>;

/** What a page has no use for: the user says it there. */
function checkServed(given: SearchGiven): void {
  const { query, duplicates, k, class: classes, folder, json } = given;
  const others = Object.entries({
    QUERY: query.length > 0,
    "--duplicates": duplicates !== undefined,
    "--k": k !== undefined,
    "--class": classes !== undefined,
    "--folder": folder !== undefined,
    "--json": json,
  }).flatMap(([name, there]) => there ? [name] : []);
  if (others.length > 0) {
    throw new UsageError(`--serve takes questions in its page: leave out ${others.join(", ")}`);
  }
}

/**
 * Refuses what does not go together.
 *
 * @param isFile Whether an embedding file is searched, not what a model embeds.
 * @throws {UsageError} Which says what to leave out, or to name.
 * @throws {RangeError} When the ending of `--features` is none of an embedding file.
 */
export function checkGiven(given: SearchGiven, isFile: boolean): void {
  const { model, query, duplicates, k, features, data, serve } = given;
  if (serve) checkServed(given);
  else if (duplicates === undefined && query.length === 0) {
    throw new UsageError("name pictures to search for, or --duplicates THRESHOLD, or --serve");
  }
  if (duplicates !== undefined && (query.length > 0 || k !== undefined)) {
    throw new UsageError("--duplicates compares the set with itself: leave out QUERY and --k");
  }
  if (isFile && features !== undefined) {
    throw new UsageError(`${model}: is an embedding file itself; --features belongs to a model`);
  }
  if (!isFile && features === undefined && data === undefined) {
    throw new UsageError(`${model}: name the pictures that are searched: --data URI, or --features FILE`);
  }
  if (features !== undefined) embeddingFormat(features);
}
