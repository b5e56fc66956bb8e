/** Scenes as annotations in COCO's layout. */
import { textFromRuns } from "../../src/coco/mask.ts";
import type { Scene } from "./scene.ts";

/** A picture of the set. */
export interface Annotated {
  id: number;
  /** Its file's name. */
  name: string;
  scene: Pick<Scene, "objects"> & { picture: { width: number; height: number } };
}

/**
 * A file of annotations: masks as run lengths, as COCO's text for objects and as numbers for crowds; areas are those of the masks.
 *
 * @param about A description of the set.
 * @param categories Names; the first has the id 1.
 * @param pictures The pictures; annotations are numbered from 1.
 * @returns JSON, a line for each entry.
 */
export function annotationsText(
  about: Record<string, unknown>,
  categories: readonly string[],
  pictures: readonly Annotated[],
): string {
  const images = pictures.map(({ id, name, scene: { picture: { width, height } } }) => ({
    ...{ id, file_name: name, width, height, license: 1 },
  }));
  let id = 0;
  const annotations = pictures.flatMap(({ id: image_id, scene }) =>
    scene.objects.map(({ mask, box, area, category, crowd, name }) => ({
      ...{ id: ++id, image_id, category_id: category + 1, bbox: box, area, iscrowd: Number(crowd) },
      segmentation: {
        size: [mask.height, mask.width],
        counts: crowd ? [...mask.runs] : textFromRuns(mask.runs),
      },
      emoji: name,
    }))
  );
  const licenses = [{ id: 1, name: "as the packages that the drawings and photographs are from" }];
  const lists = {
    licenses,
    images,
    annotations,
    categories: categories.map((name, i) => ({ id: i + 1, name, supercategory: "emoji" })),
  };
  const lines = Object.entries(lists).map(([name, entries]) =>
    `${JSON.stringify(name)}: [\n${entries.map((entry) => JSON.stringify(entry)).join(",\n")}\n]`
  );
  return `{"info": ${JSON.stringify(about)},\n${lines.join(",\n")}}\n`;
}
