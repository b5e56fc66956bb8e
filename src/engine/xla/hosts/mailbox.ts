import { LARGEST_VALUE } from "./service.ts";

/**
 * How a thread that must not return before it has an answer asks one that can wait: the plugin's callbacks want their
 * values at once, and only another thread's event loop can fetch them.
 */
export interface MailRequest {
  /** Wait this long for the key; `put` sets it. */
  kind: "get" | "put";
  key: string;
  wait: number;
  value?: Uint8Array<ArrayBuffer>;
}

/** What came of it. */
export type MailAnswer =
  | { kind: "value"; value: Uint8Array<ArrayBuffer> }
  | { kind: "missing" }
  | { kind: "failed"; message: string };

const WAITING = 0, KINDS = ["", "value", "missing", "failed"] as const;
const HEAD = 8;

/** Memory that both threads see. */
export function newMailbox(): SharedArrayBuffer {
  return new SharedArrayBuffer(HEAD + LARGEST_VALUE);
}

/** Posts a request and blocks until it is answered. */
export function ask(box: SharedArrayBuffer, port: MessagePort, request: MailRequest): MailAnswer {
  const head = new Int32Array(box, 0, 2);
  Atomics.store(head, 0, WAITING);
  port.postMessage(request);
  while (Atomics.load(head, 0) === WAITING) Atomics.wait(head, 0, WAITING);
  const kind = KINDS[Atomics.load(head, 0)], bytes = new Uint8Array(box, HEAD, Atomics.load(head, 1)).slice();
  if (kind === "value") return { kind, value: bytes };
  if (kind === "failed") return { kind, message: new TextDecoder().decode(bytes) };
  return { kind: "missing" };
}

/** Answers what was asked. */
export function answer(box: SharedArrayBuffer, given: MailAnswer): void {
  const head = new Int32Array(box, 0, 2), room = new Uint8Array(box, HEAD);
  const bytes = given.kind === "value"
    ? given.value
    : new TextEncoder().encode(given.kind === "failed" ? given.message : "");
  room.set(bytes.subarray(0, room.length));
  Atomics.store(head, 1, Math.min(bytes.length, room.length));
  Atomics.store(head, 0, KINDS.indexOf(given.kind));
  Atomics.notify(head, 0);
}
