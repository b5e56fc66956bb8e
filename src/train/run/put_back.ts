/** A resume that is refused before its first step leaves the run's files as they were. */
import { join } from "node:path";
import { publishPieces } from "../../files/publish.ts";
import { MACHINE_FILE } from "./machine.ts";

/** What a resume writes before its first step. Each is replaced as a whole, so an open file still holds what was there. */
const FILES = ["config.json", "metrics.jsonl", MACHINE_FILE] as const;

/** A run's files as they were. */
export interface Before extends Disposable {
  /** Puts them back, as far as that can be; nothing once they are forgotten. */
  putBack(): Promise<void>;
  /** Puts them back, and throws the error that ended the resume. */
  refuse(error: unknown): Promise<never>;
  /** From now on the run's files are those of the resume. */
  forget(): void;
}

/**
 * Keeps a run's files as they are before it is resumed. Of a new run there is nothing to keep.
 *
 * @throws {Error} When a file cannot be read.
 */
export async function keepBefore({ out, resume }: { out: string; resume: boolean }): Promise<Before> {
  const kept = new Map<string, Deno.FsFile | null>();
  const forget = () => {
    for (const file of kept.values()) file?.close();
    kept.clear();
  };
  for (const name of resume ? FILES : []) {
    try {
      kept.set(name, await Deno.open(join(out, name)));
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) kept.set(name, null);
      else {
        forget();
        throw error;
      }
    }
  }
  const putBack = async () => {
    for (const [name, file] of kept) {
      const path = join(out, name);
      if (file) await publishPieces(path, piecesOf(file)).catch(() => {});
      // It was not there; without a configuration there was no run, which is for its owner to begin or to leave.
      else if (kept.get("config.json")) await Deno.remove(path).catch(() => {});
    }
    forget();
  };
  const refuse = async (error: unknown): Promise<never> => {
    await putBack();
    throw error;
  };
  return { putBack, refuse, forget, [Symbol.dispose]: forget };
}

/** A file's bytes, some at a time. */
async function* piecesOf(file: Deno.FsFile): AsyncGenerator<Uint8Array> {
  const buffer = new Uint8Array(1 << 16);
  for (let got = await file.read(buffer); got !== null; got = await file.read(buffer)) {
    yield buffer.slice(0, got);
  }
}
