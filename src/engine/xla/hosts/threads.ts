/** A node's threads, as its main thread starts them and speaks to them. */
import type { CallbackKind, CallbackMessage } from "./callback_worker.ts";
import type { LinkMessage } from "./link_worker.ts";
import { newMailbox } from "./mailbox.ts";
import { type Address, HostsError } from "./request.ts";
import type { ServiceOptions } from "./service.ts";
import type { ServiceMessage } from "./service_worker.ts";

/** Addresses of the functions by which a plugin shares values between processes. */
export type Callbacks = Readonly<Record<CallbackKind, number>>;

/** How a thread of callbacks asks the link: by a mailbox, and a channel that says that something lies in it. */
export interface Line {
  box: SharedArrayBuffer;
  here: MessagePort;
  there: MessagePort;
}

/** A new line between two threads. */
export function newLine(): Line {
  const { port1, port2 } = new MessageChannel();
  return { box: newMailbox(), here: port1, there: port2 };
}

/** Starts one of this folder's workers. */
export function startThread(name: string): Worker {
  return new Worker(new URL(`./${name}.ts`, import.meta.url), { type: "module" });
}

/** Sends a worker a message. */
export function send<Message>(to: Worker, message: Message, transfer: Transferable[] = []): void {
  to.postMessage(message, transfer);
}

/** A worker's next message. */
function reply<T>(from: Worker): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    from.onmessage = ({ data }) => resolve(data as T);
    from.onerror = (event) => {
      event.preventDefault();
      reject(new Error(`a thread for the hosts ended: ${event.message}`));
    };
  });
}

/**
 * Lets the service listen at an address, `host:port`.
 *
 * @param at The same in its parts.
 * @returns The address with its real port: where 0 was asked for, the one that was free.
 * @throws {HostsError} When it cannot listen there.
 */
export async function startService(
  service: Worker,
  coordinator: string,
  at: { hostname: string; port: number },
  options: ServiceOptions,
): Promise<string> {
  const listening = reply<{ kind: string; port: number; message: string }>(service);
  send<ServiceMessage>(service, { kind: "start", ...at, options });
  const { kind, message, port } = await listening;
  if (kind !== "listening") {
    throw new HostsError(
      `node 0 cannot listen at ${coordinator}: ${message}. It must be an address of this machine with a free port`,
    );
  }
  return coordinator.replace(/:\d+$/, `:${port}`);
}

/** Stops the service when all nodes have left, after so many milliseconds at the latest. */
export async function stopService(service: Worker, patience: number): Promise<void> {
  const stopped = reply(service);
  send<ServiceMessage>(service, { kind: "stop" });
  let timer: ReturnType<typeof setTimeout>;
  const late = new Promise((resolve) => timer = setTimeout(resolve, patience));
  await Promise.race([stopped, late]).finally(() => clearTimeout(timer));
}

/**
 * Starts the link to the service.
 *
 * @param pace The memory of this node's pace.
 * @param lines By which callbacks ask it.
 * @returns `failed` rejects when the run fails; in a record, since it would be waited for otherwise.
 */
export async function startLink(
  link: Worker,
  at: Address,
  pace: SharedArrayBuffer,
  lines: readonly Line[],
): Promise<{ failed: Promise<never> }> {
  const ready = reply(link);
  const boxes = lines.map(({ box, there }) => ({ box, port: there }));
  send<LinkMessage>(link, { kind: "start", at, pace, boxes }, boxes.map(({ port }) => port));
  await ready;
  const failed = new Promise<never>((_, reject) => {
    link.onmessage = ({ data }) => {
      send<LinkMessage>(link, { kind: "quiet" });
      reject(new HostsError(data.message));
    };
  });
  failed.catch(() => {}); // Those who wait for something else hear of it too.
  return { failed };
}

/** Starts the threads of the plugin's callbacks: one for those that wait for a key, one for those that do not. */
export async function startCallbacks(lines: readonly Line[], begin: () => Worker): Promise<Callbacks> {
  const kinds: CallbackKind[][] = [["get"], ["tryGet", "put"]];
  const made = await Promise.all(lines.map(async ({ box, here }, i) => {
    const own = begin(), pointers = reply<Partial<Callbacks>>(own);
    send<CallbackMessage>(own, { port: here, box, kinds: kinds[i] }, [here]);
    return await pointers;
  }));
  return Object.assign({}, ...made) as Callbacks;
}
