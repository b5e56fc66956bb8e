import { redact } from "../../../files/redact.ts";
import { checkStatus, type Places, placesOf } from "./answer.ts";
import { bodyOf, fileBody, reasonOf, within } from "./body.ts";
import { follow, type Followed } from "./follow.ts";
import { PassingError, type Patience } from "./types.ts";

/** One answered request. */
export interface Answer extends Places {
  body: AsyncGenerator<Uint8Array, void, void>;
  /** Ends the connection. */
  cancel(): void;
}

/**
 * Sends one GET, perhaps for a range, and looks at the status and the headers.
 *
 * @param url What to get.
 * @param start First byte wanted.
 * @param end Byte after the last one wanted; null for the end of the file.
 * @param options Headers and times.
 * @param signal Breaks off the request and its body.
 * @throws {PassingError} For what a new try may mend.
 * @throws {Error} For the rest.
 */
export async function request(
  url: string,
  start: number,
  end: number | null,
  options: Patience,
  signal?: AbortSignal,
): Promise<Answer> {
  const controller = new AbortController();
  const abort = () => controller.abort(signal?.reason);
  if (signal?.aborted) abort();
  signal?.addEventListener("abort", abort);
  const cancel = () => {
    signal?.removeEventListener("abort", abort);
    controller.abort();
  };
  const shown = redact(url);
  // An encoded body would make every length and place in the headers mean something else.
  const headers: Record<string, string> = { "accept-encoding": "identity" };
  if (start > 0 || end !== null) headers.range = `bytes=${start}-${end === null ? "" : end - 1}`;
  let followed: Followed;
  try {
    followed = await within(
      options.stall,
      options.stall,
      () => follow(url, headers, options.headers, controller.signal),
    );
  } catch (error) {
    cancel();
    signal?.throwIfAborted();
    if (error instanceof Deno.errors.NotCapable) {
      throw new Error(`${shown}: Deno was started without permission to reach it (--allow-net)`, {
        cause: error,
      });
    }
    // What fetch throws; redirects that lead nowhere are told as they are.
    if (error instanceof TypeError || error instanceof PassingError) throw new PassingError(reasonOf(error));
    throw error;
  }
  const { response } = followed;
  try {
    checkStatus(shown, followed, start, end);
    const { over, ...places } = placesOf(shown, response, start, end);
    const body = over ? nothing() : bodyOf(response, options.stall, cancel, signal);
    return { ...places, body: places.start > 0 ? body : await fileBody(shown, followed, body), cancel };
  } catch (error) {
    cancel();
    await response.body?.cancel().catch(() => {});
    throw error;
  }
}

/** The body where the file was read to its end already. */
async function* nothing(): AsyncGenerator<Uint8Array, void, void> {}
