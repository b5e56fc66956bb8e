/** A thread that prepares pictures: the only thing that decoder.ts and preparer.ts run in a worker. */
import { refuseLarge, sniff } from "../picture/decode.ts";
import { decodeBmp } from "../picture/bmp.ts";
import { readJpegHeader } from "../picture/jpeg_header.ts";
import { placeReader } from "./place_reader.ts";
import { decodePpm } from "../picture/ppm.ts";
import { type Preparation, preparedBytes, preparePicture } from "../picture/preparation.ts";
import { basePicture } from "../picture/resize.ts";
import { openTurbo, type Turbo } from "../picture/turbo.ts";
import { type Picture, PictureError, type RecordPlace } from "../types.ts";

/** What a worker is told first. */
export interface WorkerStart {
  /** The JPEG library. */
  turbo: string | null;
  /** What is made of pictures. */
  how: Preparation;
  /** JPEGs are decoded at a smaller scale, where that covers a base picture; else in full. */
  quick: boolean;
  maxPixels: number;
}

/** More memory for results, of whole prepared pictures; its slots count on from those before. */
export interface WorkerMemory {
  memory: SharedArrayBuffer;
}

/** A picture to work on: its file, its pixels, or where it stands; and the slot for the result. */
export interface WorkerJob {
  picture: Uint8Array | Picture | RecordPlace;
  slot: number;
}

/** Pictures that are done: all of a message's, in its order. */
export interface WorkerAnswer {
  /** False for what must be looked at in another way. */
  good: boolean[];
  /** Names of those whose name stands with their bytes. */
  keys: (string | undefined)[];
  /** Milliseconds that went into reading files. */
  reading: number;
}

/** What of the worker's global scope is used here. */
interface Scope {
  onmessage: (event: MessageEvent<WorkerStart | WorkerMemory | WorkerJob[]>) => void;
  postMessage(answer: WorkerAnswer): void;
}

const scope = globalThis as unknown as Scope;
const slots: Uint8Array[] = [], files = placeReader();
let turbo: Turbo | null = null, told: Omit<WorkerStart, "turbo">;

scope.onmessage = ({ data }) => {
  if (Array.isArray(data)) return scope.postMessage(work(data));
  if ("memory" in data) {
    const bytes = preparedBytes(told.how);
    for (let at = 0; at < data.memory.byteLength; at += bytes) {
      slots.push(new Uint8Array(data.memory, at, bytes));
    }
    return;
  }
  turbo = openTurbo(data.turbo);
  told = data;
};

function work(jobs: WorkerJob[]): WorkerAnswer {
  const answer: WorkerAnswer = { good: [], keys: [], reading: 0 };
  for (const { picture, slot } of jobs) {
    let good = true, key: string | undefined;
    try {
      if (picture instanceof Uint8Array) good = fromFile(picture, slots[slot]);
      else if ("data" in picture) fromPixels(picture, slots[slot]);
      else {
        const start = performance.now(), record = files.read(picture);
        answer.reading += performance.now() - start;
        key = record?.key;
        good = record !== null && fromFile(record.bytes, slots[slot]);
      }
    } catch (error) {
      if (!(error instanceof PictureError)) throw error;
      good = false;
    }
    answer.good.push(good);
    answer.keys.push(key);
  }
  return answer;
}

function fromPixels(picture: Picture, out: Uint8Array): void {
  const { how } = told;
  if (how.kind === "base") basePicture(picture, how.size, out);
  else out.set(preparePicture(picture, how));
}

/** Plain JPEGs, and pictures of plain pixels. False for others. */
function fromFile(bytes: Uint8Array, out: Uint8Array): boolean {
  const format = sniff(bytes), { how, quick, maxPixels } = told;
  if (format === "ppm" || format === "bmp") {
    fromPixels((format === "ppm" ? decodePpm : decodeBmp)(bytes, maxPixels), out);
    return true;
  }
  if (format !== "jpeg" || turbo === null) return false;
  const header = readJpegHeader(bytes);
  refuseLarge(header, maxPixels);
  if (quick && how.kind === "base") turbo.base(bytes, header, how.size, out);
  else fromPixels(turbo.whole(bytes, header), out);
  return true;
}
