import { LONGEST_WAIT } from "./service.ts";

/** A failure of the run as a whole, or of the connection to it: what the nodes did so far cannot go on. */
export class HostsError extends Error {
  override name = "HostsError";
}

/** Where the service is, for one node. */
export interface Address {
  /** `host:port`. */
  coordinator: string;
  nodeId: number;
  /** Milliseconds that the coordinator may be out of reach. */
  silence: number;
}

/** Makes one request; tries again while the coordinator is out of reach, but not for longer than `silence`. */
async function attempt(
  { coordinator, nodeId, silence }: Address,
  method: string,
  path: string,
  options: { query?: string; body?: BodyInit; patience?: number } = {},
): Promise<Response> {
  const url = `http://${coordinator}/${path}?node=${nodeId}${options.query ?? ""}`;
  const start = Date.now(), patience = options.patience ?? silence;
  for (;;) {
    try {
      const signal = AbortSignal.timeout(Math.max(silence, LONGEST_WAIT) + 1000);
      const response = await fetch(url, { method, body: options.body, signal });
      if (response.ok || response.status === 404) return response;
      throw new HostsError(await response.text());
    } catch (error) {
      if (error instanceof HostsError) throw error;
      if (Date.now() - start >= patience) {
        throw new HostsError(
          `the coordinator (node 0) at ${coordinator} cannot be reached: ${
            (error as Error).message
          }. Is it running, ` +
            "and does its address let this machine in?",
        );
      }
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
  }
}

const valuePath = (key: string) => `values/${encodeURIComponent(key)}`;

/** Tells the service that this node is there. Waits for the service to come, at most `patience` milliseconds. */
export async function join(at: Address, token: string, nodes: number, patience: number): Promise<void> {
  const query = `&nodes=${nodes}`;
  await (await attempt(at, "POST", "join", { query, body: token, patience })).body?.cancel();
}

/** Sets a key's value. */
export async function putValue(at: Address, key: string, value: Uint8Array<ArrayBuffer>): Promise<void> {
  await (await attempt(at, "PUT", valuePath(key), { body: value })).body?.cancel();
}

/** Sets a key's value unless it has one; gives the one that stands. */
export async function proposeValue(
  at: Address,
  key: string,
  value: Uint8Array<ArrayBuffer>,
): Promise<Uint8Array<ArrayBuffer>> {
  return new Uint8Array(await (await attempt(at, "POST", valuePath(key), { body: value })).arrayBuffer());
}

/** A key's value; undefined when it was not set within so many milliseconds. */
export async function getValue(
  at: Address,
  key: string,
  wait: number,
): Promise<Uint8Array<ArrayBuffer> | undefined> {
  const end = Date.now() + wait;
  for (;;) {
    const rest = Math.max(0, Math.min(end - Date.now(), LONGEST_WAIT));
    const response = await attempt(at, "GET", valuePath(key), { query: `&wait=${Math.ceil(rest)}` });
    if (response.status !== 404) return new Uint8Array(await response.arrayBuffer());
    await response.body?.cancel();
    if (Date.now() >= end) return undefined;
  }
}

/** A file that node 0 offers, or null where it says that there is none; undefined when it says nothing in time. */
export async function getFile(
  at: Address,
  name: string,
  wait: number,
): Promise<Uint8Array<ArrayBuffer> | null | undefined> {
  const end = Date.now() + wait;
  for (;;) {
    const rest = Math.max(0, Math.min(end - Date.now(), LONGEST_WAIT));
    const path = `files/${encodeURIComponent(name)}`;
    const response = await attempt(at, "GET", path, { query: `&wait=${Math.ceil(rest)}` });
    if (response.status === 204) return null;
    if (response.status !== 404) return new Uint8Array(await response.arrayBuffer());
    await response.body?.cancel();
    if (Date.now() >= end) return undefined;
  }
}

/** Says `leave` or `fail`; whether anybody hears it does not matter to the one who goes. */
export async function say(at: Address, what: "leave" | "fail", message = ""): Promise<void> {
  try {
    await (await attempt(at, "POST", what, { body: message, patience: 1000 })).body?.cancel();
  } catch {
    // The run has failed already, or nobody is there.
  }
}
