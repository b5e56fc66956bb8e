/** What an error says to a user. */
import { oneLine } from "../text/layout.ts";

/** Errors that this program's own mistakes make; for these the place in the program helps. */
const MISTAKES = [TypeError, ReferenceError];

/**
 * An error as one line, and for a mistake of the program the place where it was made.
 *
 * @param error Whatever was thrown.
 */
export function errorText(error: unknown): { text: string; trace?: string } {
  if (!(error instanceof Error)) return { text: oneLine(String(error)) };
  const message = oneLine(error.message || error.name);
  if (MISTAKES.some((mistake) => error instanceof mistake)) {
    return {
      text: `${message} (a mistake of this program; please report it with the next lines)`,
      trace: error.stack,
    };
  }
  if (error instanceof WebAssembly.RuntimeError) {
    return { text: `${message}. The engine wasm has 2 GB at most: a smaller --batch-size needs less` };
  }
  if (error instanceof Deno.errors.NotCapable) {
    return { text: `${message}; deno task gives a command what it needs` };
  }
  return { text: message };
}
