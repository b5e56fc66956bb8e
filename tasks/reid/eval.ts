/** `deno task reid eval MODEL --data sysu:PATH`: measures re-identification. */
import { task } from "../../src/cli/command.ts";
import { ENGINE_AND_MEMORY, engineArguments } from "../../src/cli/engine_options.ts";
import { choice, onOff, text, whole } from "../../src/cli/kinds.ts";
import type { Lines } from "../../src/cli/lines.ts";
import { MODEL_CHOICE, MODEL_HELP } from "../../src/cli/model_options.ts";
import { openOutput } from "../../src/cli/output_file.ts";
import { UsageError } from "../../src/cli/usage_error.ts";
import { collect } from "../../src/data/open/collect.ts";
import { openData } from "../../src/data/open/open_data.ts";
import { peopleSource } from "../../src/data/open/people_words.ts";
import { sourceWords } from "../../src/data/open/source_words.ts";
import { encodePng } from "../../src/data/picture/png.ts";
import { describePassedOver } from "../../src/data/sources/passed_over.ts";
import type { Source } from "../../src/data/types.ts";
import { openEngine } from "../../src/engine/open.ts";
import { isEmbedding } from "../../src/eval/embedding/open.ts";
import { readModel } from "../../src/eval/stored_model.ts";
import { makeTemporaryFolder } from "../../src/files/temporary.ts";
import { checkInput, MIRROR_HELP, MIRRORS } from "../../src/reid/embed.ts";
import { evaluateReid } from "../../src/reid/evaluate.ts";
import { reidSheet } from "../../src/reid/sheet.ts";
import { formatReid } from "../../src/reid/table.ts";

/** The input's size is said by --size. */
const { imageSize: _, ...CHOICE } = MODEL_CHOICE;

/** Bad pictures that are named. */
const NAMED = 5;

/** Queries on a contact sheet, and pictures beside each. */
const SHOWN = { queries: 12, nearest: 10 };

/** The words for the two sides: those that were given, or the two parts of one data set. */
function sidesOf({ data, query, gallery }: { data?: string; query?: string; gallery?: string }) {
  if (data !== undefined) {
    if (query ?? gallery) {
      throw new UsageError("--data has queries and gallery in it; leave out --query and --gallery");
    }
    const source = peopleSource(data, ["sysu", "market"]);
    if (!source) {
      throw new UsageError(
        "--data takes sysu:PATH or market:PATH; of other data name the two sides by --query and --gallery",
      );
    }
    const part = (split: string) => sourceWords({ ...source, options: { ...source.options, split } });
    return { query: part("query"), gallery: part("gallery") };
  }
  if (query !== undefined && gallery !== undefined) return { query, gallery };
  throw new UsageError("name what is measured: --data sysu:PATH or market:PATH, or --query and --gallery");
}

/** Opens one side: an embedding file as it is, pictures by index. */
async function openSide(words: string, progress: Lines, opened: Source[]): Promise<Source | string> {
  if (await isEmbedding(words)) return words;
  const data = await openData(words, { role: "test", progress: progress.line });
  const source = await collect(data, { onBad: (bad) => progress.line(`left out: ${bad.message}`) });
  const passedOver = describePassedOver(source.passedOver?.() ?? []);
  if (passedOver) progress.line(`${source.uri}: ${passedOver}`);
  opened.push(source);
  return source;
}

export const reidEvalTask = task({
  name: "reid eval",
  summary:
    "Measures re-identification: for each query, where in the gallery the same person by other cameras ranks.",
  operands: { model: { value: "MODEL", help: `${MODEL_HELP}; not for two embedding files`, optional: true } },
  options: {
    data: { kind: text, help: "queries and gallery of a data set: sysu:PATH or market:PATH", value: "URI" },
    query: {
      kind: text,
      help: "instead: pictures named as theirs (0001_c1s1_000151_01.jpg), or their embedding file",
      value: "URI",
    },
    gallery: { kind: text, help: "with --query: what is searched, likewise", value: "URI" },
    size: {
      kind: { kind: "pair", min: 1 },
      help: "height,width of the encoder's input; pictures are resized to it, and its positions with it",
      value: "H,W",
      default: [256, 128] as const,
      usually: "256,128",
    },
    mirror: {
      kind: choice(...MIRRORS),
      help: `features of a picture: ${MIRRORS.map((name) => `${name}: ${MIRROR_HELP[name]}`).join("; ")}`,
      default: "sum",
    },
    token: { kind: choice("class", "mean"), help: "class token or mean patch token", default: "class" },
    features: {
      kind: text,
      help: "folder in which features are kept and found again: a stopped command goes on there",
      value: "DIR",
      usually: "a temporary one",
    },
    sheet: {
      kind: text,
      help:
        `PNG of ${SHOWN.queries} queries with their ${SHOWN.nearest} nearest, right and wrong ones marked`,
      value: "FILE",
    },
    ...CHOICE,
    batchSize: { kind: whole(1), help: "pictures embedded at once", default: 64 },
    seed: { kind: whole(0, 2 ** 32 - 1), help: "of the bootstrap", default: 0 },
    ...ENGINE_AND_MEMORY,
    json: { kind: onOff, help: "print the result as JSON" },
  },
  notes: [
    "A gallery picture of the query's person by the query's camera does not count, nor one of person -1; 0000 and 0000others " +
    "are wrong. Queries without a right picture are named and do not count. docs/reid.md says more.",
    "Pictures that cannot be read are named and left out; more than 1 % of them are an error.",
  ],
  examples: [
    ["reid eval runs/mine --data sysu:./SYSU-30k --features features", "SYSU-30k's protocol"],
    [
      "reid eval runs/mine --data market:./Market-1501 --sheet sheet.png",
      "Market-1501, with a contact sheet",
    ],
    ["reid eval dino_vits16.pth --data market:./Market-1501 --size 224,224", "squeezed to a square"],
    ["reid eval --query q.safetensors --gallery g.safetensors", "embedding files"],
  ],
}, async (given, { print, progress, interruptible }) => {
  const { token, mirror, size: [height, width], sheet } = given, sides = sidesOf(given);
  if (given.model === undefined && !(await isEmbedding(sides.query) && await isEmbedding(sides.gallery))) {
    throw new UsageError("name the model that embeds the pictures: reid eval MODEL …");
  }
  const output = sheet === undefined ? null : await openOutput(sheet);
  const model = given.model === undefined ? undefined : await readModel(given.model, given);
  model?.notes.forEach(progress.line);
  if (model) checkInput(model.config, { height, width, mirror });
  const stop = interruptible(
    given.features === undefined
      ? "finishing what is under way; with --features DIR the next one would go on from there"
      : "finishing what is under way; the same command goes on from there",
  );
  const opened: Source[] = [];
  const folder = given.features ?? await makeTemporaryFolder("semantic-ae-reid-");
  try {
    const query = await openSide(sides.query, progress, opened);
    const gallery = await openSide(sides.gallery, progress, opened);
    if (output && (typeof query === "string" || typeof gallery === "string")) {
      throw new UsageError("--sheet needs the pictures of both sides, not embedding files");
    }
    const engine = await openEngine(...engineArguments(given, progress));
    try {
      progress.line(`${model?.name ?? "embedding files"}, on ${engine.description}`);
      let named = 0;
      const report = await evaluateReid({
        engine,
        query,
        gallery,
        model: model &&
          { name: model.name, config: model.config, state: await model.load(), teacher: given.teacher },
        input: { height, width, mirror },
        token,
        features: folder,
        batchSize: given.batchSize,
        seed: given.seed,
        examples: output ? SHOWN : undefined,
        onBad({ source, key, reason }) {
          if (++named <= NAMED) {
            progress.line(`left out: ${[source, key, reason].filter((x) => x).join(": ")}`);
          }
        },
        embedded: (part, { done, total, embedded, seconds }) =>
          progress.status(
            () =>
              `${part}: embedded ${done} of ${total}, ${
                (embedded / Math.max(seconds, 1e-3)).toFixed(1)
              } images/s`,
            done === total,
          ),
        compared: (done, total) => progress.status(() => `compared ${done} of ${total}`, done === total),
        progress: progress.line,
        signal: stop.signal,
      });
      const { examples: __, ...figures } = report;
      print(given.json ? JSON.stringify(figures) : formatReid(report));
      // Behind the figures, which must not be lost where the sheet cannot be written.
      if (output) {
        await output.write(encodePng(await reidSheet(report.examples, query as Source, gallery as Source)));
        progress.line(`wrote ${sheet}`);
      }
    } finally {
      await engine.close();
    }
  } finally {
    for (const source of opened) await source.close();
    if (given.features === undefined) await Deno.remove(folder, { recursive: true });
  }
});
