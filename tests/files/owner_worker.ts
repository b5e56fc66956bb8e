/** Tells who would own a lock that is taken in a worker. */
import { ownerHere } from "../../src/files/lock_owner.ts";

// What a thread has beside a program's own names.
const thread = globalThis as unknown as { postMessage(message: unknown): void };

thread.postMessage(ownerHere());
