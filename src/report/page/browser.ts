import type { PageElement } from "../../web/browser.ts";

/** Numbers of a chart: steps, and for each line its values. */
export type ChartData = [number[], ...(number | null)[][]];

/** A chart of the library. */
export interface LibraryChart {
  readonly data: ChartData;
  readonly cursor: { readonly idx?: number | null };
  setData(data: ChartData, resetScales: boolean): void;
  setCursor(at: { left: number; top: number }): void;
  valToPos(value: number, scale: "x"): number;
  destroy(): void;
}

/** What is used of the chart library, uPlot. */
export interface ChartLibrary {
  new (options: Readonly<Record<string, unknown>>, data: ChartData, into: PageElement): LibraryChart;
  /** Puts the steps of several lines together. */
  join(tables: ChartData[]): ChartData;
}
