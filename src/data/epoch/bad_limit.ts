import type { BadRecord } from "./epoch.ts";

/** Share of a data set that may be bad before a run fails. */
export const MAX_BAD = 0.01;

/** Looks after the bad records of an epoch. */
export interface BadWatch {
  /** Another record, good or bad. */
  seen(): void;
  /** It was bad. */
  bad(last: BadRecord): void;
  /** The epoch is over. */
  end(): void;
}

/**
 * Fails an epoch with too many bad records: as soon as they are more than 1 % of the whole source, or so many among those
 * seen (at least 100, and four standard deviations above 1 %) that they surely will be; where the length is not known,
 * at the epoch's end. One bad record alone never fails.
 *
 * @param uri The data set, for the error.
 * @param length Its records, or null where nobody knows.
 */
export function badWatch(uri: string, epoch: number, length: number | null): BadWatch {
  let seen = 0, bad = 0, last: BadRecord | null = null;
  const fail = (of: number): never => {
    throw new Error(
      `${uri}: ${bad} of the first ${seen} pictures of epoch ${epoch} are bad, more than ${
        MAX_BAD * 100
      } % of ` +
        `${of}; the last is ${last?.key}: ${last?.reason}. Repair or remove them`,
    );
  };
  return {
    seen: () => void seen++,
    bad(record) {
      bad++;
      last = record;
      const expected = MAX_BAD * seen;
      const certain = length !== null && bad > Math.max(1, MAX_BAD * length);
      const early = seen >= 100 && bad > expected + 4 * Math.sqrt(expected);
      if (certain || early) fail(length ?? seen);
    },
    end() {
      if (bad > Math.max(1, MAX_BAD * (length ?? seen))) fail(length ?? seen);
    },
  };
}
