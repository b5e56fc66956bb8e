import type { FormatOption, SourceFormat } from "../format.ts";
import { requestedPath } from "../named_paths.ts";
import { PART, requestedPart } from "../people/parts.ts";
import { openSysu } from "../people/sysu.ts";

const META: FormatOption = {
  name: "meta",
  value: "none",
  help: "take all pictures of query or gallery where the lists in meta/ are missing",
};

/** The layout of SYSU-30k. */
export const sysu: SourceFormat = {
  name: "sysu",
  title: "SYSU-30k",
  endings: [],
  remote: false,
  options: [PART, META],
  shortOption: "split",
  examples: [
    ["sysu:./SYSU-30k", "SYSU-30k: its training folders or their tars; #query and #gallery are its test"],
  ],
  async open(request) {
    const { meta } = request.options;
    if (meta !== undefined && meta !== "none") {
      throw new Error(`${request.text}: meta is "${meta}"; only none can be said of it`);
    }
    return await openSysu(await requestedPath(request), requestedPart(request), {
      lists: meta !== "none",
      progress: request.progress,
    });
  },
};
