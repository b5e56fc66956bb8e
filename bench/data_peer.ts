/** PyTorch's ways of loading pictures, as a process that loads some when asked. */
import { startPython } from "./peer.ts";

/** A loader that runs. */
export interface LoaderPeer {
  about: string;
  /** Loads at least so many images; gives images per second. */
  run(images: number): Promise<number>;
  close(): Promise<void>;
}

/**
 * Starts bench/peers/data.py.
 *
 * @returns The peer, or a reason why there is none: PyTorch, Pillow or WebDataset is not installed.
 */
export async function startLoader(
  kind: "dataloader" | "webdataset",
  path: string,
  { workers, batch }: { workers: number; batch: number },
): Promise<LoaderPeer | string> {
  const peer = await startPython<{ about: string }, { images: number; seconds: number }>(
    ["data.py", kind, path, "--workers", `${workers}`, "--batch", `${batch}`],
  );
  if (typeof peer === "string") return peer;
  return {
    about: peer.ready.about,
    run: async (count) => {
      const { images, seconds } = await peer.ask(count);
      return images / seconds;
    },
    close: peer.close,
  };
}
