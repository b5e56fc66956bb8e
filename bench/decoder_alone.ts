/**
 * The decoder and nothing else: libjpeg-turbo in as many threads as cores, on files in memory, at the scale that the stream decodes
 * at, to RGB in memory that is used again.
 */
import { readJpegHeader } from "../src/data/picture/jpeg_header.ts";
import { decodeScale } from "../src/data/picture/turbo.ts";
import { turboPath } from "../src/data/picture/turbo_library.ts";

interface Start {
  path: string;
  files: Uint8Array<ArrayBuffer>[];
  size: number;
}

/** Decoding threads. */
export interface DecoderAlone {
  /** Decodes at least so many pictures; gives pictures per second. */
  run(images: number): Promise<number>;
  close(): void;
}

/** Starts the threads and gives each all files. */
export function decoderAlone(files: Uint8Array<ArrayBuffer>[], size: number, threads: number): DecoderAlone {
  const path = turboPath();
  if (path === null) throw new Error("no libjpeg-turbo for this machine");
  const workers = Array.from({ length: threads }, () => {
    const worker = new Worker(import.meta.url, { type: "module" });
    worker.postMessage({ path, files, size } satisfies Start);
    return worker;
  });
  return {
    async run(images) {
      const share = Math.ceil(images / threads), start = performance.now();
      await Promise.all(workers.map((worker, i) =>
        new Promise((resolve) => {
          worker.onmessage = resolve;
          worker.postMessage({ from: i * share, count: share });
        })
      ));
      return 1000 * share * threads / (performance.now() - start);
    },
    close: () => workers.forEach((worker) => worker.terminate()),
  };
}

/** In a thread: decodes pictures `from` … `from + count − 1`, again from the first after the last. */
function work({ path, files, size }: Start): (from: number, count: number) => void {
  const { symbols: c } = Deno.dlopen(path, {
    tj3Init: { parameters: ["i32"], result: "pointer" },
    tj3DecompressHeader: { parameters: ["pointer", "buffer", "usize"], result: "i32" },
    tj3SetScalingFactor: { parameters: ["pointer", { struct: ["i32", "i32"] }], result: "i32" },
    tj3Decompress8: { parameters: ["pointer", "buffer", "usize", "buffer", "i32", "i32"], result: "i32" },
  });
  const handle = c.tj3Init(1);
  const jobs = files.map((file) => {
    const { width, height } = readJpegHeader(file);
    return { file, scale: decodeScale(width, height, size), bytes: width * height * 3 };
  });
  const pixels = new Uint8Array(Math.max(...jobs.map(({ bytes }) => bytes)));
  return (from, count) => {
    for (let i = from; i < from + count; i++) {
      const { file, scale } = jobs[i % jobs.length], length = BigInt(file.length);
      if (
        c.tj3DecompressHeader(handle, file, length) !== 0 ||
        c.tj3SetScalingFactor(handle, new Uint8Array(Int32Array.of(1, 8 / scale).buffer)) !== 0 ||
        c.tj3Decompress8(handle, file, length, pixels, 0, 0) !== 0
      ) throw new Error("a picture cannot be decoded");
    }
  };
}

if ("WorkerGlobalScope" in globalThis) {
  const scope = globalThis as unknown as Worker;
  let decode: ReturnType<typeof work> | null = null;
  scope.onmessage = ({ data }: MessageEvent<Start | { from: number; count: number }>) => {
    if ("path" in data) decode = work(data);
    else {
      decode!(data.from, data.count);
      scope.postMessage("done");
    }
  };
}
