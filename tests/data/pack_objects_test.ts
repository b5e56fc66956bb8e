import assert from "node:assert/strict";
import { closeData, openedOf } from "../../src/data/open/data.ts";
import { openData } from "../../src/data/open/open_data.ts";
import { take } from "../../src/data/iter.ts";
import { pack } from "../../src/data/pack.ts";
import { decodePicture } from "../../src/data/picture/decode.ts";
import { select } from "../../src/data/sources/select.ts";
import { streamBatches } from "../../src/data/stream.ts";
import type { Batch, Source } from "../../src/data/types.ts";
import { packTask } from "../../tasks/pack.ts";
import { capture } from "../cli/capture.ts";
import { smallStream } from "./helpers.ts";
import { A, annotation, HEIGHT, image, json, miniCoco, painted, WIDTH } from "./mini_coco.ts";
import { makeFolder, withFolder, writeFiles } from "./pictures.ts";
import { tarFile } from "./tar_writer.ts";

async function open(uri: string, objects = true): Promise<Source> {
  const opened = openedOf(await openData(uri, { objects }));
  assert.equal(opened.access, "random");
  return (opened as { source: Source }).source;
}

/** Everything that a source says of its records. */
async function contents(source: Source) {
  const indices = Array.from({ length: source.length }, (_, i) => i);
  const records = await Promise.all(indices.map((i) => source.get(i)));
  return { labels: source.labels, records, objects: indices.map((i) => source.objects?.(i)) };
}

Deno.test("boxes are packed with their pictures, over as many shards as the size asks", () =>
  withFolder(async (folder) => {
    await miniCoco(folder);
    const source = await open(`coco:${folder}`);
    for (const [name, shardSize] of [["one", 2 ** 20], ["each", 1]] as const) {
      const report = await pack(source, `${folder}/${name}`, { shardSize });
      assert.deepEqual([report.objects, report.withoutObjects, report.version], [3, [], 2]);
      assert.equal(report.shards, name === "one" ? 1 : 4);
      const packed = await open(`${folder}/${name}`);
      assert.deepEqual(await contents(packed), await contents(source));
      assert.throws(() => packed.objects!(4), /record 4 is not one of 0 … 3/);
      // A pack is packed again, in another order.
      await pack(select(packed, [3, 1, 0]), `${folder}/${name}-again`);
      const again = await open(`${folder}/${name}-again`);
      assert.deepEqual(await contents(again), await contents(select(source, [3, 1, 0])));
      const without = await open(`${folder}/${name}`, false);
      assert.equal(without.objects, undefined);
      for (const one of [packed, again, without]) await one.close();
    }
    // Nobody asked for boxes: such shards are what they were before there were any.
    for (const [name, objects] of [["plain", false], ["left-out", true]] as const) {
      const report = await pack(await open(`coco:${folder}`, objects), `${folder}/${name}`, {
        objects: false,
      });
      assert.deepEqual([report.objects, report.withoutObjects, report.version], [null, [], 1]);
      const packed = await open(`${folder}/${name}`);
      assert.equal(packed.objects, undefined);
      assert.throws(
        () => streamBatches(packed, { ...smallStream(16, { batchSize: 2, seed: 1 }), withObjects: true }),
        /has no annotated objects; open it with objects, which COCO's format and packs of it have/,
      );
      await packed.close();
    }
    await source.close();
  }));

Deno.test("boxes of a pack come with batches as those of its source: by threads, in mixtures, after a resume", () =>
  withFolder(async (folder) => {
    await miniCoco(`${folder}/coco`);
    for (const split of ["train", "val"]) {
      const source = await open(`coco:${folder}/coco#split=${split}`);
      await pack(source, `${folder}/${split}`, { shardSize: 300 });
      await source.close();
    }
    const first = async (uri: string, more: { from?: Batch["next"]; workers: number }) => {
      const data = await openData(uri, { objects: true });
      const options = { ...smallStream(16, { batchSize: 2, seed: 5, ...more }), withObjects: true };
      const batches = await Array.fromAsync(take(streamBatches(data, options), 4));
      await closeData(data);
      return batches.map(({ keys, objects, base, next }) => ({ keys, objects, base, next }));
    };
    const plain = (batches: Awaited<ReturnType<typeof first>>) =>
      batches.map(({ keys, objects, base }) => ({ keys, objects, base: [...base] }));
    const coco = `coco:${folder}/coco`, shards = `${folder}/train`, val = `${folder}/val`;
    // The second is a mixture of a folder and of shards.
    const pairs = [[coco, shards], [`${coco}*1,${coco}#split=val*2`, `${coco}*1,${val}*2`]];
    for (const [loose, packed] of pairs) {
      const wanted = await first(loose, { workers: 1 });
      assert.ok(wanted.some(({ objects }) => objects!.some(({ classes }) => classes.length > 0)));
      const found = await first(packed, { workers: packed === shards ? 2 : 1 });
      assert.deepEqual(plain(found), plain(wanted), packed);
      const rest = await first(packed, { workers: 1, from: found[0].next });
      assert.deepEqual(plain(rest).slice(0, 3), plain(wanted).slice(1), packed);
    }
  }));

Deno.test("pack makes boxes smaller with their pictures", () =>
  withFolder(async (folder) => {
    await miniCoco(folder);
    await writeFiles(folder, { "train2017/a.png": await painted([A], 2) });
    const source = await open(`coco:${folder}`);
    await pack(source, `${folder}/small`, { maxSide: 24, quality: 100 });
    await pack(source, `${folder}/raw`, { raw: 24 });
    // The first picture is twice as large as its annotations say: boxes follow the size that they state.
    for (const [name, width, height] of [["small", 24, 16], ["raw", 24, 24]] as const) {
      const packed = await open(`${folder}/${name}`);
      for (let i = 0; i < packed.length; i++) {
        const { bytes } = await packed.get(i),
          picture = await decodePicture(bytes),
          found = packed.objects!(i);
        assert.deepEqual([picture.width, picture.height], [width, height]);
        assert.deepEqual([found.width, found.height], [width, height]);
        const { boxes, ...rest } = source.objects!(i), [sx, sy] = [width / WIDTH, height / HEIGHT];
        found.boxes.forEach((edge, k) => {
          assert.ok(Math.abs(edge - boxes[k] * (k % 2 === 0 ? sx : sy)) < 1e-9);
          assert.ok(edge <= (k % 2 === 0 ? width : height));
        });
        assert.deepEqual([found.classes, found.crowd], [rest.classes, rest.crowd]);
        const white = (x: number, y: number) => picture.data[(y * width + x) * 3] > 127;
        for (let y = 0; y < height; y++) {
          for (let x = 0; x < width; x++) {
            const inside = found.classes.some((_, n) => {
              const [x0, y0, x1, y1] = found.boxes.subarray(4 * n, 4 * n + 4);
              return x + 0.5 > x0 && x + 0.5 < x1 && y + 0.5 > y0 && y + 0.5 < y1;
            });
            assert.equal(white(x, y), inside, `${name}, picture ${i}, pixel ${x}, ${y}`);
          }
        }
      }
      await packed.close();
    }
    // Pictures that are small enough stay as they are, and so do their boxes.
    await pack(select(source, [1, 2]), `${folder}/large`, { maxSide: 64 });
    const large = await open(`${folder}/large`);
    assert.deepEqual(await contents(large), await contents(select(source, [1, 2])));
    await large.close();
    await source.close();
  }));

Deno.test("the task packs boxes, and says of which sources they are left out", () =>
  withFolder(async (folder) => {
    await miniCoco(`${folder}/coco`);
    await makeFolder(`${folder}/photos`, 3);
    await Deno.writeFile(`${folder}/a.tar`, tarFile([{ name: "0.png", content: await painted([A]) }]));
    const run = (...args: string[]) => capture(packTask, args);
    const good = await run(`coco:${folder}/coco`, `${folder}/good`);
    assert.equal(good.code, 0, good.err);
    assert.match(good.out, /4 pictures, .* 1 shard, 2 classes, 3 boxes$/m);
    assert.match(good.out, /passed over: .*2 box(es)? .*has no area within its picture/);
    for (const other of ["photos", "a.tar"]) {
      const mixed = await run(`coco:${folder}/coco,${folder}/${other}`, `${folder}/mixed-${other}`);
      assert.equal(mixed.code, 0, mixed.err);
      assert.match(mixed.out, new RegExp(`boxes are left out, .*${other} has none`));
      assert.doesNotMatch(mixed.out, /class(es)?, \d+ box/);
      const report = JSON.parse(await Deno.readTextFile(`${folder}/mixed-${other}/report.json`));
      assert.deepEqual([report.objects, report.withoutObjects], [null, [`${folder}/${other}`]]);
    }
    const photos = await run(`${folder}/photos`, `${folder}/packed`);
    assert.doesNotMatch(photos.out, /box/);
    const none = await run(`coco:${folder}/coco`, `${folder}/none`, "--no-boxes");
    assert.equal(none.code, 0, none.err);
    assert.doesNotMatch(none.out, /box/);
  }));

Deno.test("pictures without a size can be packed without their boxes, and lists of pictures have none", () =>
  withFolder(async (folder) => {
    const pictures = [{ id: 1, file_name: "a.png" }],
      more = { annotations: [annotation(1, A)], categories: [] };
    await writeFiles(folder, {
      "p/a.png": await painted([A]),
      "annotations/instances_p.json": json({ images: pictures, ...more }),
      "q/a.png": await painted([A]),
      "annotations/image_info_q.json": json({ images: [image(1, "a.png")], categories: more.categories }),
    });
    const refused = await capture(packTask, [`coco:${folder}/p`, `${folder}/dest`]);
    assert.equal(refused.code, 1);
    assert.match(refused.err, /a\.png has no width and height, .*leave the boxes out \(pack --no-boxes\)$/m);
    assert.equal((await capture(packTask, [`coco:${folder}/p`, `${folder}/dest`, "--no-boxes"])).code, 0);
    const listed = await open(`coco:${folder}/q`);
    assert.equal(listed.objects, undefined);
    await listed.close();
    await assert.rejects(
      openData(`coco:${folder}/q`, { objects: true, classes: false }),
      /objects have classes: ask for both/,
    );
  }));
