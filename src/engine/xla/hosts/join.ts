import { KEYS, openPace } from "./pace.ts";
import { type Address, getFile, getValue, HostsError, join, proposeValue, putValue, say } from "./request.ts";
import type { CallbackKind, CallbackMessage } from "./callback_worker.ts";
import type { LinkMessage } from "./link_worker.ts";
import { newMailbox } from "./mailbox.ts";
import type { ServiceMessage } from "./service_worker.ts";

/** How a process joins the others. */
export interface JoinOptions {
  /** How many processes there are. */
  nodes: number;
  /** Which of them this is, from 0. Node 0 runs the service. */
  nodeId: number;
  /** Where node 0's service is, `host:port`: an address of node 0's machine. There, port 0 takes a free one. */
  coordinator: string;
  /** Seconds to wait for the others at the start. Default 300. */
  patience?: number;
  /** Seconds without a word after which a node counts as gone. Default 20. */
  silence?: number;
}

/** Addresses of the functions by which a plugin shares values between processes. */
export type Callbacks = Readonly<Record<CallbackKind, number>>;

/** This process among those that compute together. Every request throws HostsError once the run has failed. */
export interface Hosts {
  readonly nodes: number;
  readonly nodeId: number;
  /** Where the service is, with its real port. */
  readonly coordinator: string;
  readonly callbacks: Callbacks;
  /** Never resolves; rejects when a node is gone or has said that it failed. */
  readonly failed: Promise<never>;
  put(key: string, value: Uint8Array | string): Promise<void>;
  /** Waits for a key, without an end where no milliseconds are given. */
  get(key: string, wait?: number): Promise<Uint8Array<ArrayBuffer>>;
  /** Resolves when every node has come to a point of this name. */
  barrier(name: string, wait?: number): Promise<void>;
  /**
   * Remembers numbers, at most four, of the state after a step, for {@linkcode Hosts.gather}. To be called before the
   * step begins.
   */
  note(step: number, numbers: readonly number[]): void;
  /** Node 0: what every node has noted of a step; waits until all have. */
  gather(step: number): Promise<number[][]>;
  /** Asks all nodes to stop soon. `done`: the steps that this one has begun. Resolves when all know where. */
  askStop(done: number): Promise<void>;
  /** Steps after which to stop: infinite until somebody asks for it. To be read before each step. */
  stopAfter(): number;
  /** Node 0: lets the others read a file; null says that there is none. */
  offer(name: string, path: string | null): void;
  /** What node 0 offers under a name. */
  file(name: string): Promise<Uint8Array<ArrayBuffer> | null>;
  /** Ends the run of all nodes with a message, unless it has failed already. To be awaited before the process ends. */
  fail(message: string): Promise<void>;
  /** Leaves the others. Node 0 stays until all have left. */
  close(): Promise<void>;
}

/** Steps that lie between one node's wish to stop and the stop: no node can be farther ahead of another. */
const AHEAD = 4;

const worker = (name: string) => new Worker(new URL(`./${name}.ts`, import.meta.url), { type: "module" });

/** A worker's next message. */
const reply = <T>(from: Worker) =>
  new Promise<T>((resolve, reject) => {
    from.onmessage = ({ data }) => resolve(data as T);
    from.onerror = (event) => {
      event.preventDefault();
      reject(new Error(`a thread for the hosts ended: ${event.message}`));
    };
  });

function check({ nodes, nodeId, coordinator }: JoinOptions): { hostname: string; port: number } {
  if (!(Number.isInteger(nodes) && nodes >= 1 && Number.isInteger(nodeId) && nodeId >= 0 && nodeId < nodes)) {
    throw new RangeError(`node ${nodeId} of ${nodes} does not exist; nodes count from 0`);
  }
  const match = /^(\[[0-9a-fA-F:.]+\]|[^:\s/]+):(\d{1,5})$/.exec(coordinator);
  if (!match || Number(match[2]) > 65535) {
    throw new RangeError(`the coordinator is host:port, such as 10.0.0.1:8476, not "${coordinator}"`);
  }
  return { hostname: match[1].replace(/^\[|\]$/g, ""), port: Number(match[2]) };
}

/**
 * Joins the processes of a run: node 0 opens the service at `coordinator`, all others come to it. Resolves when all are
 * there.
 *
 * The service trusts whoever reaches it: let only the run's own machines do.
 *
 * @throws {HostsError} When not all come in time; says who is missing.
 * @throws {RangeError} When the options cannot be used.
 */
export async function joinHosts(options: JoinOptions): Promise<Hosts> {
  const { nodes, nodeId } = options, { hostname, port } = check(options);
  const patience = 1000 * (options.patience ?? 300), silence = 1000 * (options.silence ?? 20);
  let coordinator = options.coordinator, service: Worker | undefined;
  const started: Worker[] = [];
  const stop = () => started.forEach((each) => each.terminate());
  const begin = (name: string) => {
    const made = worker(name);
    started.push(made);
    return made;
  };
  try {
    if (nodeId === 0) {
      service = begin("service_worker");
      const listening = reply<{ kind: string; port: number; message: string }>(service);
      send<ServiceMessage>(service, { kind: "start", hostname, port, options: { nodes, silence } });
      const { kind, message, port: real } = await listening;
      if (kind !== "listening") {
        throw new HostsError(
          `node 0 cannot listen at ${coordinator}: ${message}. It must be an address of this machine with a free port`,
        );
      }
      coordinator = coordinator.replace(/:\d+$/, `:${real}`);
    }
    const at: Address = { coordinator, nodeId, silence };
    await join(at, crypto.randomUUID(), nodes, patience);

    // The link first: from now on the service hears of this node.
    const link = begin("link_worker");
    const channels = [0, 1].map(() => ({ box: newMailbox(), ...channel() }));
    const ready = reply(link);
    const boxes = channels.map(({ box, there }) => ({ box, port: there }));
    const pace = openPace();
    send<LinkMessage>(link, { kind: "start", at, pace: pace.memory, boxes }, boxes.map(({ port }) => port));
    await ready;
    const failed = new Promise<never>((_, reject) => {
      link.onmessage = ({ data }) => {
        send<LinkMessage>(link, { kind: "quiet" });
        reject(new HostsError(data.message));
      };
    });
    failed.catch(() => {}); // Those who wait for something else hear of it too.

    const kinds: CallbackKind[][] = [["get"], ["tryGet", "put"]];
    const made = await Promise.all(channels.map(async ({ box, here }, i) => {
      const own = begin("callback_worker"), pointers = reply<Partial<Callbacks>>(own);
      send<CallbackMessage>(own, { port: here, box, kinds: kinds[i] }, [here]);
      return await pointers;
    }));
    const callbacks = Object.assign({}, ...made) as Callbacks;

    const get = async (key: string, wait = Infinity) => {
      const found = await getValue(at, key, wait);
      if (!found) throw new HostsError(`no node has set ${key} within ${wait / 1000} s`);
      return found;
    };
    const put = (key: string, value: Uint8Array | string) =>
      putValue(at, key, typeof value === "string" ? new TextEncoder().encode(value) : new Uint8Array(value));
    const barrier = async (name: string, wait = Infinity) => {
      await put(`barrier/${name}/${nodeId}`, "");
      const missing: number[] = [], end = Date.now() + wait;
      for (let i = 0; i < nodes; i++) {
        if (!await getValue(at, `barrier/${name}/${i}`, Math.max(0, end - Date.now()))) missing.push(i);
      }
      if (missing.length === 0) return;
      const which = missing.length > 1 ? `nodes ${missing.join(", ")} have` : `node ${missing[0]} has`;
      throw new HostsError(
        `${which} not come to ${coordinator} within ${
          wait / 1000
        } s. Start every node with the same --nodes and ` +
          "--coordinator and a --node-id of its own",
      );
    };
    let asked = 0;
    const close = async () => {
      send<LinkMessage>(link, { kind: "quiet" });
      await say(at, "leave");
      if (service) {
        const stopped = reply(service);
        send<ServiceMessage>(service, { kind: "stop" });
        // Whoever has died since is noticed after the silence.
        let timer: ReturnType<typeof setTimeout>;
        const late = new Promise((resolve) => timer = setTimeout(resolve, silence + 2000));
        await Promise.race([stopped, late]).finally(() => clearTimeout(timer));
      }
      stop();
    };
    try {
      await barrier("start", patience);
    } catch (error) {
      await say(at, "fail", (error as Error).message);
      throw error;
    }
    return {
      nodes,
      nodeId,
      coordinator,
      callbacks,
      failed,
      put,
      get,
      barrier,
      note: pace.note,
      gather: async (step) => {
        const number = asked++;
        await put(KEYS.ask(number), JSON.stringify(step));
        const answers = Array.from({ length: nodes }, (_, node) => get(KEYS.answer(number, node)));
        return (await Promise.all(answers)).map((bytes) => JSON.parse(new TextDecoder().decode(bytes)));
      },
      askStop: async (done) => {
        // This node begins no step until all know; the others may have begun two more than it.
        await proposeValue(at, KEYS.stop, new TextEncoder().encode(JSON.stringify(done + AHEAD)));
        await Promise.all(Array.from({ length: nodes }, (_, node) => get(KEYS.stopSeen(node))));
      },
      stopAfter: pace.stop,
      offer: (name, path) => send<ServiceMessage>(service!, { kind: "offer", name, path }),
      file: async (name) => {
        const found = await getFile(at, name, Infinity);
        return found === undefined ? null : found;
      },
      fail: async (message) => {
        await say(at, "fail", `node ${nodeId}: ${message}`);
        // The service ends with this process; what the others have asked it is answered first.
        if (service) await new Promise((resolve) => setTimeout(resolve, 500));
      },
      close,
    };
  } catch (error) {
    stop();
    throw error;
  }
}

function channel(): { here: MessagePort; there: MessagePort } {
  const { port1, port2 } = new MessageChannel();
  return { here: port1, there: port2 };
}

function send<Message>(to: Worker, message: Message, transfer: Transferable[] = []): void {
  to.postMessage(message, transfer);
}
