import * as tf from "../tf.ts";
import { binary, convert, like, reduce, unary } from "../ir/build.ts";
import { broadcastTo, transpose } from "../ir/movement.ts";
import type { Value } from "../ir/types.ts";
import { fourier } from "./hlo.ts";
import { policyDot } from "./product.ts";
import { type Call, counting, floating, listOf, type Lowerings, widened } from "./types.ts";

/** An operand whose letters that nothing else has are summed away. */
function tidied(x: Value, letters: string[], needed: string): [Value, string[]] {
  const lone = letters.map((_, i) => i).filter((i) => !needed.includes(letters[i]));
  return [reduce("add", x, lone), letters.filter((_, i) => !lone.includes(i))];
}

/** Einstein's summation over one or two operands (tfjs's decoder refuses more, and letters that stand twice in one). */
function einsum({ precision, inputs, attrs }: Call<tf.EinsumAttrs>): Value {
  const operands = widened(listOf(inputs).map(counting));
  const [left, result = ""] = attrs.equation.replace(/\s/g, "").split("->");
  const terms = left.split(",").map((term) => [...term]);
  const decoded = tf.backend_util.decodeEinsumEquation(attrs.equation, operands.length);
  tf.backend_util.checkEinsumDimSizes(
    decoded.allDims.length,
    decoded.idDims,
    operands.map(({ type }) => ({ shape: [...type.shape] })) as unknown as tf.Tensor[],
  );
  const later = (k: number) => terms.slice(k).flat().join("") + result;
  let [value, names] = tidied(operands[0], terms[0], later(1));
  for (let k = 1; k < operands.length; k++) {
    const [other, otherNames] = tidied(operands[k], terms[k], names.join("") + later(k + 1));
    const both = names.filter((name) => otherNames.includes(name));
    const batch = both.filter((name) => later(k + 1).includes(name));
    const contract = both.filter((name) => !batch.includes(name));
    const places = (of: string[], list: string[]) => list.map((name) => of.indexOf(name));
    value = policyDot(precision, value, other, {
      batch: [places(names, batch), places(otherNames, batch)],
      contract: [places(names, contract), places(otherNames, contract)],
    });
    const free = (of: string[]) => of.filter((name) => !both.includes(name));
    names = [...batch, ...free(names), ...free(otherNames)];
  }
  return transpose(value, [...result].map((name) => names.indexOf(name)));
}

/** (x − mean) / √(variance + ε), scaled and moved; the four are vectors of the last axis or have x's rank. */
function batchNorm(
  { inputs: { x: given, mean, variance, scale, offset }, attrs }: Call<tf.FusedBatchNormAttrs>,
): Value {
  const x = floating(given), { shape, element } = x.type;
  const spread = (v: Value) => broadcastTo(convert(v, element), shape);
  const whole = binary("add", variance, like(variance, attrs.varianceEpsilon ?? 0.001));
  const factor = unary("rsqrt", whole);
  const normal = binary("multiply", binary("subtract", x, spread(mean)), spread(factor));
  const scaled = scale ? binary("multiply", normal, spread(scale)) : normal;
  return offset ? binary("add", scaled, spread(offset)) : scaled;
}

/** Sums of products, transforms and normalisation. */
export const CONTRACTION: Lowerings = {
  Einsum: einsum,
  FusedBatchNorm: batchNorm,
  FFT: ({ inputs: { input } }) => fourier("FFT", input),
  IFFT: ({ inputs: { input } }) => fourier("IFFT", input),
};
