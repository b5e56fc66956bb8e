import { type SourceFormat, SPLIT } from "../format.ts";
import { withPassedOver } from "../joined.ts";
import { requestedFiles } from "../named_paths.ts";
import { openParquet } from "../parquet/open.ts";

/** Parquet as Hugging Face's datasets store pictures. */
export const parquet: SourceFormat = {
  name: "parquet",
  aliases: ["hf-parquet"],
  title: "Parquet",
  endings: [".parquet"],
  remote: true,
  options: [
    SPLIT,
    { name: "column", value: "NAME", help: "the pictures' column, where there are several", inQuery: true },
    {
      name: "label",
      value: "NAME",
      help: "the classes' column, or its path in structs (meta.class), where its name does not tell",
      inQuery: true,
    },
  ],
  shortOption: "split",
  examples: [
    ["parquet:./folder", "a folder of Parquet files as Hugging Face's datasets store pictures"],
    ["train-{0..3}.parquet", "the files themselves, also over http(s)"],
  ],
  recognise: ({ start }) => String.fromCharCode(...start.subarray(0, 4)) === "PAR1",
  async open(request) {
    const { text: name, options: { column, label }, labels, classes, http } = request;
    const { files, passedOver } = await requestedFiles(request, [".parquet"]);
    return withPassedOver(
      await openParquet(files, { name, column, label, labels, classes, http }),
      passedOver,
    );
  },
};
