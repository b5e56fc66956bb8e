import { basename } from "node:path";
import { type OpenRequest, type SourceFormat, SPLIT } from "../format.ts";
import { withPassedOver } from "../joined.ts";
import { requestedFiles, splitQuestion } from "../named_paths.ts";
import { isParquetEmbedding } from "../parquet/embedding.ts";
import { openParquet } from "../parquet/open.ts";
import { openRight } from "../right_files.ts";
import { NoSplitError, splitOf } from "../splits.ts";

const ENDINGS = [".parquet"];

/** How Spark and those that read its folders name what is not, or not yet, a part of a table: `_temporary`, `_delta_log`. */
const UNFINISHED = {
  names: /^_/,
  why: "has a name that begins with an underscore, as what is no part of a table",
};

/** Features may lie beside the pictures that they are of. */
const FEATURES = { is: isParquetEmbedding, why: "holds features that deno task embed has written" };

/** Parquet as Hugging Face's datasets store pictures. */
export const parquet: SourceFormat = {
  name: "parquet",
  aliases: ["hf-parquet"],
  title: "Parquet",
  endings: ENDINGS,
  remote: true,
  options: [
    SPLIT,
    {
      name: "column",
      value: "NAME",
      help: "the pictures' column, if there are several, or its path in structs",
      inQuery: true,
    },
    {
      name: "label",
      value: "NAME",
      help: "the classes' column, or its path in structs (meta.class), if its name does not tell",
      inQuery: true,
    },
  ],
  shortOption: "split",
  examples: [
    ["parquet:./folder", "a folder of Hugging Face's Parquet files with pictures"],
    ["train-{0..3}.parquet", "the files themselves, also over http(s)"],
  ],
  recognise: ({ start }) => isParquet(start),
  async open(request) {
    const { text: name, options: { column, label }, labels, classes, http } = request;
    const { files, passedOver, split } = await filesOfSplit(request);
    const open = () => openParquet(files, { name, column, label, labels, classes, split, http });
    return withPassedOver(await openRight(files, isParquet, open), passedOver);
  },
};

/** The files of the split that is meant; where their names state none, a column may. */
async function filesOfSplit(request: OpenRequest) {
  const find = (split?: string) => {
    const options = split === undefined ? request.options : { ...request.options, split };
    return requestedFiles({ ...request, options }, ENDINGS, UNFINISHED, FEATURES);
  };
  const isNamed = (files: readonly string[]) => files.some((file) => splitOf(basename(file)) !== null);
  const split = splitQuestion(request, request.text, "file");
  try {
    const found = await find();
    return { ...found, split: isNamed(found.files) ? undefined : split };
  } catch (error) {
    if (!(error instanceof NoSplitError) || error.known.length > 0) throw error;
    return { ...await find("all"), split: { ...split, missing: error } };
  }
}

const isParquet = (start: Uint8Array) => String.fromCharCode(...start.subarray(0, 4)) === "PAR1";
