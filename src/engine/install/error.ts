/**
 * A native library, or something that is needed to fetch or build one, cannot be had; the message says why and what to
 * do. Callers may fall back to another engine.
 */
export class InstallError extends Error {
  override name = "InstallError";
}

/** An error's message as a sentence. */
export function reason(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  return /[.!?]$/.test(message) ? message : `${message}.`;
}
