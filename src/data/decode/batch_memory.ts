/**
 * Shared memory for results of one size, in slots that are taken, given back and taken again. Several slots form a
 * piece and are taken in order. If their results also arrive in order, the whole piece can be handed on without a copy.
 */
export interface Slots {
  /** The number of a free slot. Memory grows when there is none. */
  take(): number;
  /** The memory of a slot. */
  view(slot: number): Uint8Array<SharedArrayBuffer>;
  /** Gives a slot back. */
  free(slot: number): void;
  /** Gives back the slot that `view` lies in, or a piece of {@linkcode Slots.whole}; ignores other memory. */
  give(view: Uint8Array): void;
  /** The piece that these slots make up, in this order, or null. Giving it back gives back all of them. */
  whole(views: readonly Uint8Array[]): Uint8Array<SharedArrayBuffer> | null;
  /** Makes the next slot the first one of a piece. */
  align(): void;
  /** All memory there is, in the slots' order. */
  readonly pieces: readonly SharedArrayBuffer[];
  /** Calls back when there is more. */
  watch(grown: (memory: SharedArrayBuffer) => void): void;
}

/**
 * Allocates memory as needed and never frees it, so its size follows the peak use.
 *
 * @param bytes Bytes of a slot.
 * @param group Slots in a piece.
 */
export function slots(bytes: number, group: number): Slots {
  const pieces: SharedArrayBuffer[] = [], views: Uint8Array<SharedArrayBuffer>[] = [], used: number[] = [];
  const numbers = new Map<ArrayBufferLike, number>(), watchers: ((memory: SharedArrayBuffer) => void)[] = [];
  let piece = -1, next = group;
  const begin = () => {
    next = 0;
    // A piece is reused once none of its slots is in use.
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
