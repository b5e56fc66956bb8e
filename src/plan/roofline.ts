/** The least time that kernels take on a card. */
import type { Card } from "./cards.ts";
import type { Kernel } from "./kernels.ts";
import type { ProductKind } from "./products.ts";

/**
 * What good kernels reach of a data sheet: of the rate of products, of the bandwidth, and of the rate outside of
 * products.
 */
export const REACHED = { products: 0.8, bandwidth: 0.895, float32: 0.9 } as const;

/** Seconds that a kernel's start takes, even where the next one waits for it. */
export const LAUNCH = 1.5e-6;

/** Where the time goes; kinds of kernels without their launches. */
export interface Roofline {
  /** Milliseconds in all. */
  boundMs: number;
  productsMs: number;
  otherMs: number;
  renderingMs: number;
  launchesMs: number;
  /** Kernels that are started. */
  kernels: number;
  /** Bytes of memory that they read and write. */
  bytes: number;
  /** Floating-point operations of the products. */
  flops: number;
}

/** A kernel with its least time. */
export interface TimedKernel extends Kernel {
  /** Milliseconds of all its runs, launches included. */
  ms: number;
}

/** Floating-point operations a second of products on a card. */
function rateOf({ teraflops }: Card, kind: ProductKind | undefined): number {
  if (kind === "float32 highest") return 1e12 * teraflops.float32 * REACHED.float32;
  return 1e12 * (kind === "float32" ? teraflops.tf32 : teraflops.bfloat16) * REACHED.products;
}

/** Seconds that one run of a kernel takes at least, without its launch. */
export function kernelSeconds(card: Card, kernel: Pick<Kernel, "flops" | "bytes" | "product">): number {
  return Math.max(
    kernel.flops / rateOf(card, kernel.product),
    kernel.bytes / (card.bandwidth * REACHED.bandwidth),
  );
}

/** Whether a kernel renders views: it comes from that part of the step. */
const renders = ({ scope }: Kernel) => /(^|\/)render(\/|$)/.test(scope);

/** The kernels of a program with their least times on a card. Exchanges between devices take the links' time, not this. */
export function timed(card: Card, kernels: readonly Kernel[]): TimedKernel[] {
  return kernels.filter(({ collective }) => !collective).map((kernel) => ({
    ...kernel,
    ms: 1000 * kernel.times * (kernelSeconds(card, kernel) + LAUNCH),
  }));
}

/**
 * The least time of a program on a card: each kernel takes as long as its products or as what it moves, whichever is
 * longer, and a launch; nothing runs side by side. Real steps miss it by tiles that do not fit, caches, and gaps.
 *
 * @param kernels Of the program; exchanges between devices are left out.
 */
export function roofline(card: Card, kernels: readonly TimedKernel[]): Roofline {
  const sum = (of: (kernel: TimedKernel) => number) =>
    kernels.reduce((total, kernel) => total + of(kernel), 0);
  const own = (kernel: TimedKernel) => 1000 * kernel.times * kernelSeconds(card, kernel);
  const where = (wanted: (kernel: TimedKernel) => boolean) =>
    sum((kernel) => wanted(kernel) ? own(kernel) : 0);
  const started = sum(({ times }) => times);
  return {
    boundMs: sum(({ ms }) => ms),
    productsMs: where((kernel) => !renders(kernel) && kernel.flops > 0),
    otherMs: where((kernel) => !renders(kernel) && kernel.flops === 0),
    renderingMs: where(renders),
    launchesMs: 1000 * LAUNCH * started,
    kernels: started,
    bytes: sum(({ times, bytes }) => times * bytes),
    flops: sum(({ times, flops }) => times * flops),
  };
}
