import assert from "node:assert/strict";
import { join } from "node:path";
import { encodePng } from "../../../src/data/picture/png.ts";
import { crc32c, tfRecord } from "../../../src/files/tf_record.ts";
import { openEventFile, withEvents } from "../../../src/train/run/event_file.ts";
import { openMetrics, readMetrics } from "../../../src/train/run/metrics_file.ts";
import { withFolder } from "../../with_folder.ts";

/** Looks at a folder as TensorBoard does, and prints what it finds as JSON. */
const READER = `
import json, sys
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
events = EventAccumulator(sys.argv[1], size_guidance={"scalars": 0, "images": 0})
events.Reload()
tags = events.Tags()
print(json.dumps({
    "scalars": {tag: [[e.step, e.value] for e in events.Scalars(tag)] for tag in tags["scalars"]},
    "images": {tag: [[e.step, e.width, e.height, len(e.encoded_image_string)] for e in events.Images(tag)] for tag in tags["images"]},
}))
`;

/** Why TensorBoard cannot be asked here; undefined where it can. */
async function withoutTensorBoard(): Promise<string | undefined> {
  try {
    const asked = new Deno.Command("python3", {
      args: ["-c", "import tensorboard"],
      stdout: "null",
      stderr: "null",
    });
    return (await asked.output()).success ? undefined : "python3 has no tensorboard";
  } catch {
    return "there is no python3";
  }
}

/** Writes what two lives of a run leave: the second one goes on after step 2 of 3. */
async function twoLives(folder: string): Promise<{ png: Uint8Array }> {
  let time = 1.7e12;
  const now = () => time += 500;
  const png = encodePng({ width: 3, height: 2, data: new Uint8Array(18).fill(77) });
  const first = await openEventFile(folder, 0, now);
  for (const step of [1, 2, 3]) first.scalars(step, { "training/loss": 1 / step });
  first.close();
  const second = await openEventFile(folder, 2, now);
  second.scalars(3, { "training/loss": 7.5, "knn/top1 – ü": 0.25 });
  second.pictures(3, { reconstruction: { width: 3, height: 2, encoded: png } });
  second.close();
  return { png };
}

Deno.test("records: CRC-32C and its mask have their known values", () => {
  const text = new TextEncoder();
  // RFC 3720, B.4, and the check value of the polynomial.
  assert.equal(crc32c(text.encode("123456789")), 0xe3069283);
  assert.equal(crc32c(new Uint8Array(32)), 0x8a9136aa);
  assert.equal(crc32c(new Uint8Array(32).fill(255)), 0x62a8ab43);
  const record = tfRecord(text.encode("123456789")), view = new DataView(record.buffer);
  assert.equal(view.getBigUint64(0, true), 9n);
  const mask = (crc: number) => (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0;
  assert.equal(view.getUint32(8, true), mask(crc32c(record.subarray(0, 8))));
  assert.equal(view.getUint32(21, true), mask(0xe3069283));
  assert.equal(record.length, 25);
});

Deno.test("event files: the bytes of an event", () =>
  withFolder(async (folder) => {
    const file = await openEventFile(folder, 299, () => 1_000_000);
    file.scalars(300, { a: 0.5 });
    file.close();
    const [{ name }] = [...Deno.readDirSync(folder)];
    assert.match(name, /^events\.out\.tfevents\.0000001000\./);
    const bytes = Deno.readFileSync(join(folder, name)), events: number[][] = [];
    for (let at = 0; at < bytes.length;) {
      const length = Number(new DataView(bytes.buffer, at).getBigUint64(0, true));
      events.push([...bytes.subarray(at + 12, at + 12 + length)]);
      at += length + 16;
    }
    const time = [9, 0, 0, 0, 0, 0, 64, 143, 64]; // 1000 seconds
    const step300 = [16, 172, 2];
    assert.deepEqual(events, [
      [...time, 16, 0, 26, 13, ...new TextEncoder().encode("brain.Event:2")],
      [...time, ...step300, 58, 2, 8, 1],
      [...time, ...step300, 42, 10, 10, 8, 10, 1, 97, 21, 0, 0, 0, 63],
    ]);
  }));

Deno.test("event files: metrics go there too, and a file that fails is left without harm", () =>
  withFolder(async (folder) => {
    const path = join(folder, "metrics.jsonl"), lines: string[] = [], seen: unknown[] = [];
    const scalars = (step: number, values: Record<string, number>) => {
      seen.push([step, values]);
      if (step === 2) throw new Error("no space");
    };
    const log = withEvents(
      await openMetrics(path, 0),
      { scalars, pictures() {}, close() {} },
      (line) => lines.push(line),
    );
    const line = { epoch: 0, loss: 1, lr: 0.1, wd: 0, imagesPerSecond: 1, waiting: 0, bad: 0 };
    log.write({ step: 1, ...line });
    log.write({ step: 1, epoch: 0, evaluator: "knn", seconds: 2, top1: 0.5, none: null });
    for (const step of [2, 3]) log.write({ step, ...line });
    log.close();
    assert.deepEqual(seen.slice(1), [[1, { "knn/epoch": 0, "knn/top1": 0.5 }], [
      2,
      Object.fromEntries(
        Object.entries(line).map(([name, value]) => [`training/${name}`, value]),
      ),
    ]]);
    assert.deepEqual(lines, ["TensorBoard's files are not written any more: no space"]);
    assert.equal((await readMetrics(path)).length, 3);
  }));

const ignore = await withoutTensorBoard();
Deno.test({
  name: `event files: TensorBoard reads them, and forgets what a resumed run does again${
    ignore ? ` (${ignore})` : ""
  }`,
  ignore: ignore !== undefined,
  fn: () =>
    withFolder(async (folder) => {
      const { png } = await twoLives(folder);
      const read = new Deno.Command("python3", { args: ["-c", READER, folder], stderr: "null" });
      const found = JSON.parse(new TextDecoder().decode((await read.output()).stdout));
      assert.deepEqual(found, {
        scalars: { "training/loss": [[1, 1], [2, 0.5], [3, 7.5]], "knn/top1 – ü": [[3, 0.25]] },
        images: { reconstruction: [[3, 3, 2, png.length]] },
      });
    }),
});
