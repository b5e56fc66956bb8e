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

/** An answer, whole. */
interface Answer {
  status: number;
  bytes: Uint8Array<ArrayBuffer>;
}

/** Makes one request. Fails when nothing more comes for some milliseconds: a file as a whole may take far longer. */
async function exchange(
  url: string,
  method: string,
  body: BodyInit | undefined,
  stall: number,
): Promise<Answer> {
  const stop = new AbortController();
  const wait = () => setTimeout(() => stop.abort(new Error(`nothing came for ${stall / 1000} s`)), stall);
  let timer = wait();
  const noticed = new TransformStream<Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>>({
    transform: (part, to) => {
      clearTimeout(timer);
      timer = wait();
      to.enqueue(part);
    },
  });
  try {
    const response = await fetch(url, { method, body, signal: stop.signal });
    const whole = new Response(response.body?.pipeThrough(noticed));
    return { status: response.status, bytes: new Uint8Array(await whole.arrayBuffer()) };
  } finally {
    clearTimeout(timer);
  }
}

/** Makes one request; tries again while the coordinator is out of reach, but not for longer than `silence`. */
async function attempt(
  { coordinator, nodeId, silence }: Address,
  method: string,
  path: string,
  options: { query?: string; body?: BodyInit; patience?: number } = {},
): Promise<Answer> {
  const url = `http://${coordinator}/${path}?node=${nodeId}${options.query ?? ""}`;
  const start = performance.now(), patience = options.patience ?? silence;
  for (;;) {
    try {
      const answer = await exchange(url, method, options.body, Math.max(silence, LONGEST_WAIT) + 1000);
      if (answer.status < 300 || answer.status === 404) return answer;
      throw new HostsError(new TextDecoder().decode(answer.bytes));
    } catch (error) {
      if (error instanceof HostsError) throw error;
      if (performance.now() - start >= patience) {
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

/** Asks until something is there, at most so many milliseconds. */
async function waitFor(at: Address, path: string, wait: number): Promise<Answer | undefined> {
  const end = performance.now() + wait;
  for (;;) {
    const rest = Math.max(0, Math.min(end - performance.now(), LONGEST_WAIT));
    const answer = await attempt(at, "GET", path, { query: `&wait=${Math.ceil(rest)}` });
    if (answer.status !== 404) return answer;
    if (performance.now() >= end) return undefined;
  }
}

const valuePath = (key: string) => `values/${encodeURIComponent(key)}`;

/** Tells the service that this node is there. Waits for the service to come, at most `patience` milliseconds. */
export async function join(at: Address, token: string, nodes: number, patience: number): Promise<void> {
  await attempt(at, "POST", "join", { query: `&nodes=${nodes}`, body: token, patience });
}

/** Sets a key's value. */
export async function putValue(at: Address, key: string, value: Uint8Array<ArrayBuffer>): Promise<void> {
  await attempt(at, "PUT", valuePath(key), { body: value });
}

/** Sets a key's value unless it has one; gives the one that stands. */
export async function proposeValue(
  at: Address,
  key: string,
  value: Uint8Array<ArrayBuffer>,
): Promise<Uint8Array<ArrayBuffer>> {
  return (await attempt(at, "POST", valuePath(key), { body: value })).bytes;
}

/** A key's value; undefined when it was not set within so many milliseconds. */
export async function getValue(
  at: Address,
  key: string,
  wait: number,
): Promise<Uint8Array<ArrayBuffer> | undefined> {
  return (await waitFor(at, valuePath(key), wait))?.bytes;
}

/** A file that node 0 offers, or null where it says that there is none; undefined when it says nothing in time. */
export async function getFile(
  at: Address,
  name: string,
  wait: number,
): Promise<Uint8Array<ArrayBuffer> | null | undefined> {
  const answer = await waitFor(at, `files/${encodeURIComponent(name)}`, wait);
  return answer?.status === 204 ? null : answer?.bytes;
}

/** Says `leave` or `fail`; whether anybody hears it does not matter to the one who goes. */
export async function say(at: Address, what: "leave" | "fail", message = ""): Promise<void> {
  try {
    await attempt(at, "POST", what, { body: message, patience: 1000 });
  } catch {
    // The run has failed already, or nobody is there.
  }
}
