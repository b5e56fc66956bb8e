/** The evaluation alone in a process of its own: coco_ours.ts GT RESULTS bbox|segm. Prints one line of JSON, as the peer does. */
import { evaluateCoco } from "../src/coco/evaluate.ts";
import { readCocoDetections, readCocoTruth } from "../src/coco/read.ts";
import { summarizeCoco } from "../src/coco/summary.ts";
import type { IouType } from "../src/coco/types.ts";

/** The most memory that this process has held, in bytes; undefined where the system does not tell. Deno gives /proc only to -A. */
function peakMemory(): number | undefined {
  if (Deno.build.os !== "linux") return undefined;
  const kilobytes = /^VmHWM:\s+(\d+) kB$/m.exec(Deno.readTextFileSync("/proc/self/status"))?.[1];
  return kilobytes === undefined ? undefined : Number(kilobytes) * 1024;
}

if (import.meta.main) {
  const [truthFile, resultsFile, iouType] = Deno.args;
  const truth = await readCocoTruth(truthFile, iouType as IouType);
  const found = await readCocoDetections(resultsFile, truth);
  const start = performance.now(), stats = Object.values(summarizeCoco(evaluateCoco(truth, found)));
  console.log(JSON.stringify({ stats, seconds: (performance.now() - start) / 1000, peak: peakMemory() }));
}
