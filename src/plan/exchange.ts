/** What devices exchange in a step, and how long it takes at least. */
import type { Card } from "./cards.ts";
import type { Spread } from "./compiler.ts";
import type { Collective, Kernel } from "./kernels.ts";

/** A network between nodes. */
export interface Network {
  name: string;
  /** Bytes a second in each direction of one node, of all its adapters together. */
  bytes: number;
}

const gigabits = (name: string, count: number): Network => ({ name, bytes: count * 1e9 / 8 });

/** Networks by the name of the command line; their nominal rates. */
export const NETWORKS: Readonly<Record<string, Network>> = {
  "ethernet-10": gigabits("Ethernet, 10 Gbit/s a node", 10),
  "ethernet-25": gigabits("Ethernet, 25 Gbit/s a node", 25),
  "ethernet-100": gigabits("Ethernet, 100 Gbit/s a node", 100),
  "infiniband-200": gigabits("InfiniBand HDR, 200 Gbit/s a node", 200),
  "infiniband-400": gigabits("InfiniBand NDR, 400 Gbit/s a node", 400),
  "infiniband-8x400": gigabits("InfiniBand NDR, 8 × 400 Gbit/s a node", 3200),
};

/** What devices exchange in one step. */
export interface Exchange {
  /** Calls by kind, and bytes of their results on each device. */
  calls: { kind: Collective; count: number; bytes: number }[];
  /** Bytes of all results on each device. */
  bytes: number;
  /** Milliseconds at least, at the nominal rates of the links. */
  ms: number;
  /** What carries it: within a node, and between nodes. */
  link: string;
  network?: string;
}

/** The nodes that a group's devices are of, and how many of each: all, where no group is named. */
function spreadOf(group: readonly number[] | undefined, all: Spread): Spread {
  if (!group) return all;
  const nodes = new Set(group.map((device) => Math.floor(device / all.devices))).size;
  return { devices: group.length / nodes, nodes };
}

/**
 * Seconds that one exchange takes at least, where the ring goes through all devices of a group.
 *
 * @param network Bytes a second that the devices of a group have of a node's network.
 */
function secondsOf(
  kind: Collective,
  bytes: number,
  { devices, nodes }: Spread,
  link: number,
  network: number,
) {
  // In a ring of n, each device sends (n − 1)/n of what each ends with, for an all-reduce twice as much.
  const rounds = kind === "all-reduce" ? 2 : 1;
  // The result of a reduce-scatter is one part of what is exchanged.
  const whole = kind === "reduce-scatter" ? bytes * devices * nodes : bytes;
  const within = (devices - 1) / devices * whole / link;
  const between = (nodes - 1) / nodes * whole / network;
  if (kind === "collective-permute") return bytes / (nodes > 1 ? network / devices : link);
  return rounds * (within + between);
}

/**
 * The exchanges of a program between its devices. Within a node they take the cards' links, between nodes the network,
 * to which each of a node's devices contributes its part.
 *
 * @param kernels Of the program as it is split.
 * @returns Undefined for a program of one device.
 */
export function exchangeOf(
  kernels: readonly Kernel[],
  card: Pick<Card, "link">,
  network: Network,
  spread: Spread,
): Exchange | undefined {
  if (spread.devices * spread.nodes === 1) return undefined;
  const calls = new Map<Collective, Exchange["calls"][number]>();
  let seconds = 0;
  for (const { collective, times } of kernels) {
    if (!collective) continue;
    const { kind, bytes, group } = collective, call = calls.get(kind) ?? { kind, count: 0, bytes: 0 };
    // Of a node's devices, those of other groups exchange at the same time, over the same network.
    const ring = spreadOf(group, spread), share = ring.devices / spread.devices;
    call.count += times;
    call.bytes += times * bytes;
    calls.set(kind, call);
    seconds += times * secondsOf(kind, bytes, ring, card.link.bytes, network.bytes * share);
  }
  const list = [...calls.values()].sort((a, b) => b.bytes - a.bytes);
  return {
    calls: list,
    bytes: list.reduce((sum, { bytes }) => sum + bytes, 0),
    ms: 1000 * seconds,
    link: card.link.name,
    ...spread.nodes > 1 ? { network: network.name } : {},
  };
}
