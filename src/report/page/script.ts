import { browser } from "../../web/browser.ts";
import { element } from "../../web/element.ts";
import { chartGrid } from "./chart_grid.ts";
import { chartOptions, chartSpecs, chartTable, drawChart } from "./charts.ts";
import { numberText, partKeeper, place, shareText, table, unfolding } from "./elements.ts";
import {
  detectionsCard,
  figureCards,
  figuresAt,
  figuresPart,
  figuresTable,
  mapPart,
  neighboursPart,
  pictureName,
  thumbnail,
} from "./figures.ts";
import { dataPart, machinePart, settingsPart, summaryPart, tablePart } from "./parts.ts";
import { follow, hasFigures, pageSections, start } from "./start.ts";

/** Everything that runs in the page. A function's own text has no types any more when this program runs. */
const FUNCTIONS: readonly ((...values: never[]) => unknown)[] = [
  ...[browser, element, partKeeper, place, table, unfolding, numberText, shareText],
  ...[chartSpecs, chartTable, chartOptions, drawChart, chartGrid],
  ...[tablePart, summaryPart, dataPart, settingsPart, machinePart],
  ...[
    thumbnail,
    pictureName,
    neighboursPart,
    mapPart,
    figuresTable,
    figureCards,
    detectionsCard,
    figuresAt,
    figuresPart,
  ],
  ...[hasFigures, pageSections, follow, start],
];

/** The page's own script: the functions of this folder, and the call that begins. It needs the library's before it. */
export function pageScript(): string {
  return `"use strict";\n${FUNCTIONS.map(String).join("\n")}\nstart(uPlot);\n`;
}
