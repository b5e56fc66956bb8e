import type { SourceFormat } from "../format.ts";
import { requestedPath } from "../named_paths.ts";
import { isMarket, openMarket } from "../people/market.ts";
import { PART, requestedPart } from "../people/parts.ts";

/** The layout of Market-1501. */
export const market: SourceFormat = {
  name: "market",
  title: "Market-1501",
  endings: [],
  remote: false,
  options: [PART],
  shortOption: "split",
  examples: [[
    "market:./Market-1501",
    "Market-1501: its training pictures; #query and #gallery are its test",
  ]],
  recognise: ({ entries }) => entries !== null && isMarket(entries),
  async open(request) {
    return await openMarket(await requestedPath(request), requestedPart(request));
  },
};
