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

/** What the service knows of its run. */
interface Run {
  readonly nodes: number;
  readonly now: () => number;
  readonly members: Map<number, Node>;
  readonly values: Map<string, Uint8Array<ArrayBuffer>>;
  /** Paths by name; null where there is no such file. */
  readonly files: Map<string, string | null>;
  failure: string | undefined;
  /** Called once, at the next change of values, files or fate. */
  wakers: Set<() => void>;
}

function wake(run: Run): void {
  const woken = run.wakers;
  run.wakers = new Set();
  for (const waker of woken) waker();
}

function fail(run: Run, message: string): void {
  run.failure ??= message;
  wake(run);
}

function isOver({ failure, members, nodes }: Run): boolean {
  return failure !== undefined || (members.size === nodes && [...members.values()].every((n) => n.left));
}

function join({ nodes, members, now }: Run, id: number, token: string, count: number): Response {
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
async function waitFor<T>(run: Run, what: () => T | undefined, wait: number): Promise<T | undefined> {
  const end = run.now() + Math.min(wait, LONGEST_WAIT);
  for (;;) {
    const found = what(), rest = end - run.now();
    if (found !== undefined || run.failure !== undefined || rest <= 0) return found;
    await new Promise<void>((resolve) => {
      const done = () => {
        clearTimeout(timer);
        run.wakers.delete(done);
        resolve();
      };
      const timer = setTimeout(done, rest);
      run.wakers.add(done);
    });
  }
}

/** Takes a value and gives the one that stands: of those that do not replace what is there, the first one's. */
async function takeValue(run: Run, key: string, request: Request, replaces: boolean): Promise<Response> {
  const value = new Uint8Array(await request.arrayBuffer());
  if (value.length > LARGEST_VALUE) {
    return text(413, `${key} has ${value.length} bytes; at most ${LARGEST_VALUE} can be shared`);
  }
  if (replaces || !run.values.has(key)) {
    run.values.set(key, value);
    wake(run);
  }
  return new Response(run.values.get(key)!);
}

async function giveValue(run: Run, key: string, wait: number): Promise<Response> {
  const value = await waitFor(run, () => run.values.get(key), wait);
  if (run.failure !== undefined) return text(410, run.failure);
  return value ? new Response(value) : text(404, `there is no ${key}`);
}

async function giveFile(run: Run, key: string, wait: number): Promise<Response> {
  const { files } = run;
  const found = await waitFor(run, () => files.has(key) ? { path: files.get(key)! } : undefined, wait);
  if (run.failure !== undefined) return text(410, run.failure);
  if (!found) return text(404, `there is no ${key}`);
  if (found.path === null) return new Response(null, { status: 204 });
  return new Response((await Deno.open(found.path)).readable);
}

async function answer(run: Run, request: Request, url: URL, id: number): Promise<Response> {
  const [, kind, ...rest] = url.pathname.split("/"), key = rest.map(decodeURIComponent).join("/");
  const what = `${request.method} ${kind}`;
  if (what === "POST join") {
    return join(run, id, await request.text(), Number(url.searchParams.get("nodes")));
  }
  const member = run.members.get(id);
  if (!member) return text(409, `node ${id} has not joined`);
  member.seen = run.now();
  const wait = Number(url.searchParams.get("wait") ?? 0);
  switch (what) {
    case "PUT values":
      return takeValue(run, key, request, true);
    case "POST values":
      return takeValue(run, key, request, false);
    case "GET values":
      return giveValue(run, key, wait);
    case "GET files":
      return giveFile(run, key, wait);
    case "POST fail":
      fail(run, await request.text());
      return text(200, "");
    case "POST leave":
      member.left = true;
      wake(run);
      return text(200, "");
    default:
      return text(400, `this is the service of a training run; it does not know ${what}`);
  }
}

/** A service for one run. */
export function openService({ nodes, silence, now = () => performance.now() }: ServiceOptions): Service {
  const run: Run = {
    nodes,
    now,
    members: new Map(),
    values: new Map(),
    files: new Map(),
    failure: undefined,
    wakers: new Set(),
  };
  return {
    handle: async (request) => {
      const url = new URL(request.url), id = Number(url.searchParams.get("node") ?? NaN);
      if (run.failure !== undefined && url.pathname !== "/leave") return text(410, run.failure);
      try {
        return await answer(run, request, url, id);
      } catch (error) {
        return text(500, (error as Error).message);
      }
    },
    check: () => {
      for (const [id, { seen, left }] of run.members) {
        if (left || now() - seen <= silence) continue;
        fail(run, `node ${id} has not been heard of for ${Math.round((now() - seen) / 1000)} s`);
      }
    },
    offer: (name, path) => {
      run.files.set(name, path);
      wake(run);
    },
    over: async () => {
      while (!isOver(run)) await new Promise<void>((resolve) => run.wakers.add(resolve));
    },
  };
}
