import type { Came, ShardCount } from "./epoch/came.ts";

/** One encoded picture as a source hands it out. */
export interface ImageRecord {
  /** Unique in its source, for people: a relative path, a shard's key. */
  key: string;
  /** The shard, or the source of several, that it is from. Default: the source that was asked. */
  source?: string;
  /** The picture's file as it is: JPEG, PNG, WebP, GIF … */
  bytes: Uint8Array;
  /** Index into the source's `labels`, where the picture has a class. */
  label?: number;
  /** The class's name, from a stream that does not know beforehand which there are. */
  className?: string;
}

/** Annotated objects of one picture. */
export interface PictureObjects {
  /** The picture's size in pixels, as the annotations state it; boxes are in these pixels. */
  width: number;
  height: number;
  /** Left, top, right and bottom edge of each box, [n, 4] flat. */
  boxes: Float64Array<ArrayBuffer>;
  /** Each object's class, its number among the source's `labels`. */
  classes: Int32Array<ArrayBuffer>;
  /** 1 for a crowd: a box around many objects of the class that are not told apart. */
  crowd: Uint8Array<ArrayBuffer>;
}

/** Where a record stands on a local disk, so that a thread can read it itself. */
export type RecordPlace =
  /** A picture's file; with the size that its boxes were drawn on ({@linkcode standAsAnnotated}). */
  | { path: string; annotated?: { width: number; height: number } }
  /** A value in a shard of ours (shard.ts), which holds name and checksum. */
  | { path: string; offset: number; length: number };

/**
 * What a source holds besides its records, counted by kind: files that are no pictures, names that cannot be read, members
 * without a picture. Bad records are not among these: they are records.
 */
export interface PassedOver {
  /** What it is, in the singular: an ending such as `.heic`, `folder`, `member`, `row`. */
  what: string;
  /** Why it is no record, as said after its name: `cannot be decoded`, `has a name that is not UTF-8`. */
  why: string;
  /** How many; at least 1. */
  count: number;
  /** The name of one of them, bytes that are no text escaped as `\xE9`. */
  example?: string;
  /** The shard, folder or file that holds it, where that is not the source itself. */
  where?: string;
}

/** Where records come from, in any order. */
export interface Source {
  /** What the user named. */
  readonly uri: string;
  /**
   * What opens it again: its kind, its name and its options, as words for `openData` without secrets. Without it: `uri`.
   */
  readonly words?: string;
  /** Number of records. */
  readonly length: number;
  /** Class names; empty when the source has no labels. */
  readonly labels: readonly string[];
  /** Reads record `index`, 0 ≤ index < length. Rejects with a {@linkcode BadRecordError} when it is damaged. */
  get(index: number): Promise<ImageRecord>;
  /** The key of record `index`, without reading its bytes where that is possible. */
  key(index: number): Promise<string>;
  /**
   * Where record `index` stands, if that is known without waiting and the bytes there are the record's: a quicker way than
   * {@linkcode Source.get} for good records. `key`: its key, where that does not stand with the bytes. `label`: its class,
   * where that is known here.
   */
  place?(index: number): { key?: string; label?: number; at: RecordPlace } | null;
  /**
   * The annotated objects of record `index`, none or more. Without it, the source knows of no objects, or was not asked for
   * them when it was opened.
   */
  objects?(index: number): PictureObjects;
  /**
   * Where the objects are annotated, if that is one file in COCO's layout: its path, and the ids that it gives to record
   * `index` and to each of `labels`.
   */
  readonly annotations?: {
    readonly file: string;
    picture(index: number): number | bigint | string;
    readonly classes: readonly (number | bigint | string)[];
  };
  /** The sources that this one is made of, where those are several, and whether each knows annotated objects. */
  readonly parts?: readonly { uri: string; length: number; objects: boolean }[];
  /** Where record `index` is from: which of `parts`, and which shard of that. Without it: part 0, no shards. */
  origin?(index: number): { part: number; shard?: string };
  /** What has been passed over so far. Without it: nothing, or nobody counts. */
  passedOver?(): PassedOver[];
  /** Closes files. Safe to call twice. */
  close(): Promise<void>;
}

/** A record that cannot be used: unreadable, damaged, not a picture. */
export class BadRecordError extends Error {
  override name = "BadRecordError";
  constructor(readonly source: string, readonly key: string, readonly reason: string) {
    super(`${source}: ${key}: ${reason}`);
  }
}

/**
 * A record whose place for a picture is empty, such as a null in a table: no picture was ever there. It is passed over and
 * counted apart. Zero bytes are not nothing: a picture was meant to be there, and such a record is bad.
 */
export class NoPictureError extends BadRecordError {
  override name = "NoPictureError";
}

/** The key that stands for what is lost of a shard. */
export const LOST_KEY = "(the rest of the shard)";

/**
 * The rest of a shard, which cannot be read: how many records it would have held, nobody knows. Those before have come.
 */
export class LostRecordsError extends BadRecordError {
  override name = "LostRecordsError";
  constructor(source: string, reason: string) {
    super(source, LOST_KEY, reason);
  }
}

/** Bytes that are no picture, or a damaged or too large one; whoever knows the record makes a {@linkcode BadRecordError} of it. */
export class PictureError extends Error {
  override name = "PictureError";
}

/** A picture of RGB bytes, row by row. */
export interface Picture {
  width: number;
  height: number;
  /** height × width × 3 values 0…255. */
  data: Uint8Array;
}

/** A place in the stream: how many records of which epoch's order have been consumed. */
export interface Cursor {
  epoch: number;
  position: number;
}

/** What the trainer is fed: base pictures and the sampled views of each. */
export interface Batch {
  /** The epoch that the batch was drawn in. */
  epoch: number;
  /** Where each picture stands in its source. */
  indices: number[];
  keys: string[];
  /** B × S × S × 3 bytes. */
  base: Uint8Array;
  /** 2 × B × {@linkcode VIEW_FIELDS} numbers: all of view 1, then all of view 2. */
  views: Float32Array;
  /**
   * The class of each picture, its number among the source's `labels`; −1 where it has none or its source does not know
   * its classes. Only where it was asked for, see `StreamOptions.withLabels`.
   */
  labels?: Int32Array;
  /**
   * The annotated objects of each picture, in pixels of the base picture. Only where they were asked for, see
   * `StreamOptions.withObjects`.
   */
  objects?: PictureObjects[];
  /** Where to go on after this batch. */
  next: Cursor;
  /** Bad records skipped so far in the run, those that shards lost among them, about. */
  bad: number;
  /** What came of the records since the batch before. */
  came: Came[];
  /** Shards of a stream that have been read since then. */
  shards: ShardCount[];
}
