/** Keys and values that the processes of a run share, who of them is there, and how they learn that one is gone. */

/** What the service is made for. */
export interface ServiceOptions {
  nodes: number;
  /** Milliseconds without a word from a node after which it counts as gone. */
  silence: number;
  /** The time in milliseconds; for tests. */
  now?: () => number;
}

/** The largest value, in bytes: what processes tell each other of their devices is far smaller. */
export const LARGEST_VALUE = 4 * 2 ** 20;
/** Milliseconds that one request waits at most; who wants to wait longer asks again, which says that it is alive. */
export const LONGEST_WAIT = 2000;

interface Node {
  /** Something that differs between two processes that say they are the same node. */
  token: string;
  seen: number;
  left: boolean;
}

/** The service's HTTP side, and what its host may do with it. */
export interface Service {
  handle(request: Request): Promise<Response>;
  /** Marks nodes as gone that were not heard of; to be called now and then. */
  check(): void;
  /** Offers a file under a name; none says that there is no such file. */
  offer(name: string, path: string | null): void;
  /** Resolves when every node has left or the run has failed. */
  over(): Promise<void>;
}

const text = (status: number, message: string) => new Response(message, { status });

/** A service for one run. */
export function openService({ nodes, silence, now = Date.now }: ServiceOptions): Service {
  const values = new Map<string, Uint8Array<ArrayBuffer>>();
  const files = new Map<string, string | null>();
  const members = new Map<number, Node>();
  let failure: string | undefined;
  /** Called at every change of values, files or fate. */
  let wakers = new Set<() => void>();
  const wake = () => {
    const woken = wakers;
    wakers = new Set();
    for (const waker of woken) waker();
  };
  const fail = (message: string) => {
    failure ??= message;
    wake();
  };
  const isOver = () =>
    failure !== undefined || (members.size === nodes && [...members.values()].every((n) => n.left));

  function join(id: number, token: string, count: number): Response {
    if (count !== nodes) {
      return text(
        409,
        `node ${id} was started for ${count} nodes, node 0 for ${nodes}; give all the same --nodes`,
      );
    }
    if (!(Number.isInteger(id) && id >= 0 && id < nodes)) {
      return text(409, `node ${id} does not exist: the run has ${nodes} nodes, from 0 to ${nodes - 1}`);
    }
    const known = members.get(id);
    if (known && known.token !== token) {
      return text(409, `there is already a node ${id}; each process needs a --node-id of its own`);
    }
    if (!known) members.set(id, { token, seen: now(), left: false });
    return text(200, "");
  }

  /** Waits for something to be there, at most so long; also ends when the run fails. */
  async function waitFor<T>(what: () => T | undefined, wait: number): Promise<T | undefined> {
    const end = now() + Math.min(wait, LONGEST_WAIT);
    for (;;) {
      const found = what(), rest = end - now();
      if (found !== undefined || failure !== undefined || rest <= 0) return found;
      await new Promise<void>((resolve) => {
        const done = () => {
          clearTimeout(timer);
          wakers.delete(done);
          resolve();
        };
        const timer = setTimeout(done, rest);
        wakers.add(done);
      });
    }
  }

  async function answer(request: Request, url: URL, id: number): Promise<Response> {
    const [, kind, ...rest] = url.pathname.split("/"), key = rest.map(decodeURIComponent).join("/");
    const what = `${request.method} ${kind}`;
    if (what === "POST join") {
      return join(id, await request.text(), Number(url.searchParams.get("nodes")));
    }
    const member = members.get(id);
    if (!member) return text(409, `node ${id} has not joined`);
    member.seen = now();
    switch (what) {
      case "PUT values":
      case "POST values": {
        const value = new Uint8Array(await request.arrayBuffer());
        if (value.length > LARGEST_VALUE) {
          return text(413, `${key} has ${value.length} bytes; at most ${LARGEST_VALUE} can be shared`);
        }
        // Of those that propose one value with POST, the first one's stands.
        if (request.method === "PUT" || !values.has(key)) {
          values.set(key, value);
          wake();
        }
        return new Response(values.get(key)!);
      }
      case "GET values": {
        const wait = Number(url.searchParams.get("wait") ?? 0);
        const value = await waitFor(() => values.get(key), wait);
        if (failure !== undefined) return text(410, failure);
        return value ? new Response(value) : text(404, `there is no ${key}`);
      }
      case "GET files": {
        const wait = Number(url.searchParams.get("wait") ?? 0);
        const found = await waitFor(() => files.has(key) ? { path: files.get(key)! } : undefined, wait);
        if (failure !== undefined) return text(410, failure);
        if (!found) return text(404, `there is no ${key}`);
        if (found.path === null) return new Response(null, { status: 204 });
        return new Response((await Deno.open(found.path)).readable);
      }
      case "POST fail":
        fail(await request.text());
        return text(200, "");
      case "POST leave":
        member.left = true;
        wake();
        return text(200, "");
      default:
        return text(400, `this is the service of a training run; it does not know ${what}`);
    }
  }

  return {
    handle: async (request) => {
      const url = new URL(request.url), id = Number(url.searchParams.get("node") ?? NaN);
      if (failure !== undefined && url.pathname !== "/leave") return text(410, failure);
      try {
        return await answer(request, url, id);
      } catch (error) {
        return text(500, (error as Error).message);
      }
    },
    check: () => {
      for (const [id, { seen, left }] of members) {
        if (left || now() - seen <= silence) continue;
        fail(`node ${id} has not been heard of for ${Math.round((now() - seen) / 1000)} s`);
      }
    },
    offer: (name, path) => {
      files.set(name, path);
      wake();
    },
    over: async () => {
      while (!isOver()) await new Promise<void>((resolve) => wakers.add(resolve));
    },
  };
}
