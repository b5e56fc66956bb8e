import assert from "node:assert/strict";
import { closeData, dataPassedOver } from "../../../src/data/open/data.ts";
import { openData } from "../../../src/data/open/open_data.ts";
import { withoutMasks } from "../../../src/data/sources/masks.ts";
import { fakeJpeg } from "../helpers.ts";
import { withFolder, writeFiles } from "../pictures.ts";

const kept = (...pictures: string[]) =>
  withoutMasks({ pictures: pictures.toSorted(), passedOver: [] }).pictures;

Deno.test("masks in folders beside their pictures' are none, as data sets lay them", () => {
  const layouts: [pictures: string[], masks: string[]][] = [
    [["JPEGImages/a.jpg", "JPEGImages/b.jpg"], ["SegmentationClass/a.png", "SegmentationObject/a.png"]],
    [["images/training/ADE_1.jpg", "images/validation/ADE_2.jpg"], [
      "annotations/training/ADE_1.png",
      "annotations/validation/ADE_2.png",
    ]],
    [["leftImg8bit/train/ulm/ulm_1_leftImg8bit.png"], [
      "gtFine/train/ulm/ulm_1_gtFine_labelIds.png",
      "gtFine/train/ulm/ulm_1_gtFine_color.png",
    ]],
    [["train/images/1.jpg", "val/images/1.jpg"], ["train/masks/1.jpg", "val/masks/1.jpg"]],
    [["images/001.Albatross/b_1.jpg"], ["segmentations/001.Albatross/b_1.png"]],
    [["images/cat_1.jpg"], ["annotations/trimaps/cat_1.png"]],
    [["Original/1.tif"], ["Ground Truth/1.tif"]],
    [["x/a.jpg", "x/b.png"], ["x/a_mask.png", "x/b_segmentation.png"]],
    [["7_sat.jpg"], ["7_mask.png"]],
    [["train/7.jpg"], ["train_masks/7_mask.gif"]],
    [["b/test/bad/0.png", "b/test/good/0.png", "b/train/good/1.png"], ["b/ground_truth/bad/0_mask.png"]],
  ];
  for (const [pictures, masks] of layouts) {
    assert.deepEqual(kept(...pictures, ...masks), pictures.toSorted(), masks[0]);
  }
});

Deno.test("masks: what only looks like some stays", () => {
  for (
    const pictures of [
      // Classes that are called so, of which not each has a picture of its name.
      ["images/1.jpg", "masks/1.jpg", "masks/2.jpg"],
      ["hats/1.jpg", "masks/1.jpg"],
      ["masks/1.png", "masks/2.png"],
      // A photograph of a mask, and a mask whose picture is elsewhere.
      ["me.jpg", "me_mask.jpg"],
      ["x/a.jpg", "y/a_mask.png"],
      ["train/images/1.jpg", "masks/1.png"],
    ]
  ) assert.deepEqual(kept(...pictures), pictures.toSorted());
});

Deno.test("masks are counted as passed over, and read where their folder is named", async () => {
  await withFolder(async (folder) => {
    const files = ["images/1.jpg", "images/2.jpg", "masks/1.png", "masks/2.png"];
    await writeFiles(folder, Object.fromEntries(files.map((name, i) => [name, fakeJpeg(i)])));
    const look = async (uri: string) => {
      const data = await openData(uri);
      assert.ok(data.access === "random");
      const found = [data.source.length, dataPassedOver(data)] as const;
      await closeData(data);
      return found;
    };
    const why = "is a mask of a picture beside it; to read such, name their folder alone";
    assert.deepEqual(await look(folder), [2, [{ what: ".png", why, count: 2, example: "masks/1.png" }]]);
    assert.deepEqual(await look(`${folder}/masks`), [2, []]);
  });
});
