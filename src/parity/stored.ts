/** The forms in which golden files hold what the model gives otherwise, or at greater length. */

/** The stored order of the class logits: views interleaved, each row its positive and then the negatives. */
export function classLogits(similarity: ArrayLike<number>, rows: number): Float64Array {
  const half = rows / 2;
  const place = (k: number) => (k % 2) * half + Math.floor(k / 2);
  const out: number[] = [];
  for (let k = 0; k < rows; k++) {
    const partner = k ^ 1;
    out.push(similarity[place(k) * rows + place(partner)]);
    for (let l = 0; l < rows; l++) {
      if (l !== k && l !== partner) out.push(similarity[place(k) * rows + place(l)]);
    }
  }
  return Float64Array.from(out);
}

/** The stored order of the patch logits: each row its positive, then the other cells in order. */
export function patchLogits(similarity: ArrayLike<number>, cells: number): Float64Array {
  const out = new Float64Array(similarity.length);
  for (let row = 0, at = 0; at < out.length; row++) {
    const own = row % cells;
    out[at++] = similarity[row * cells + own];
    for (let j = 0; j < cells; j++) if (j !== own) out[at++] = similarity[row * cells + j];
  }
  return out;
}

/** A hash whose lowest bit gives the signs of the stored gradient sums. */
function lowbias32(x: number): number {
  x = Math.imul(x ^ (x >>> 16), 0x7feb352d);
  x = Math.imul(x ^ (x >>> 15), 0x846ca68b);
  return (x ^ (x >>> 16)) >>> 0;
}

/** Norm, sum and signed sum of a gradient, as files keep them of the large ones. */
export function gradientSums(values: ArrayLike<number>): number[] {
  let squares = 0, sum = 0, signed = 0;
  for (let i = 0; i < values.length; i++) {
    squares += values[i] * values[i];
    sum += values[i];
    signed += lowbias32(i) & 1 ? values[i] : -values[i];
  }
  return [Math.sqrt(squares), sum, signed];
}

/** Evenly spaced elements, as files keep them of large gradients. */
export function gradientSample(values: ArrayLike<number>, count: number): Float64Array {
  return Float64Array.from({ length: count }, (_, k) => values[Math.floor(k * values.length / count)]);
}
