/** A smooth function of many numbers and its gradient. */
export type Objective = (at: Float64Array) => Promise<{ value: number; gradient: Float64Array }>;

/** When {@linkcode minimise} ends. */
export interface MinimiseOptions {
  /** Default 1,000. */
  iterations?: number;
  /** Ends when no part of the gradient is larger. Default 1e-6. */
  gradient?: number;
  /** Ends when three steps in a row each made it smaller by less than this share. Default 1e-8. */
  decrease?: number;
  /** Tries for a step's length. Default 50. */
  tries?: number;
}

/** Pairs of steps and changes of the gradient that the curvature is guessed from. */
const MEMORY = 10;
/** The least share of the expected decrease that a step must bring (Armijo). */
const ENOUGH = 1e-4;

/** Near the lowest point, values that were computed in float32 differ by chance by so much. */
const ROUNDING = 1e-9;

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i] * b[i];
  return sum;
}

const largest = (values: Float64Array) => values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);

/**
 * Minimises a convex smooth function by L-BFGS (Nocedal 1980) with halved steps.
 *
 * @param objective Called with arrays that it must not keep.
 * @param start Where it begins; not changed.
 * @returns The point, its value, and the iterations that it took.
 * @throws {Error} When the function is no finite number.
 */
export async function minimise(
  objective: Objective,
  start: Float64Array,
  options: MinimiseOptions = {},
): Promise<{ at: Float64Array; value: number; iterations: number }> {
  const { iterations = 1000, gradient: small = 1e-6, decrease = 1e-8, tries = 50 } = options;
  let at = Float64Array.from(start), { value, gradient } = await objective(at), still = 0, done = 0;
  const steps: { s: Float64Array; y: Float64Array; curve: number }[] = [];
  for (; done < iterations && largest(gradient) > small && still < 3; done++) {
    if (!Number.isFinite(value)) throw new Error(`the loss is ${value} after ${done} iterations`);
    const direction = descent(gradient, steps), slope = dot(direction, gradient);
    let length = steps.length > 0 ? 1 : Math.min(1, 1 / Math.sqrt(dot(gradient, gradient)));
    let next: { value: number; gradient: Float64Array } | null = null, there = at;
    for (let round = 0; round < tries; round++, length /= 2) {
      there = at.map((x, i) => x + length * direction[i]);
      const found = await objective(there);
      if (found.value > value + ENOUGH * length * slope + ROUNDING * Math.abs(value)) continue;
      next = found;
      break;
    }
    // No step is better: as near as the numbers' precision allows.
    if (!next) break;
    const s = there.map((x, i) => x - at[i]),
      y = next.gradient.map((g, i) => g - gradient[i]),
      curve = dot(s, y);
    if (curve > 0) steps.push({ s, y, curve });
    if (steps.length > MEMORY) steps.shift();
    still = value - next.value <= decrease * Math.max(Math.abs(value), 1e-12) ? still + 1 : 0;
    [at, value, gradient] = [there, next.value, next.gradient];
  }
  return { at, value, iterations: done };
}

/** The direction of the next step: the two loops of L-BFGS. */
function descent(
  gradient: Float64Array,
  steps: readonly { s: Float64Array; y: Float64Array; curve: number }[],
): Float64Array {
  const q = gradient.map((g) => -g), shares: number[] = [];
  for (let i = steps.length - 1; i >= 0; i--) {
    const { s, y, curve } = steps[i], share = dot(s, q) / curve;
    shares[i] = share;
    for (let j = 0; j < q.length; j++) q[j] -= share * y[j];
  }
  const last = steps.at(-1);
  if (last) {
    const scale = last.curve / dot(last.y, last.y);
    for (let j = 0; j < q.length; j++) q[j] *= scale;
  }
  steps.forEach(({ s, y, curve }, i) => {
    const back = dot(y, q) / curve;
    for (let j = 0; j < q.length; j++) q[j] += (shares[i] - back) * s[j];
  });
  return q;
}
