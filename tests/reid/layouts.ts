/** Miniatures of SYSU-30k's and Market-1501's layouts, made up of coloured pictures. */
import { encodePng } from "../../src/data/picture/png.ts";
import { randomStream } from "../../src/random.ts";
import { writeFiles } from "../data/pictures.ts";

const WIDTH = 8, HEIGHT = 16;

/** A picture of a person: two colours of one's own, upper and lower half, and noise of the picture's own. */
export function personPicture(identity: number, picture: number): Uint8Array {
  const look = randomStream(identity, "test", 2), noise = randomStream(picture, "test", 3, identity);
  const colours = Array.from({ length: 6 }, () => look.integer(30, 225));
  const data = new Uint8Array(WIDTH * HEIGHT * 3);
  for (let i = 0; i < data.length; i++) {
    const half = i < data.length / 2 ? 0 : 3;
    data[i] = colours[half + i % 3] + noise.integer(-25, 25);
  }
  return encodePng({ width: WIDTH, height: HEIGHT, data });
}

const digits = (number: number, count: number) => String(number).padStart(count, "0");

/** What a miniature of SYSU-30k holds. */
export interface SysuOptions {
  /** Persons of the test set: one query and one gallery picture each. */
  persons?: number;
  /** Gallery pictures of others. */
  others?: number;
  /** Folders of the training set, each of one or two persons. */
  folders?: number;
  /** Pictures in each. */
  pictures?: number;
}

/** The files of a miniature of SYSU-30k, by their paths: pictures, `meta/` and `bag_level_label.json`. */
export function sysuFiles(options: SysuOptions = {}): Record<string, Uint8Array> {
  const { persons = 3, others = 4, folders = 4, pictures = 3 } = options;
  const files: Record<string, Uint8Array> = {}, lists = { train: "", query: "", gallery: "" };
  const test = (part: "query" | "gallery", folder: string, name: string, bytes: Uint8Array) => {
    files[`sysu_test_set_all/${part}/${folder}/${name}.png`] = bytes;
    lists[part] += `${name}.png\n`;
  };
  for (let i = 0; i < persons; i++) {
    const name = digits(28311 + i, 9);
    test("gallery", name, `${name}_c1_1`, personPicture(28311 + i, 1));
    test("query", name, `${name}_c2_2`, personPicture(28311 + i, 2));
  }
  for (let i = 1; i <= others; i++) {
    test("gallery", "0000others", `0000others_c1_${i}`, personPicture(90000 + i, 1));
  }
  const bags: Record<string, unknown>[] = [];
  for (let folder = 1; folder <= folders; folder++) {
    const name = digits(folder, 10);
    for (let i = 1; i <= pictures; i++) {
      // Every other picture shows the person of the folder behind.
      const identity = i % 2 ? folder : folder % folders + 1;
      files[`sysu_train_set_all/${name}/${name}_${i}.png`] = personPicture(identity, i + 10 * folder);
      lists.train += `${name}_${i}.png\n`;
    }
    const next = folder % folders + 1;
    bags.push({
      BagID: `bag${name}`,
      BagLabel: [folder, next],
      BagImages: [`${name}/*`],
    });
  }
  const text = new TextEncoder();
  for (const [part, list] of Object.entries(lists)) files[`meta/${part}.txt`] = text.encode(list);
  files["bag_level_label.json"] = text.encode(JSON.stringify(bags));
  return files;
}

/** Writes a miniature of SYSU-30k; gives the folder back. */
export async function writeSysu(folder: string, options: SysuOptions = {}): Promise<string> {
  await writeFiles(folder, sysuFiles(options));
  return folder;
}

/** The pictures of a miniature of Market-1501: names, and the person that each shows. */
export const MARKET: Readonly<Record<string, number>> = {
  "bounding_box_train/0002_c1s1_000451_03.png": 2,
  "bounding_box_train/0002_c2s1_000301_01.png": 2,
  "bounding_box_train/0007_c3s3_077419_03.png": 7,
  "query/0001_c1s1_001051_00.png": 1,
  "query/0003_c5s1_001051_00.png": 3,
  "bounding_box_test/-1_c1s1_000401_03.png": 501,
  "bounding_box_test/0000_c1s1_000151_01.png": 502,
  "bounding_box_test/0001_c1s1_002301_00.png": 1,
  "bounding_box_test/0001_c6s4_002427_00.png": 1,
  "bounding_box_test/0003_c2s1_002427_00.png": 3,
  "bounding_box_test/0003_c3s1_002427_00.png": 3,
};

/** Writes a miniature of Market-1501; gives the folder back. */
export async function writeMarket(folder: string): Promise<string> {
  const files = Object.entries(MARKET).map(([name, identity], i) => [name, personPicture(identity, i)]);
  await writeFiles(folder, Object.fromEntries(files));
  return folder;
}
