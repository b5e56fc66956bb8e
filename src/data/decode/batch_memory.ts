/**
 * Memory for results of one size that all threads see: places are taken, given back and taken again. They stand in pieces of
 * several, and are taken in order, so that a whole piece can be handed on as it is when its results come in order, too.
 */
export interface Slots {
  /** The number of a free place. Memory grows when there is none. */
  take(): number;
  /** The memory of a place. */
  view(slot: number): Uint8Array<SharedArrayBuffer>;
  /** Gives a place back. */
  free(slot: number): void;
  /** Gives back the place of which `view` is, or a piece of {@linkcode Slots.whole}; other memory is left alone. */
  give(view: Uint8Array): void;
  /** The piece that these places make up, in this order; null where they do not. Giving it back gives back all of them. */
  whole(views: readonly Uint8Array[]): Uint8Array<SharedArrayBuffer> | null;
  /** Makes the next place taken the first one of a piece. */
  align(): void;
  /** All memory there is, in the places' order. */
  readonly pieces: readonly SharedArrayBuffer[];
  /** Calls back when there is more. */
  watch(grown: (memory: SharedArrayBuffer) => void): void;
}

/**
 * Makes room as it is needed; it is never given back, so it follows the most that was in use at once.
 *
 * @param bytes Bytes of a place.
 * @param group Places in a piece.
 */
export function slots(bytes: number, group: number): Slots {
  const pieces: SharedArrayBuffer[] = [], views: Uint8Array<SharedArrayBuffer>[] = [], used: number[] = [];
  const numbers = new Map<ArrayBufferLike, number>(), watchers: ((memory: SharedArrayBuffer) => void)[] = [];
  let piece = -1, next = group;
  const begin = () => {
    next = 0;
    // A piece is begun again when nothing of it is in use any more.
    piece = used.indexOf(0);
    if (piece >= 0) return;
    const memory = new SharedArrayBuffer(group * bytes);
    piece = pieces.push(memory) - 1;
    numbers.set(memory, piece);
    used.push(0);
    for (let i = 0; i < group; i++) views.push(new Uint8Array(memory, i * bytes, bytes));
    for (const grown of watchers) grown(memory);
  };
  return {
    take() {
      if (next === group) begin();
      used[piece]++;
      return piece * group + next++;
    },
    view: (slot) => views[slot],
    free: (slot) => void used[Math.floor(slot / group)]--,
    give(view) {
      const number = numbers.get(view.buffer);
      if (number !== undefined) used[number] -= view.length / bytes;
    },
    whole(parts) {
      const number = numbers.get(parts[0]?.buffer);
      if (number === undefined || parts.length !== group) return null;
      const inPlace = (part: Uint8Array, i: number) =>
        part.buffer === pieces[number] && part.byteOffset === i * bytes;
      return parts.every(inPlace) ? new Uint8Array(pieces[number]) : null;
    },
    align: () => void (next = group),
    pieces,
    watch: (grown) => void watchers.push(grown),
  };
}
