/** Sources, galleries and progress of a program's own classes: with private fields, accessors and methods that use `this`. */
import assert from "node:assert/strict";
import { join } from "node:path";
import type { ImageRecord, PictureObjects, Source } from "../src/data/types.ts";
import { annotatedSource, trainingPictures } from "../src/detect/annotated.ts";
import { openWasm } from "../src/engine/wasm.ts";
import { type Gallery, keptGallery } from "../src/eval/search/gallery.ts";
import { checkedPictures, pickPictures } from "../src/finetune/labelled.ts";
import { resolveConfig } from "../src/train/config/config.ts";
import { disposeTree } from "../src/train/state.ts";
import { train } from "../src/train/train.ts";
import { SMALL } from "./user.ts";
import { withFolder } from "./with_folder.ts";

/** Pictures of one colour each, in memory. */
class Colours implements Source {
  #colours: readonly number[];
  constructor(...colours: number[]) {
    this.#colours = colours;
  }
  get uri() {
    return "memory:colours";
  }
  get length() {
    return this.#colours.length;
  }
  get labels() {
    return ["dark", "light"];
  }
  get(index: number): Promise<ImageRecord> {
    const bytes = new TextEncoder().encode(`P3 1 1 255 ${this.#colours[index]} 0 0\n`);
    return Promise.resolve({ key: `colour ${this.#colours[index]}`, bytes, label: 0 });
  }
  key(index: number) {
    return Promise.resolve(`colour ${this.#colours[index]}`);
  }
  objects(index: number): PictureObjects {
    return {
      ...{ width: 8, height: 8, crowd: Uint8Array.of(0), classes: Int32Array.of(1) },
      boxes: Float64Array.of(0, 0, 2 + this.#colours[index] % 4, 4),
    };
  }
  close() {
    return Promise.resolve();
  }
}

Deno.test("a source of one's own class with labels, and with boxes", async () => {
  const source = new Colours(10, 200, 30), labels = Int32Array.of(0, 1, 0);
  const given = { source, labels, names: ["dark", "light"], unlabelled: 0, unreadable: 0 };
  const { source: checked } = checkedPictures(given);
  assert.deepEqual([checked.uri, checked.length, await checked.key(1)], ["memory:colours", 3, "colour 200"]);
  assert.equal((await checked.get(1)).label, 1);
  assert.equal((await pickPictures(given, [2]).source.get(0)).key, "colour 30");
  await checked.close();

  const annotated = annotatedSource(source);
  assert.deepEqual([...annotated.objects(2).boxes], [0, 0, 4, 4]);
  const { source: learned } = trainingPictures(annotated);
  assert.deepEqual([learned.length, await learned.key(2)], [3, "colour 30"]);
});

Deno.test("a gallery of one's own class", async () => {
  class Halves implements Gallery {
    #data = Float32Array.of(1, 2, 3);
    width = 1;
    get rows() {
      return this.#data.length;
    }
    *blocks(most: number, from = 0) {
      for (let first = from; first < this.rows; first += most) {
        const data = this.#data.subarray(first, first + most);
        yield { rows: { rows: data.length, width: 1, data }, first };
      }
    }
    nameOf(row: number) {
      return Promise.resolve(`half ${this.#data[row]}`);
    }
  }
  const kept = keptGallery(new Halves(), [1, 0, 1]), blocks = await Array.fromAsync(kept.blocks(2));
  assert.deepEqual([kept.rows, kept.width, await kept.nameOf(2)], [2, 1, "half 3"]);
  assert.deepEqual(blocks.flatMap(({ rows }) => [...rows.data]), [1, 3]);
});

Deno.test("progress of one's own class hears of a training", () =>
  withFolder(async (folder) => {
    class Heard {
      #lines: string[] = [];
      steps = 0;
      line(text: string) {
        this.#lines.push(text);
      }
      step() {
        this.steps++;
      }
      close() {}
      get lines() {
        return this.#lines.length;
      }
    }
    const progress = new Heard(), engine = await openWasm();
    const { batchSize: _, ...sizes } = SMALL;
    const settings = { ...sizes, batchSize: 2, epochs: 1, blurRadius: [0.1, 0.5] as [number, number] };
    const config = resolveConfig({ ...settings, out: join(folder, "run") });
    try {
      const { state, step } = await train(config, { engine, source: new Colours(10, 200, 30, 90), progress });
      disposeTree(state);
      assert.deepEqual([step, progress.steps], [2, 2]);
      assert.ok(progress.lines > 3, `${progress.lines}`);
    } finally {
      await engine.close();
    }
  }));
