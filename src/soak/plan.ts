import { type RandomStream, randomStream } from "../random.ts";

/** What a life of a training ends by. */
export type Death = "SIGKILL" | "SIGTERM" | "SIGINT" | "full disk" | "small files" | "none";

/** The moment that a signal waits for. */
export type Moment =
  | "any"
  | "starting"
  | "compiling"
  | "first files"
  | "writing"
  | "renamed"
  | "appending"
  | "downloading";

/** One life of a training, drawn before it begins. */
export interface LifePlan {
  death: Death;
  moment: Moment;
  /** Milliseconds from the start of the process, or from its first step, until the moment is awaited. */
  from: "start" | "step";
  delay: number;
  /** Milliseconds between the moment and the signal. */
  late: number;
  /** Tries a second command on the same folder meanwhile. */
  second: boolean;
  /** A second signal follows the first at once: the command then ends as it is. */
  twice: boolean;
  /** What a power cut could have left, made after the death: a torn line, half a checkpoint. */
  tear: boolean;
  plant: boolean;
  /** Between 0 and 1: how far a disk lets the command get. */
  share: number;
}

/** How a life is to end, before chance fills in the rest. */
export interface Card {
  death: Death;
  moment: Moment;
  second?: boolean;
  tear?: boolean;
  plant?: boolean;
}

/** The lives that a soak begins with, in some order, so that a short one meets every promise. */
const FIRST: readonly Card[] = [
  { death: "SIGKILL", moment: "first files" },
  { death: "SIGKILL", moment: "writing", plant: true },
  { death: "SIGKILL", moment: "appending", second: true, tear: true },
  { death: "SIGKILL", moment: "any" },
  { death: "SIGTERM", moment: "any" },
  { death: "small files", moment: "any" },
];

/** The lives that follow, shuffled anew each time: four of five end by SIGKILL. */
const DECK: readonly Card[] = [
  ...Array.from({ length: 6 }, () => ({ death: "SIGKILL", moment: "any" }) as const),
  ...Array.from({ length: 4 }, () => ({ death: "SIGKILL", moment: "writing" }) as const),
  ...([
    "starting",
    "starting",
    "renamed",
    "renamed",
    "appending",
    "appending",
    "downloading",
    "downloading",
  ] as const)
    .map((moment) => ({ death: "SIGKILL", moment }) as const),
  { death: "SIGKILL", moment: "writing", plant: true },
  { death: "SIGKILL", moment: "appending", tear: true },
  { death: "SIGKILL", moment: "renamed", second: true },
  { death: "SIGKILL", moment: "compiling" },
  { death: "SIGTERM", moment: "any" },
  { death: "SIGINT", moment: "any" },
  { death: "SIGINT", moment: "any", second: true },
  { death: "small files", moment: "any" },
  { death: "full disk", moment: "any" },
];

/** Deals cards without end. */
export function* deal(seed: number): Generator<Card, never, void> {
  yield* randomStream(seed, "soak", 3).shuffle([...FIRST]);
  for (let deck = 1;; deck++) yield* randomStream(seed, "soak", 3, deck).shuffle([...DECK]);
}

/** What a life is drawn for. */
export interface Circumstances {
  /** True when the run has no folder yet. */
  fresh: boolean;
  http: boolean;
  /** True where the engine keeps compiled programs. */
  compiles: boolean;
  /** Whether {@linkcode Death} "full disk" can be had. */
  disks: boolean;
  /** Milliseconds that a start takes until the first step, and that a life should take on average. */
  startup: number;
  mean: number;
}

/** Draws a life: always as many numbers, so that one life's draw does not depend on what became of another. */
export function drawLife(card: Card, random: RandomStream, about: Circumstances): LifePlan {
  const { fresh, http, compiles, disks, startup, mean } = about, { death } = card;
  const length = random.uniform(), late = random.uniform();
  const [begins, second, twice, tear, plant] = Array.from({ length: 5 }, () => random.uniform());
  let moment = card.moment;
  const impossible = (moment === "downloading" && !http) || (moment === "compiling" && !compiles) ||
    (moment === "first files" && !fresh);
  if (impossible) moment = moment === "first files" ? "writing" : "any";
  // A run has its first files once only.
  if (fresh && death === "SIGKILL" && moment === "any" && begins < 0.7) moment = "first files";
  const early = moment === "starting" || moment === "compiling" || moment === "first files";
  const fromStart = early || (death === "SIGKILL" && moment === "any" && !card.second);
  const running = Math.max(500, mean - startup);
  const delay = moment === "first files"
    ? 0
    : moment === "starting"
    ? startup
    : fromStart
    ? 2 * mean
    : 2 * running;
  return {
    death: death === "full disk" && !disks ? "small files" : death,
    moment,
    from: fromStart ? "start" : "step",
    delay: length * delay,
    late: moment === "first files" ? 40 * late ** 2 : moment === "renamed" ? 8 * late ** 2 : 0,
    second: !fromStart && (card.second === true || second < 0.05),
    twice: twice < 0.2,
    tear: card.tear === true || tear < 0.15,
    plant: card.plant === true || plant < 0.15,
    share: late,
  };
}

/** A life that nothing disturbs. */
export function quietLife(): LifePlan {
  return {
    death: "none",
    moment: "any",
    from: "step",
    delay: 0,
    late: 0,
    second: false,
    twice: false,
    tear: false,
    plant: false,
    share: 0,
  };
}

/** One of several, each as likely as its weight says. */
export function weighted<T extends string>(
  random: RandomStream,
  weights: Readonly<Partial<Record<T, number>>>,
): T {
  const entries = Object.entries(weights) as [T, number][];
  let left = random.uniform(0, entries.reduce((sum, [, weight]) => sum + weight, 0));
  for (const [name, weight] of entries) {
    left -= weight;
    if (left < 0) return name;
  }
  return entries.at(-1)![0];
}
