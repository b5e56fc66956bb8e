/** What was asked for cannot be meant: a command ends with exit code 2. The message says what, and what to do. */
export class UsageError extends Error {
  override name = "UsageError";
}
