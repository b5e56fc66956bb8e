/** What a report shows, as plain data that goes into the page as JSON. */

/** Curves over the steps of a run, down-sampled: where lines were put together, a value stands twice, least and most. */
export interface Curves {
  /** Lines that they were made of. */
  lines: number;
  /** Lines in one point of a curve; 1 where nothing was put together. */
  perPoint: number;
  /** Steps, rising. */
  steps: number[];
  /** Values by name, one for each of `steps`; null where there is none. */
  values: Record<string, (number | null)[]>;
  /** The last value of each. */
  last: Record<string, number>;
}

/** What a run's metrics.jsonl holds. */
export interface MetricsCurves {
  /** Of the steps: the loss and its terms, rates, throughput. */
  training: Curves;
  /** Of the evaluators, by their names. */
  evaluators: Record<string, Curves>;
  /** What could not be used of the file, as lines for people. */
  notes: string[];
}

/** A setting that differs from the preset's. */
export interface Difference {
  key: string;
  value: string;
  preset: string;
}

/** A table of labels and texts. */
export type Rows = [label: string, text: string][];

/** What a run's data came to. */
export interface DataReport {
  /** Records by what came of them. */
  counts: Rows;
  /** What is to be said besides. */
  notes: string[];
  /** Records that could not be read, of bad.jsonl. */
  bad: number;
  /** The first of them. */
  shown: { source: string; key: string; reason: string }[];
}

/** What was drawn after some steps. Addresses of pictures are `data:` addresses in a page that stands alone, else relative. */
export interface ReportFigures {
  step: number;
  reconstruction: string;
  attention: string;
  map: [x: number, y: number][];
  explained: [x: number, y: number];
  neighbours: { query: number; nearest: [index: number, cosine: number][] }[];
  mass: number;
  heads: number;
}

/** The pictures that figures are about. */
export interface ReportGallery {
  /** The address of all thumbnails, in rows. */
  address: string;
  side: number;
  columns: number;
  /** Names of the pictures, and the number of their class; −1 for none. */
  keys: string[];
  classes: number[];
  labels: string[];
}

/** All that is shown of a run. */
export interface RunReport {
  /** A short name that no other run of the report has. */
  name: string;
  /** The folder, as it was named. */
  folder: string;
  metrics: MetricsCurves;
  preset: string;
  differences: Difference[];
  /** All settings as texts, for the table of differences between runs. */
  settings: Record<string, string>;
  /** How to do it again; empty where the configuration cannot be read. */
  command: string;
  /** Machine, engine and versions, of the last start. */
  machine: Rows;
  /** Starts of the run: one, and one for each time that it was resumed. */
  starts: number;
  data: DataReport;
  /** Figures, oldest first; of very many, some. */
  figures: ReportFigures[];
  gallery: ReportGallery | null;
  /** The address of reconstruction.png, where a run has no other figures; else empty. */
  picture: string;
  /** The address of detections.png, which shows what a detector finds in test pictures; empty where there is none. */
  detections: string;
  /** What is missing or broken, as lines for people. */
  notes: string[];
}

/** A table above the runs, such as that of an ablation. */
export interface ReportTable {
  title: string;
  headings: string[];
  rows: string[][];
  /** What the reader has to know, a sentence each. */
  notes: string[];
}

/** All that a page shows. */
export interface Report {
  version: 1;
  /** When it was made, ISO 8601. */
  made: string;
  /** Seconds between two looks for something new; 0 for a page that stands alone. */
  refresh: number;
  /** Tables that stand above the runs. Default: none. */
  tables?: ReportTable[];
  runs: RunReport[];
}
