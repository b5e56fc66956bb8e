/** What the page of a search is told, as plain data. */

/** A picture of the set. */
export interface ShownPicture {
  /** Its number in the set. */
  index: number;
  key: string;
  /** The number of its class; −1 for none. */
  label: number;
}

/** A picture that was found. */
export interface FoundPicture extends ShownPicture {
  /** Cosine between its features and the query's. */
  cosine: number;
}

/** Pictures that have something in common. */
export interface Group {
  name: string;
  pictures: number;
}

/** What the page knows before anything is asked. */
export interface SearchPage {
  /** What the user named. */
  name: string;
  /** Who embeds, for people. */
  model: string;
  pictures: number;
  /** Classes by their numbers. */
  classes: Group[];
  folders: Group[];
  /** Bytes of the largest picture that may be sent; 0 where none may be. */
  mostBytes: number;
  /** Some pictures to begin with. */
  first: ShownPicture[];
  /** Stands in addresses of pictures, so that no browser shows those of an earlier set. */
  token: string;
}

/** The nearest pictures, best first; or why there are none. */
export type SearchAnswer = { query: ShownPicture | null; found: FoundPicture[] } | { error: string };
