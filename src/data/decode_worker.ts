/** A thread that turns pictures into base pictures: the only thing that decoder.ts runs in a worker. */
import { openTurbo, type Turbo } from "./turbo.ts";
import { readJpegHeader } from "./jpeg_header.ts";
import { basePicture } from "./resize.ts";
import { type Picture, PictureError } from "./types.ts";

/** What a worker is told first. */
export interface WorkerStart {
  /** The JPEG library. */
  turbo: string | null;
  /** Side of the base pictures. */
  size: number;
}

/** A picture to work on, and the memory for the result, which comes back. */
export interface WorkerJob {
  id: number;
  picture: Uint8Array | Picture;
  out: Uint8Array<ArrayBuffer>;
}

/** A base picture; not good for a JPEG that must be looked at in another way. */
export interface WorkerAnswer {
  id: number;
  good: boolean;
  out: Uint8Array<ArrayBuffer>;
}

/** What of the worker's global scope is used here. */
interface Scope {
  onmessage: (event: MessageEvent<WorkerStart | WorkerJob>) => void;
  postMessage(answer: WorkerAnswer, transfer: Transferable[]): void;
}

const scope = globalThis as unknown as Scope;
let turbo: Turbo | null = null, size = 0;

scope.onmessage = ({ data }) => {
  if ("size" in data) {
    turbo = openTurbo(data.turbo);
    size = data.size;
    return;
  }
  const { id, picture, out } = data;
  let good = true;
  try {
    if (!(picture instanceof Uint8Array)) basePicture(picture, size, out);
    else if (turbo) turbo.base(picture, readJpegHeader(picture), size, out);
    else good = false;
  } catch (error) {
    if (!(error instanceof PictureError)) throw error;
    good = false;
  }
  scope.postMessage({ id, good, out }, [out.buffer]);
};
