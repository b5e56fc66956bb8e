import type { HttpOptions } from "../io/http/types.ts";
import type { StreamSource } from "../epoch/shuffle.ts";
import type { Source } from "../types.ts";
import type { Claim } from "./places.ts";

/** Something that can follow `#` behind a name: `PATH#split=test`. */
export interface FormatOption {
  /** What stands before the equals sign. */
  readonly name: string;
  /** What stands behind it, in capital letters: NAME, FILE. */
  readonly value: string;
  /** What it does, in a few words that follow the option's form. */
  readonly help: string;
  /** Whether it may also stand at a name's end as `?name=value`, as it did in version 0.1. */
  readonly inQuery?: boolean;
}

/** What a format is asked to open. */
export interface OpenRequest {
  /** The user's words for this source, for messages and as its `uri`. */
  readonly text: string;
  /** Names as patterns (io/name_patterns.ts), their braces expanded; at least one. */
  readonly names: readonly string[];
  /** What stood behind `#`, by the options' names. */
  readonly options: Readonly<Record<string, string>>;
  /** Class names for sources whose classes are numbers. */
  readonly labels?: readonly string[];
  /** Whether the pictures' classes are wanted; without, labels that cost reading are not read. Default true. */
  readonly classes?: boolean;
  /** Whether annotated objects are wanted, of formats that have them. Default false. */
  readonly objects?: boolean;
  /** Patience with servers. */
  readonly http?: HttpOptions;
  /** Which split is meant where the user names none: to learn from, or to be tested on. */
  readonly role: "train" | "test";
  /** Where folders are opened together, as several splits are: whether a place in this one counts here. */
  readonly claim?: Claim;
  /** Told, a line each, what has been decided for the user. */
  progress(line: string): void;
}

/** What a look at a local path shows. */
export interface PathLook {
  readonly path: string;
  /** The names in a folder; null for a file. */
  readonly entries: readonly string[] | null;
  /** A file's first bytes; empty for a folder. */
  readonly start: Uint8Array;
}

/**
 * One kind of source: all that the program and its help need to know of it. To add a kind, write one such descriptor and
 * put it into the list of registry.ts.
 */
export interface SourceFormat {
  /** With a colon before a path it says for certain what is there. */
  readonly name: string;
  /** Other names that are understood. */
  readonly aliases?: readonly string[];
  /** One phrase for lists, such as `tar shards`. */
  readonly title: string;
  /** Endings of names that tell the format, in small letters with their dot. */
  readonly endings: readonly string[];
  /** Whether files of it are read over http(s). */
  readonly remote: boolean;
  /** What may follow `#`. */
  readonly options: readonly FormatOption[];
  /** The option whose value may follow `#` alone. */
  readonly shortOption?: string;
  /** How it is written, and what that means; the first row is the usual way. */
  readonly examples: readonly (readonly [words: string, meaning: string])[];
  /** Whether a local path that neither a prefix nor an ending tells is of this format. */
  recognise?(look: PathLook): boolean | Promise<boolean>;
  /**
   * Folders below the named one, such as those of one split, that are to be opened as what they are; null when the named
   * one is opened itself. Asked where no prefix names the format.
   */
  below?(request: OpenRequest): Promise<string[] | null>;
  /**
   * Opens a source.
   *
   * @throws {Error} That names what cannot be opened, why, and what to do.
   */
  open(request: OpenRequest): Promise<Source | StreamSource>;
}

/** The option of every format that can hold several splits. */
export const SPLIT: FormatOption = {
  name: "split",
  value: "NAME",
  help: "one split of several: train, validation, test, or all of them together (all)",
};
