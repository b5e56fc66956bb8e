/** Measures throughput and the time in which the device had nothing to do because data was late. */
export interface Meter {
  /**
   * Marks the moment from which time counts.
   *
   * @param utilisation Share of the devices' peak that one picture a second takes, where the peak is known.
   */
  start(utilisation?: number): void;
  /**
   * Notes one wait for a batch.
   *
   * @param asked When the batch was asked for, in milliseconds.
   * @param idleFrom When the last step under way had finished; infinite while it has not.
   * @param got When the batch came.
   */
  wait(asked: number, idleFrom: number, got: number): void;
  /** Notes a finished step and gives the figures of the last steps; `mfu` where the devices' peak is known. */
  tick(time: number): { imagesPerSecond: number; waiting: number; mfu?: number };
  /** Leaves out so many milliseconds in which no step was under way. */
  pause(milliseconds: number): void;
}

/** Steps that the figures are taken over. */
const WINDOW = 20;

/** A meter for steps of `batchSize` pictures. */
export function openMeter(batchSize: number): Meter {
  const marks: { time: number; waited: number }[] = [];
  let waited = 0, share: number | undefined;
  return {
    start: (utilisation) => {
      share = utilisation;
      waited = 0;
      marks.push({ time: performance.now(), waited: 0 });
    },
    wait: (asked, idleFrom, got) => {
      waited += Math.max(0, got - Math.max(asked, idleFrom));
    },
    tick: (time) => {
      marks.push({ time, waited });
      if (marks.length > WINDOW + 1) marks.shift();
      const seconds = Math.max(1e-6, (marks.at(-1)!.time - marks[0].time) / 1000);
      const late = (marks.at(-1)!.waited - marks[0].waited) / 1000;
      const imagesPerSecond = batchSize * (marks.length - 1) / seconds;
      return { imagesPerSecond, waiting: Math.min(1, late / seconds), mfu: share && share * imagesPerSecond };
    },
    pause: (milliseconds) => marks.forEach((mark) => mark.time += milliseconds),
  };
}
