/** Memory for results of one size that all threads see: places are taken, given back and taken again. */
export interface Slots {
  /** The number of a free place. Memory grows when there is none. */
  take(): number;
  /** The memory of a place. */
  view(slot: number): Uint8Array<SharedArrayBuffer>;
  /** Gives a place back. */
  free(slot: number): void;
  /** Gives back the place of which `view` is; other memory is left alone. */
  give(view: Uint8Array): void;
  /** All memory there is, in the places' order. */
  readonly pieces: readonly SharedArrayBuffer[];
  /** Calls back when there is more. */
  watch(grown: (memory: SharedArrayBuffer) => void): void;
}

/** Places in one piece of memory. */
const PIECE = 16;

/**
 * Makes room as it is needed; it is never given back, so it follows the most that was in use at once.
 *
 * @param bytes Bytes of a place.
 */
export function slots(bytes: number): Slots {
  const views: Uint8Array<SharedArrayBuffer>[] = [], free: number[] = [], pieces: SharedArrayBuffer[] = [];
  const numbers = new Map<ArrayBufferLike, number>(), watchers: ((memory: SharedArrayBuffer) => void)[] = [];
  const grow = () => {
    const piece = new SharedArrayBuffer(PIECE * bytes);
    numbers.set(piece, views.length);
    pieces.push(piece);
    for (let i = PIECE - 1; i >= 0; i--) free.push(views.length + i);
    for (let i = 0; i < PIECE; i++) views.push(new Uint8Array(piece, i * bytes, bytes));
    for (const grown of watchers) grown(piece);
  };
  return {
    take() {
      if (free.length === 0) grow();
      return free.pop()!;
    },
    view: (slot) => views[slot],
    free: (slot) => void free.push(slot),
    give(view) {
      const first = numbers.get(view.buffer);
      if (first !== undefined) free.push(first + view.byteOffset / bytes);
    },
    pieces,
    watch: (grown) => void watchers.push(grown),
  };
}
