import { agreeStop, barrier, gather, get, put } from "./agree.ts";
import type { LinkMessage } from "./link_worker.ts";
import { openPace } from "./pace.ts";
import { type Address, getFile, getValue, join, say } from "./request.ts";
import type { ServiceMessage } from "./service_worker.ts";
import {
  type Callbacks,
  newLine,
  send,
  startCallbacks,
  startLink,
  startService,
  startThread,
  stopService,
} from "./threads.ts";

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
  /** What a key is now; undefined where no node has set it. */
  find(key: string): Promise<Uint8Array<ArrayBuffer> | undefined>;
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
  const { nodes, nodeId } = options, place = check(options);
  const patience = 1000 * (options.patience ?? 300), silence = 1000 * (options.silence ?? 20);
  const started: Worker[] = [];
  const stop = () => started.forEach((each) => each.terminate());
  const begin = (name: string) => {
    const made = startThread(name);
    started.push(made);
    return made;
  };
  try {
    const service = nodeId === 0 ? begin("service_worker") : undefined;
    const coordinator = service
      ? await startService(service, options.coordinator, place, { nodes, silence })
      : options.coordinator;
    const at: Address = { coordinator, nodeId, silence };
    await join(at, crypto.randomUUID(), nodes, patience);

    // The link first: from now on the service hears of this node.
    const link = begin("link_worker"), lines = [newLine(), newLine()], pace = openPace();
    const { failed } = await startLink(link, at, pace.memory, lines);
    const callbacks = await startCallbacks(lines, () => begin("callback_worker"));
    try {
      await barrier(at, nodes, "start", patience);
    } catch (error) {
      await say(at, "fail", (error as Error).message);
      throw error;
    }
    let asked = 0;
    return {
      nodes,
      nodeId,
      coordinator,
      callbacks,
      failed,
      put: (key, value) => put(at, key, value),
      get: (key, wait) => get(at, key, wait),
      find: (key) => getValue(at, key, 0),
      barrier: (name, wait) => barrier(at, nodes, name, wait),
      note: pace.note,
      gather: (step) => gather(at, nodes, step, asked++),
      askStop: (done) => agreeStop(at, nodes, done),
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
      close: async () => {
        send<LinkMessage>(link, { kind: "quiet" });
        await say(at, "leave");
        // Whoever has died since is noticed after the silence.
        if (service) await stopService(service, silence + 2000);
        stop();
      },
    };
  } catch (error) {
    stop();
    throw error;
  }
}
