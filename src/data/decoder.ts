import { decodePicture, MAX_PIXELS, refuseLarge, sniff } from "./decode.ts";
import type { WorkerAnswer, WorkerJob, WorkerStart } from "./decode_worker.ts";
import { isPlain, readJpegHeader } from "./jpeg_header.ts";
import { basePicture } from "./resize.ts";
import { turboPath } from "./turbo.ts";
import type { Picture } from "./types.ts";

/** Makes base pictures of picture files, on several threads. */
export interface Decoder {
  /**
   * Decodes a file and resizes it to the base picture (SPEC §1.1). A JPEG is decoded at the smallest fast scale that still
   * covers the base picture, which changes no byte by more than 2 on average.
   *
   * @throws PictureError as {@linkcode decodePicture}.
   */
  base(bytes: Uint8Array): Promise<Uint8Array>;
  /** Takes back a base picture that nobody looks at any more; its memory is used again. */
  reuse(base: Uint8Array): void;
  /** Ends the threads. Nothing may be running. */
  close(): void;
}

/** How a decoder works. */
export interface DecoderOptions {
  /** Side of the base pictures in pixels. */
  size: number;
  /** Threads. Default, also for 0: as many as cores. They are started when the first picture comes. */
  workers?: number;
  /** Larger pictures are refused. Default as in {@linkcode decodePicture}. */
  maxPixels?: number;
}

/** A picture with fewer pixels is resized where it is: sending it away would take longer. */
const SMALL = 128 * 128;
/** Pictures that a worker has at once: while one is in work, the next is there already. */
const DEPTH = 2;
/** Base pictures that wait for reuse. */
const SPARE = 64;

interface Thread {
  worker: Worker;
  running: number;
}

interface Waiting {
  job: WorkerJob;
  resolve: (answer: WorkerAnswer) => void;
  reject: (error: Error) => void;
}

/**
 * Opens a decoder. What it gives depends on the file and the size only, not on the number of threads.
 *
 * Plain JPEGs are decoded and resized in workers. Other formats are decoded by libvips, on threads of its own, and only
 * their pixels go to the workers.
 */
export function openDecoder(options: DecoderOptions): Decoder {
  const { size, maxPixels = MAX_PIXELS } = options;
  const count = options.workers || navigator.hardwareConcurrency;
  const turbo = turboPath(), threads: Thread[] = [], queue: Waiting[] = [];
  const running = new Map<number, Waiting>(), spare: Uint8Array<ArrayBuffer>[] = [];
  let next = 0, broken: Error | null = null;

  const fail = (error: Error) => {
    broken ??= error;
    for (const { reject } of [...running.values(), ...queue]) reject(broken);
    running.clear();
    queue.length = 0;
  };
  const start = (): Thread => {
    const worker = new Worker(new URL("./decode_worker.ts", import.meta.url).href, { type: "module" });
    const thread: Thread = { worker, running: 0 };
    worker.onmessage = ({ data }: MessageEvent<WorkerAnswer>) => {
      thread.running--;
      running.get(data.id)?.resolve(data);
      running.delete(data.id);
      pump();
    };
    worker.onerror = (event) => {
      event.preventDefault();
      fail(new Error(`a decoding thread failed: ${event.message}`));
    };
    worker.postMessage({ turbo, size } satisfies WorkerStart);
    threads.push(thread);
    return thread;
  };
  const pump = () => {
    while (queue.length > 0) {
      let thread = threads.find((thread) => thread.running === 0);
      if (!thread && threads.length < count) thread = start();
      thread ??= threads.find((thread) => thread.running < DEPTH);
      if (!thread) return;
      const waiting = queue.shift()!, { job } = waiting;
      running.set(job.id, waiting);
      thread.running++;
      thread.worker.postMessage(job, [job.out.buffer]);
    }
  };
  const send = (picture: Uint8Array | Picture) =>
    new Promise<WorkerAnswer>((resolve, reject) => {
      if (broken) return reject(broken);
      const out = spare.pop() ?? new Uint8Array(size * size * 3);
      queue.push({ job: { id: next++, picture, out }, resolve, reject });
      pump();
    });

  return {
    async base(bytes) {
      if (turbo !== null && sniff(bytes) === "jpeg") {
        const header = readJpegHeader(bytes);
        refuseLarge(header, maxPixels);
        if (isPlain(header)) {
          const { good, out } = await send(bytes);
          if (good) return out;
          if (spare.length < SPARE) spare.push(out);
          // The long way: libvips says what is wrong, or that it is harmless.
        }
      }
      const picture = await decodePicture(bytes, { maxPixels });
      const { width, height } = picture;
      // Packed as base pictures: there is nothing to do, and nothing is copied.
      if (width === size && height === size) return picture.data;
      if (width * height < SMALL) return basePicture(picture, size, spare.pop());
      return (await send(picture)).out;
    },
    reuse(base) {
      const { buffer } = base;
      if (spare.length < SPARE && buffer instanceof ArrayBuffer && base.length === buffer.byteLength) {
        spare.push(base as Uint8Array<ArrayBuffer>);
      }
    },
    close() {
      for (const { worker } of threads.splice(0)) worker.terminate();
      spare.length = 0;
    },
  };
}
