import { type SourceFormat, SPLIT } from "../format.ts";
import { withPassedOver } from "../joined.ts";
import { requestedFiles } from "../named_paths.ts";
import { isParquetEmbedding } from "../parquet/embedding.ts";
import { openParquet } from "../parquet/open.ts";
import { openRight } from "../right_files.ts";

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
  endings: [".parquet"],
  remote: true,
  options: [
    SPLIT,
    { name: "column", value: "NAME", help: "the pictures' column, if there are several", inQuery: true },
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
    const { files, passedOver } = await requestedFiles(request, [".parquet"], UNFINISHED, FEATURES);
    const open = () => openParquet(files, { name, column, label, labels, classes, http });
    return withPassedOver(await openRight(files, isParquet, open), passedOver);
  },
};

const isParquet = (start: Uint8Array) => String.fromCharCode(...start.subarray(0, 4)) === "PAR1";
