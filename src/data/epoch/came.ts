/** What comes of records, counted on its way from the stream to whoever keeps account of a run. */

/** What can come of a record: read, bad, without a picture, lost with its shard, or left over because it fills no batch. */
export type Fate = "read" | "bad" | "withoutPicture" | "lost" | "left";

/** What came of records between one batch and the next. */
export interface Came {
  epoch: number;
  /** Which source of a mixture they are from; 0 for a source alone. */
  part: number;
  /** The shard that they are from, where there are shards. */
  shard?: string;
  fate: Fate;
  count: number;
  /** Why they were not read, and the name of one of them. */
  why?: string;
  key?: string;
}

/** A shard was read to its end, and gave so many records, bad ones among them. */
export interface ShardCount {
  part: number;
  shard: string;
  pictures: number;
}

/** What came of records, and which shards were read, since the page before. */
export interface CamePage {
  came: Came[];
  shards: ShardCount[];
}

/** Collects until somebody takes it. */
export interface CameCounter {
  add(came: Came): void;
  shard(count: ShardCount): void;
  /** What has been collected since the last time. */
  take(): CamePage;
}

/** An empty counter. Records that were read are added up by shard; each of the others is told. */
export function cameCounter(): CameCounter {
  let read = new Map<string, Came>(), others: Came[] = [], shards: ShardCount[] = [];
  return {
    add(came) {
      if (came.fate !== "read") return void others.push(came);
      const name = `${came.epoch} ${came.part} ${came.shard ?? ""}`, known = read.get(name);
      if (known) known.count += came.count;
      else read.set(name, { ...came });
    },
    shard: (count) => void shards.push(count),
    take() {
      const taken = { came: [...read.values(), ...others], shards };
      [read, others, shards] = [new Map(), [], []];
      return taken;
    },
  };
}
