/** `deno task embed MODEL URI --out FILE`: embeds pictures once, to a file. */
import { task } from "../src/cli/command.ts";
import { LABELS, SOURCES_HELP } from "../src/cli/data_options.ts";
import { ENGINE_AND_MEMORY, engineArguments } from "../src/cli/engine_options.ts";
import { choice, list, onOff, text, whole } from "../src/cli/kinds.ts";
import { MODEL_CHOICE, MODEL_HELP } from "../src/cli/model_options.ts";
import { openOutput } from "../src/cli/output_file.ts";
import { start } from "../src/cli/run.ts";
import { UsageError } from "../src/cli/usage_error.ts";
import { closeData, dataPassedOver } from "../src/data/open/data.ts";
import { openData } from "../src/data/open/open_data.ts";
import { describePassedOver } from "../src/data/sources/passed_over.ts";
import { openEngine } from "../src/engine/open.ts";
import { embedData } from "../src/eval/embedding/embed_data.ts";
import { TOKENS } from "../src/eval/embedding/info.ts";
import { EMBEDDING_FORMATS, embeddingFormat, refuseOther } from "../src/eval/embedding/open.ts";
import { readModel } from "../src/eval/stored_model.ts";
import { plural } from "../src/text/amounts.ts";

/** Bad pictures that are named. */
const NAMED = 5;

export const embedTask = task({
  name: "embed",
  summary: "Embeds pictures once, to a file that eval and other programs read.",
  operands: {
    model: { value: "MODEL", help: MODEL_HELP },
    data: { value: "URI", help: SOURCES_HELP },
  },
  options: {
    out: {
      kind: text,
      value: "FILE",
      help: `the file; its ending says which kind: ${
        EMBEDDING_FORMATS.map(({ ending, help }) => `${ending} (${help})`).join("; ")
      }`,
    },
    tokens: {
      kind: list(choice(...TOKENS)),
      help:
        "class: the class token; mean: the mean patch token; blocks: the class tokens of the last --blocks blocks; " +
        "all: class token and all patch tokens",
      default: ["class"],
      usually: "class",
    },
    blocks: {
      kind: whole(1),
      help: "how many last blocks `blocks` means, at most the encoder's",
      default: 4,
    },
    ...MODEL_CHOICE,
    labels: LABELS,
    batchSize: { kind: whole(1), help: "pictures embedded at once", default: 64 },
    ...ENGINE_AND_MEMORY,
    json: { kind: onOff, help: "print what the file says of itself as JSON" },
  },
  notes: [
    "A command that was stopped or killed goes on where it was when it is given again. Until the file is whole, what is " +
    "done lies in a hidden folder beside it.",
    "Pictures that cannot be read are named and left out; more than 1 % of them are an error.",
  ],
  examples: [
    ["embed runs/mine ./photos --out photos.parquet", "the class token of each picture"],
    [
      "embed runs/mine ./train --out train.safetensors --tokens class,mean,blocks",
      "what all of eval's protocols need",
    ],
  ],
}, async (given, { print, progress, interruptible }) => {
  const { out } = given;
  if (out === undefined) throw new UsageError("name a file for the features: --out FILE");
  // Before work begins: a wrong path is told at once.
  embeddingFormat(out);
  await openOutput(out);
  await refuseOther(out);
  const model = await readModel(given.model, given);
  model.notes.forEach(progress.line);
  const stop = interruptible("finishing what is under way; the same command goes on from there");
  const data = await openData(given.data, {
    labels: given.labels,
    once: true,
    progress: progress.line,
    http: { signal: stop.signal },
  });
  try {
    const engine = await openEngine(...engineArguments(given, progress));
    try {
      const state = await model.load();
      progress.line(`${model.name}, on ${engine.description}`);
      let named = 0;
      const info = await embedData({
        engine,
        config: model.config,
        state,
        model: model.name,
        teacher: given.teacher,
        data,
        out,
        tokens: given.tokens,
        blocks: given.blocks,
        batchSize: given.batchSize,
        signal: stop.signal,
        lost: progress.line,
        resumed: (done) => progress.line(`${out}: goes on after ${plural(done, "picture")}`),
        onBad({ source, key, reason }) {
          if (++named <= NAMED) {
            progress.line(`left out: ${[source, key, reason].filter((x) => x).join(": ")}`);
          }
        },
        progress: ({ done, total, embedded, seconds }) =>
          progress.status(
            () =>
              `embedded ${done}${total === null ? "" : ` of ${total}`} pictures, ${
                (embedded / Math.max(seconds, 1e-3)).toFixed(1)
              } images/s`,
            done === total,
          ),
      });
      const passedOver = describePassedOver(dataPassedOver(data));
      if (passedOver) progress.line(`${info.source}: ${passedOver}`);
      if (given.json) return print(JSON.stringify({ file: out, ...info }));
      const tokens = Object.entries(info.tokens).map(([token, shape]) => `${token} ${shape!.join(" × ")}`);
      print(
        `${out}: ${plural(info.count, "picture")}, ${tokens.join(", ")}, ${
          plural(info.classes.length, "class")
        }` +
          `${info.unlabelled > 0 ? `, ${info.unlabelled} without a class` : ""}` +
          `${info.bad > 0 ? `, ${info.bad} left out` : ""}`,
      );
      print(`model ${info.model}, ${info.digest}`);
    } finally {
      await engine.close();
    }
  } finally {
    await closeData(data);
  }
});

if (import.meta.main) await start(embedTask);
