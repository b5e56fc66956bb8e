/** What of a worker's global scope is used here. */
interface Scope<In> {
  onmessage: (event: MessageEvent<In>) => void;
  postMessage(message: unknown): void;
}

/** The global scope of a thread that is sent messages of one type. */
export function threadScope<In>(): Scope<In> {
  return globalThis as unknown as Scope<In>;
}
