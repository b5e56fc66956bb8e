/** Made-up annotations and detections of COCO's size. */
import { join } from "node:path";
import { textFromRuns } from "../src/coco/mask.ts";
import { type RandomStream, randomStream } from "../src/random.ts";

/** How much is made. val2017 has 5,000 pictures and 36,781 boxes. */
export interface MadeSize {
  pictures: number;
  objects: number;
  categories: number;
  /** Of each picture. */
  detections: number;
  /** Corners of each object's outline. */
  corners: number;
}

const WIDTH = 640, HEIGHT = 480;
const twoDigits = (value: number) => Math.round(value * 100) / 100;

/** Boxes of all of COCO's sizes: most are small. */
function madeBox(random: RandomStream): number[] {
  const width = Math.exp(random.uniform(1.5, 6)),
    height = Math.min(HEIGHT, width * Math.exp(random.uniform(-0.8, 0.8)));
  return [random.uniform(0, WIDTH - width), random.uniform(0, HEIGHT - height), width, height].map(twoDigits);
}

/** An ellipse in a box as a polygon. */
function ellipse([x, y, width, height]: readonly number[], corners: number): number[] {
  return Array.from({ length: corners }, (_, i) => {
    const angle = 2 * Math.PI * i / corners;
    return [x + width * (1 + Math.cos(angle)) / 2, y + height * (1 + Math.sin(angle)) / 2].map(twoDigits);
  }).flat();
}

/** An ellipse in a box as COCO's text of run lengths, which go down the columns. */
function ellipseText([x, y, width, height]: readonly number[]): string {
  const runs: number[] = [], [rx, ry] = [width / 2, height / 2];
  let end = 0;
  for (let column = Math.max(0, Math.floor(x)); column < Math.min(WIDTH, x + width); column++) {
    const reach = ry * Math.sqrt(Math.max(0, 1 - ((column + 0.5 - x - rx) / rx) ** 2));
    const from = Math.max(0, Math.round(y + ry - reach)), to = Math.min(HEIGHT, Math.round(y + ry + reach));
    if (to <= from) continue;
    const start = column * HEIGHT + from;
    // A column that is full to its end goes on in the next.
    if (start === end && runs.length > 0) runs[runs.length - 1] += to - from;
    else runs.push(start - end, to - from);
    end = column * HEIGHT + to;
  }
  return textFromRuns([...runs, HEIGHT * WIDTH - end]);
}

/** Writes texts one behind the other. */
async function writeTexts(path: string, texts: Iterable<string>): Promise<void> {
  using file = await Deno.create(path);
  const encoder = new TextEncoder();
  let held = "";
  const flush = async () => {
    const bytes = encoder.encode(held);
    for (let at = 0; at < bytes.length;) at += await file.write(bytes.subarray(at));
    held = "";
  };
  for (const text of texts) {
    held += text;
    if (held.length > 2 ** 20) await flush();
  }
  await flush();
}

/** Texts with commas between them. */
function* listed(texts: Iterable<string>): Generator<string> {
  let first = true;
  for (const text of texts) {
    yield first ? text : `,${text}`;
    first = false;
  }
}

/**
 * Writes annotations and detections. Half of the detections are near an object, the others anywhere; one object in a hundred is a
 * crowd.
 *
 * @param folder Where the files go.
 * @param size How much.
 * @param masks With masks: polygons for objects, run lengths for detections.
 * @returns The paths of both files and the count of detections.
 */
export async function makeCocoFiles(
  folder: string,
  { pictures, objects, categories, detections, corners }: MadeSize,
  masks: boolean,
): Promise<{ truth: string; results: string; count: number }> {
  const truth = join(folder, "truth.json"), results = join(folder, "results.json");
  const random = randomStream(1, "test"), boxes: { picture: number; category: number; box: number[] }[] = [];
  for (let i = 0; i < objects; i++) {
    const picture = i < pictures ? i : random.integer(0, pictures - 1);
    boxes.push({ picture, category: random.integer(0, categories - 1), box: madeBox(random) });
  }
  const images = Array.from({ length: pictures }, (_, i) => ({
    id: 139 + 116 * i,
    file_name: `${String(139 + 116 * i).padStart(12, "0")}.jpg`,
    ...{ width: WIDTH, height: HEIGHT },
  }));
  const names = Array.from({ length: categories }, (_, i) => ({ id: i + 1, name: `category ${i + 1}` }));
  await writeTexts(truth, [
    `{"images":${JSON.stringify(images)},"annotations":[`,
    ...listed(boxes.map(({ picture, category, box }, i) =>
      JSON.stringify({
        ...{ id: i + 1, image_id: images[picture].id, category_id: category + 1, bbox: box },
        ...{
          area: twoDigits(box[2] * box[3] * 0.7),
          iscrowd: i % 100 === 99 ? 1 : 0,
          segmentation: [ellipse(box, corners)],
        },
      })
    )),
    `],"categories":${JSON.stringify(names)}}`,
  ]);
  const byPicture = Map.groupBy(boxes, ({ picture }) => picture);
  let count = 0;
  function* found(): Generator<string> {
    for (let picture = 0; picture < pictures; picture++) {
      const own = byPicture.get(picture) ?? [];
      for (let i = 0; i < detections; i++, count++) {
        const like = own.length > 0 && i < detections / 2
          ? own[random.integer(0, own.length - 1)]
          : undefined;
        const box = like?.box.map((value, side) =>
          twoDigits(value + random.normal() * like.box[2 + side % 2] / 20)
        ) ??
          madeBox(random);
        const category = like && random.uniform() < 0.8 ? like.category : random.integer(0, categories - 1);
        const entry = { image_id: images[picture].id, category_id: category + 1, score: random.uniform() };
        yield JSON.stringify(
          masks
            ? { ...entry, segmentation: { size: [HEIGHT, WIDTH], counts: ellipseText(box) } }
            : { ...entry, bbox: box },
        );
      }
    }
  }
  await writeTexts(results, wrapped(listed(found())));
  return { truth, results, count };
}

/** Texts in the brackets of a list. */
function* wrapped(texts: Iterable<string>): Generator<string> {
  yield "[";
  yield* texts;
  yield "]";
}
