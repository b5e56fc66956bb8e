/** One pass over a source, for bench memory: prints the resident memory after so many records, as JSON. */
import { openData } from "../src/data/open/open_data.ts";
import { streamBatches } from "../src/data/stream.ts";
import { DEFAULT_VIEWS } from "../src/views/sample.ts";

const [uri, ...marks] = Deno.args;
const imageSize = 16, batchSize = 50;
const data = await openData(uri);
const resident: number[] = [];
let done = 0;
// Nothing is cached: a pass over what is kept for later ones would measure that. Batches are given up as the trainer does.
const views = { ...DEFAULT_VIEWS, imageSize };
const options = { imageSize, batchSize, seed: 0, views, cacheBytes: 0, keep: 2 };
for await (const batch of streamBatches(data, options)) {
  done += batch.indices.length;
  if (done < Number(marks[resident.length]) - batchSize) continue;
  resident.push(Deno.memoryUsage().rss);
  if (resident.length === marks.length) break;
}
await (data.access === "mixed" ? data.close() : data.source.close());
console.log(JSON.stringify(resident));
