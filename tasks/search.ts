/** `deno task search MODEL_OR_FILE QUERY…`: pictures that are like others, and duplicates. */
import { task } from "../src/cli/command.ts";
import { engineArguments } from "../src/cli/engine_options.ts";
import { openOutput, refuseInputs } from "../src/cli/output_file.ts";
import { start } from "../src/cli/run.ts";
import { SERVE_NOTE, serveArguments } from "../src/cli/serve_options.ts";
import { type Data, openedOf } from "../src/data/open/data.ts";
import { encodePng } from "../src/data/picture/png.ts";
import { openEngine } from "../src/engine/open.ts";
import { isEmbedding } from "../src/eval/embedding/open.ts";
import {
  type Answer,
  askDuplicates,
  askNeighbours,
  type NamedQuery,
  unknownQuery,
} from "../src/eval/search/answer.ts";
import { readQuery } from "../src/eval/search/encode.ts";
import { filterPictures } from "../src/eval/search/filter.ts";
import { type OpenSearch, openSearch } from "../src/eval/search/open.ts";
import { USUAL_K } from "../src/eval/search/search.ts";
import { drawSheet } from "../src/eval/search/sheet.ts";
import { serveSearch } from "../src/search/serve.ts";
import { searchedSet } from "../src/search/set.ts";
import { plural } from "../src/text/amounts.ts";
import { checkGiven, OPERANDS, OPTIONS } from "./search/given.ts";

/** Pictures beside each other on the sheet. */
const COLUMNS = USUAL_K + 1;

/** Bad pictures that are named. */
const NAMED = 5;

/** Reads the queries that are files. What is none may be a name of the set. */
async function readQueries(names: readonly string[]): Promise<NamedQuery[]> {
  const queries: NamedQuery[] = [];
  for (const name of names) {
    const info = await Deno.stat(name).catch(() => null);
    if (info?.isDirectory) throw new Error(`${name}: is a folder; name the pictures in it`);
    queries.push(info ? { name, file: await readQuery(name) } : { name });
  }
  return queries;
}

/** Refuses a query that is neither a file nor a picture of the data, where that can be told before it is embedded. */
async function checkNames(queries: readonly NamedQuery[], data: Data): Promise<void> {
  const names = new Set(queries.flatMap(({ name, file }) => file ? [] : [name])), opened = openedOf(data);
  if (names.size === 0 || opened.access !== "random") return;
  const { source } = opened;
  for (let i = 0; i < source.length && names.size > 0; i++) names.delete(await source.key(i));
  const [name] = names;
  if (name !== undefined) throw unknownQuery(name, source.uri, await source.key(0));
}

/** The contact sheet; undefined where its pictures are not there, which is told. */
async function drawn({ pictures }: OpenSearch, { shown, sheet }: Answer, line: (text: string) => void) {
  try {
    const found = await pictures(shown), missing = shown.size - found.size;
    if (missing > 0) {
      line(`${plural(missing, "picture")} cannot be read any more; their places on the sheet are empty`);
    }
    const rows = sheet((row) => found.get(row));
    return rows.length > 0 ? encodePng(await drawSheet(rows, COLUMNS)) : undefined;
  } catch (error) {
    line(`no contact sheet: ${(error as Error).message}; name where the pictures are by --data URI`);
  }
}

export const searchTask = task({
  name: "search",
  summary:
    "Finds the pictures of a set that are most like others, and duplicates in it: exact, by cosine of features.",
  operands: OPERANDS,
  options: OPTIONS,
  notes: [
    "A QUERY that is the name of a picture of the set is that picture, and not its own neighbour; write ./NAME for a file of " +
    "the same name.",
    "Duplicates are groups: each picture is as much alike as THRESHOLD to some other one of its group. They are reported; " +
    "nothing is ever deleted.",
    SERVE_NOTE,
  ],
  examples: [
    ["search photos.safetensors ./cat.jpg", "the ten nearest pictures, with search.png"],
    [
      "search runs/mine ./cat.jpg --data ./photos --features photos.safetensors",
      "the same, embedding them first",
    ],
    ["search photos.safetensors --duplicates 0.97 --json --no-sheet", "near-duplicates, for another program"],
    ["search photos.safetensors --serve", "a page to search with: drop, paste or click a picture"],
  ],
}, async (given, { print, progress, interruptible }) => {
  const { sheet, noSheet, json, teacher, key, preset, heads, imageSize } = given;
  const serving = serveArguments(given), isFile = await isEmbedding(given.model);
  checkGiven(given, isFile);
  const output = noSheet || serving
    ? null
    : await openOutput(sheet, "--sheet FILE names another, --no-sheet draws none");
  if (output) await refuseInputs(sheet, [...given.query, given.model, given.features, given.data]);
  const { features: kept } = given,
    isKept = kept !== undefined && await Deno.stat(kept).then(() => true, () => false);
  if (kept !== undefined && !isKept) await openOutput(kept);
  const queries = await readQueries(given.query);
  const stop = interruptible("ending the search");
  let left = 0;
  await using opened = await openSearch({
    path: given.model,
    ...{ data: given.data, features: given.features, labels: given.labels, token: given.token },
    model: { teacher: teacher || undefined, key, preset, heads, imageSize },
    batchSize: given.batchSize,
    openEngine: () => openEngine(...engineArguments(given, progress)),
    look: (data) => checkNames(queries, data),
    line: progress.line,
    onBad: ({ source, key, reason }) => {
      if (++left <= NAMED) progress.line(`left out: ${[source, key, reason].filter((x) => x).join(": ")}`);
    },
    embedded: ({ done, total }) =>
      progress.status(
        () => `embedded ${done}${total === null ? "" : ` of ${total}`} pictures`,
        done === total,
      ),
    signal: stop.signal,
  });
  const { set, engine } = opened, { info } = set.file;
  progress.line(`${plural(info.count, "picture")}, ${info.model}, on ${engine.description}`);
  if (serving) {
    const searched = await searchedSet(opened, { line: progress.line });
    try {
      const { url, finished } = serveSearch(searched, { ...serving, signal: stop.signal });
      print(url);
      progress.line("Ctrl-C ends it");
      return await finished;
    } finally {
      searched.close();
    }
  }
  const keep = filterPictures(set, { labels: given.class, folders: given.folder });
  const how = { keep, status: progress.status, signal: stop.signal };
  const answer = given.duplicates === undefined
    ? await askNeighbours(opened, queries, { k: given.k, ...how })
    : await askDuplicates(opened, given.duplicates, how);
  if (answer.empty > 0) {
    progress.line(
      `left out: ${plural(answer.empty, "picture")} whose features are all 0, which are like nothing`,
    );
  }
  const writeSheet = async () => {
    const png = output && await drawn(opened, answer, progress.line);
    if (png) await output!.write(png);
    return Boolean(png);
  };
  // What was found must not be lost where it cannot be drawn, or the sheet not be written: that is told behind it.
  const sheeted = await writeSheet().catch((error: unknown) => ({ error }));
  const written = sheeted === true;
  const features = isFile ? given.model : given.features ?? null;
  const about = { features, model: info.model, digest: info.digest, token: set.token, source: info.source };
  const searched = keep ? keep.reduce((sum, one) => sum + one, 0) : info.count;
  print(
    json
      ? JSON.stringify({
        ...about,
        pictures: info.count,
        searched,
        empty: answer.empty,
        sheet: written ? sheet : null,
        ...answer.json,
      })
      : `${answer.text}${written ? `\n\nsheet: ${sheet}` : ""}`,
  );
  if (typeof sheeted === "object") throw sheeted.error;
});

if (import.meta.main) await start(searchTask);
