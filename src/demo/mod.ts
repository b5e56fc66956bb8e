/**
 * The demo data, emoji drawn by two hands, and what a run on them is judged by.
 *
 * @module
 */
export { type DemoShards, prepareDemo } from "./pack.ts";
export { evaluateDemo, type EvaluateDemoOptions } from "./demo_table.ts";
export { formatTable, type Score, type Table, type TableRow } from "./table_text.ts";
export { demoEvaluators, type DemoEvaluatorsOptions } from "./evaluators.ts";
export { endEvaluators, figureEvaluator, type Look } from "./looks.ts";
export { shortenDemo, shortenedNotes } from "./shorten.ts";
