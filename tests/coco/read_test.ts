import assert from "node:assert/strict";
import { join } from "node:path";
import { cocoEval } from "../../src/coco/coco_eval.ts";
import { readCocoDetections, readCocoTruth } from "../../src/coco/read.ts";
import { cocoEvalTask } from "../../tasks/coco_eval.ts";
import { capture } from "../cli/capture.ts";
import { deno, ROOT } from "../user.ts";
import { withFolder } from "../with_folder.ts";

const images = [{ id: 1, height: 10, width: 10 }, { id: 2, height: 20, width: 20 }];
const categories = [{ id: 5, name: "dog" }, { id: 9, name: "cat" }];
const annotations = [
  {
    id: 1,
    image_id: 1,
    category_id: 5,
    bbox: [1, 1, 4, 4],
    area: 16,
    iscrowd: 0,
    segmentation: [[1, 1, 1, 5, 5, 5, 5, 1]],
  },
  {
    id: 2,
    image_id: 2,
    category_id: 9,
    bbox: [0, 0, 20, 20],
    area: 400,
    iscrowd: 1,
    segmentation: { size: [20, 20], counts: [0, 400] },
  },
];
const results = [{ image_id: 1, category_id: 5, bbox: [1, 1, 4, 4], score: 0.75 }];

/** Gives a text in pieces of some bytes. */
const pieces = (text: string, size: number) =>
  async function* () {
    const bytes = new TextEncoder().encode(text);
    for (let at = 0; at < bytes.length; at += size) {
      yield await Promise.resolve(bytes.subarray(at, at + size));
    }
  };

async function files(folder: string, texts: Record<string, unknown>): Promise<string[]> {
  return await Promise.all(
    Object.entries(texts).map(async ([name, text]) => {
      const path = join(folder, name);
      await Deno.writeTextFile(path, typeof text === "string" ? text : JSON.stringify(text));
      return path;
    }),
  );
}

Deno.test("files are read alike whatever their order and however they come in pieces", async () => {
  const orders = [{ images, annotations, categories }, { annotations, categories, images }, {
    categories,
    images,
    annotations,
  }];
  for (const iouType of ["bbox", "segm"] as const) {
    const read = await Promise.all(
      orders.flatMap((order) =>
        [7, 100, 1e6].map((size) =>
          readCocoTruth("t.json", iouType, pieces(JSON.stringify(order, null, 1), size))
        )
      ),
    );
    for (const { objects: { masks, ...objects }, images, categories, notes } of read) {
      assert.deepEqual([images, categories, notes], [
        [1, 2],
        [{ id: 5, name: "dog" }, { id: 9, name: "cat" }],
        [],
      ]);
      assert.deepEqual([...objects.images, ...objects.categories, ...objects.crowd, ...objects.areas], [
        0,
        1,
        0,
        1,
        0,
        1,
        16,
        400,
      ]);
      assert.deepEqual(objects.boxes, read[0].objects.boxes);
      if (iouType === "segm") assert.deepEqual([...masks!.get(0).runs].slice(0, 4), [11, 4, 6, 4]);
    }
    const found = await Promise.all(
      [3, 1e6].map((size) => readCocoDetections("r.json", read[0], pieces(JSON.stringify(results), size))),
    );
    assert.deepEqual(found.map(({ objects }) => [...objects.scores, ...objects.areas]), [[0.75, 16], [
      0.75,
      16,
    ]]);
  }
});

Deno.test("scores of many digits and ids beyond 2^53 are exact", async () => {
  const big = "9007199254740993", score = "0.12345678901234567";
  const truth = await readCocoTruth(
    "t.json",
    "bbox",
    pieces(
      `{"images": [{"id": ${big}}, {"id": 9007199254740992}],
    "annotations": [], "categories": [{"id": 1}]}`,
      1e6,
    ),
  );
  assert.deepEqual(truth.images, [9007199254740992n, 9007199254740993n]);
  const text = `[{"image_id": ${big}, "category_id": 1, "score": ${score}, "bbox": [0, 0, 1, 1]}]`;
  const { objects } = await readCocoDetections("r.json", truth, pieces(text, 1e6));
  assert.deepEqual([objects.images[0], objects.scores[0]], [1, Number(score)]);
});

Deno.test("files that are missing, cut short or something else are refused by name", () =>
  withFolder(async (folder) => {
    const good = { images, annotations, categories }, text = JSON.stringify(good);
    const [truth, cut, list, found, half, object, nan] = await files(folder, {
      "t.json": good,
      "cut.json": text.slice(0, -20),
      "list.json": "[]",
      "r.json": results,
      "half.json": JSON.stringify(results).slice(0, -10),
      "object.json": { results },
      "nan.json": '[{"image_id": 1, "category_id": 5, "bbox": [1, 1, 4, 4], "score": NaN}]',
    });
    await assert.rejects(cocoEval(join(folder, "no.json"), found), /no\.json: no such file/);
    await assert.rejects(cocoEval(truth, join(folder, "no.json")), /no\.json: no such file/);
    await assert.rejects(cocoEval(cut, found), /cut\.json: ends after \d+ bytes, .*cut short/);
    await assert.rejects(cocoEval(list, found), /list\.json: not a JSON object/);
    await assert.rejects(cocoEval(truth, half), /half\.json: ends after \d+ bytes/);
    await assert.rejects(cocoEval(truth, object), /object\.json: not a JSON list \(byte 0\)/);
    await assert.rejects(cocoEval(truth, nan), /nan\.json: results\[0\]: score is null or NaN/);
    await assert.rejects(cocoEval(truth, truth), /t\.json: not a JSON list/);
    await assert.rejects(cocoEval(folder, found), /cannot read|Is a directory|no permission/);
  }));

Deno.test("the command prints twelve lines and a table, or JSON", () =>
  withFolder(async (folder) => {
    const [truth, found] = await files(folder, {
      "t.json": { images, annotations: [{ ...annotations[0], id: 0 }, annotations[1]], categories },
      "r.json": results,
    });
    const { code, out, err } = await capture(cocoEvalTask, [truth, found]);
    assert.equal(code, 0, err);
    const lines = out.trimEnd().split("\n");
    assert.match(
      lines[0],
      /^ Average Precision {2}\(AP\) @\[ IoU=0\.50:0\.95 \| area= {3}all \| maxDets=100 \] = 1\.000$/,
    );
    assert.deepEqual(lines.slice(12), [
      "",
      "category  objects  detections     AP   AP50   AP75    APs  APm  APl     AR",
      "dog             1           1  100.0  100.0  100.0  100.0    –    –  100.0",
      "cat             0           0      –      –      –      –    –    –      –",
    ]);
    assert.match(err, /^note: 1 annotation has an id below 1/);
    const json = await capture(cocoEvalTask, [
      truth,
      found,
      "--iou-type",
      "segm",
      "--json",
      "--max-detections",
      "1,2,3",
    ]);
    const { iouType, summary, categories: rows, pictures, notes } = JSON.parse(json.out);
    assert.deepEqual([iouType, pictures, rows.length, notes.length], ["segm", 2, 2, 1]);
    assert.ok(Math.abs(summary.AP - 1) < 1e-12);
    const agnostic = await capture(cocoEvalTask, [truth, found, "--no-categories"]);
    assert.match(agnostic.out, /all categories/);
    assert.equal((await capture(cocoEvalTask, [truth, found, "--max-detections", "1,2"])).code, 2);
    assert.equal((await capture(cocoEvalTask, [truth, truth])).code, 1);
  }));

Deno.test("annotations of any size are read in little memory", async () => {
  // 26 MB of text, whose objects would take several times as much were they all kept; V8 gets 24 MB.
  const program = `
    import { readCocoTruth } from "./src/coco/read.ts";
    const points = Array.from({ length: 2000 }, (_, i) => i + 0.25).join();
    const line = (id) => '{"id":' + id + ',"image_id":1,"category_id":1,"bbox":[1,2,3,4],"area":12,"iscrowd":0,"segmentation":[[' + points + ']]}';
    async function* chunks() {
      const encoder = new TextEncoder();
      yield encoder.encode('{"images":[{"id":1,"width":9,"height":9}],"annotations":[');
      for (let id = 1; id <= 2000; id++) yield encoder.encode((id > 1 ? "," : "") + line(id));
      yield encoder.encode('],"categories":[{"id":1,"name":"a"}]}');
    }
    let bytes = 0;
    for await (const chunk of chunks()) bytes += chunk.length;
    const { objects } = await readCocoTruth("t.json", "bbox", chunks);
    console.log(JSON.stringify({ count: objects.areas.length, bytes }));
  `;
  const { code, out, err } = await deno(ROOT, [
    "eval",
    "--no-check",
    "--v8-flags=--max-heap-size=24",
    program,
  ]);
  assert.equal(code, 0, err);
  const { count, bytes } = JSON.parse(out);
  assert.equal(count, 2000);
  assert.ok(bytes > 25e6, `${bytes}`);
});
