import * as tf from "../engine/tensors.ts";

/**
 * Moves an averaged copy of the parameters (the "teacher", docs/spec.md §7) toward them: t ← momentum·t + (1 − momentum)·p.
 * Nothing in training reads it; it is kept for evaluation. Statistics of batch norms are not averaged.
 *
 * @param teacher The averaged parameters.
 * @param params The parameters after the step, under the same names.
 * @param momentum A scalar tensor in [0, 1].
 */
export function moveTeacher(
  teacher: Record<string, tf.Tensor>,
  params: Record<string, tf.Tensor>,
  momentum: tf.Tensor,
): Record<string, tf.Tensor> {
  const rest = tf.sub(1, momentum);
  return Object.fromEntries(
    Object.entries(teacher).map((
      [name, t],
    ) => [name, tf.add(tf.mul(t, momentum), tf.mul(params[name], rest))]),
  );
}
