/**
 * A node's link to the service, in a thread of its own: it speaks up while the main thread is blocked in the plugin,
 * answers the plugin's callbacks, and ends the process when the run has failed and the main thread cannot.
 */
import { answer, type MailRequest } from "./mailbox.ts";
import { type Address, getValue, HostsError, putValue } from "./request.ts";
import { KEYS, openPace, type Pace } from "./pace.ts";
import { threadScope } from "./scope.ts";

const thread = threadScope<LinkMessage>();

/** What the main thread asks for. */
export type LinkMessage =
  | {
    kind: "start";
    at: Address;
    pace: SharedArrayBuffer;
    boxes: { port: MessagePort; box: SharedArrayBuffer }[];
  }
  /** The main thread has seen the failure, or does not want to hear of one any more. */
  | { kind: "quiet" };

/** Milliseconds that the main thread has to react to a failure. */
const GRACE = 5_000;

let quiet = false;

/** Ends the process at once. A worker's own Deno.exit ends only the worker. */
function exit(message: string): void {
  Deno.stderr.writeSync(new TextEncoder().encode(`error: ${message}\n`));
  const loader = Deno.dlopen(Deno.build.os === "darwin" ? "libSystem.B.dylib" : "libc.so.6", {
    _exit: { parameters: ["i32"], result: "void" },
  });
  loader.symbols._exit(1);
}

function failed(message: string): void {
  if (quiet) return;
  thread.postMessage({ kind: "failed", message });
  setTimeout(() => {
    if (!quiet) exit(message);
  }, GRACE);
}

const numbersOf = (bytes: Uint8Array) => JSON.parse(new TextDecoder().decode(bytes));
const bytesOf = (value: unknown) => new TextEncoder().encode(JSON.stringify(value));

/** Waits for the step to stop after, and says when this node knows it. */
async function heedStop(at: Address, pace: Pace): Promise<void> {
  pace.setStop(numbersOf((await getValue(at, KEYS.stop, Infinity))!));
  await putValue(at, KEYS.stopSeen(at.nodeId), bytesOf(true));
}

/**
 * Waits for node 0's questions and answers them. While nothing is asked, asking for the question tells the service that
 * this node lives, and brings the news when another does not.
 */
async function answerQuestions(at: Address, pace: Pace): Promise<void> {
  for (let number = 0;; number++) {
    const step = numbersOf((await getValue(at, KEYS.ask(number), Infinity))!);
    let noted = pace.noted(step);
    for (let wait = 1; !noted; wait = Math.min(50, 2 * wait), noted = pace.noted(step)) {
      await new Promise((resolve) => setTimeout(resolve, wait));
    }
    await putValue(at, KEYS.answer(number, at.nodeId), bytesOf(noted));
  }
}

async function serve(
  at: Address,
  { kind, key, wait, value }: MailRequest,
  box: SharedArrayBuffer,
): Promise<void> {
  try {
    if (kind === "put") {
      await putValue(at, key, value!);
      return answer(box, { kind: "value", value: new Uint8Array(0) });
    }
    const found = await getValue(at, key, wait);
    answer(box, found ? { kind: "value", value: found } : { kind: "missing" });
  } catch (error) {
    answer(box, { kind: "failed", message: (error as Error).message });
    if (error instanceof HostsError) failed(error.message);
  }
}

thread.onmessage = ({ data }) => {
  if (data.kind === "quiet") {
    quiet = true;
    return;
  }
  const { at, boxes } = data, pace = openPace(data.pace);
  for (const { port, box } of boxes) port.onmessage = ({ data }) => void serve(at, data as MailRequest, box);
  for (const work of [heedStop, answerQuestions]) {
    work(at, pace).catch((error: Error) => failed(error.message));
  }
  thread.postMessage({ kind: "ready" });
};
