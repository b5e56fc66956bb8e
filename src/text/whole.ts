/**
 * Refuses a number that is no whole one from `least` up.
 *
 * @param name What it is, for the message.
 * @throws {RangeError} Names it, and says what was given.
 */
export function requireWhole(name: string, value: number, least = 1): void {
  if (Number.isSafeInteger(value) && value >= least) return;
  throw new RangeError(`${name} must be a whole number of at least ${least}, not ${value}`);
}
