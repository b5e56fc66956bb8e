import { pictureOrigin } from "../origin.ts";
import { type Data, dataSources, openedOf, recordsInOrder } from "../open/data.ts";
import type { ImageRecord, PictureObjects } from "../types.ts";
import { accountant, type DataAccount } from "./account.ts";
import { beginAccount } from "./begin_account.ts";
import { type BooksOptions, epochBooks } from "./books.ts";
import { type BadRecord, badRecordOf, dataParts, type Origin, originOf } from "./epoch.ts";

/** A record that has been reached. */
export interface Reached {
  /** Gives it, or rejects with a BadRecordError. */
  read: () => Promise<ImageRecord>;
  /** Looks up its annotated objects, where the whole data set has them. */
  objects?: () => PictureObjects;
  from: Origin;
}

/** One pass over a data set in its own order, with an account of it. */
export interface OnePass {
  /** The records, those of a stream read already. What cannot be reached is entered by itself. */
  records(): AsyncGenerator<Reached, void, void>;
  /** Enters what came of a record: nothing else for one that was good. */
  enter(from: Origin, bad?: BadRecord): void;
  /** Ends the pass when all records have been entered. */
  end(): void;
  /** What came of the data so far. */
  account(): DataAccount;
}

/**
 * Begins a pass.
 *
 * @param data Not closed.
 * @param options What is done with bad records, and when there are too many.
 */
export function onePass(data: Data, options: BooksOptions = {}): OnePass {
  const opened = openedOf(data),
    parts = dataParts(opened),
    books = epochBooks({ parts }, { ...options, alone: true });
  const keeper = accountant(beginAccount(data));
  books.begin(0);
  return {
    async *records() {
      if (opened.access === "random") {
        const { source } = opened;
        for (let index = 0; index < source.length; index++) {
          yield {
            ...{ read: () => source.get(index), from: pictureOrigin(source, index) },
            ...(source.objects && { objects: () => source.objects!(index) }),
          };
        }
        return;
      }
      const records = recordsInOrder(opened, {
        onBad: (error, part) =>
          books.enter({ bad: badRecordOf(error), from: originOf(parts, part, error.source), places: 0 }),
        onShard: (shard) => books.enter({ shard, counted: false, places: 0 }),
      });
      for await (const { record, part } of records) {
        yield { read: () => Promise.resolve(record), from: originOf(parts, part, record.source) };
      }
    },
    enter(from, bad) {
      books.enter(bad ? { bad, from, places: 1 } : { sample: null, from, places: 1 });
      if (!bad) books.read([from]);
    },
    end: () => books.end(),
    account() {
      keeper.add(books.page());
      keeper.passedOver(dataSources(data).map(({ passedOver }) => passedOver?.() ?? []));
      return keeper.account();
    },
  };
}
