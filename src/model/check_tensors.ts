/** Refuses tensors that a part of the model cannot compute with, by name: tensor functions fail on them without one. */
import type * as tf from "../engine/tensors.ts";
import type { ModelConfig } from "./config.ts";
import { inventory, type InventoryEntry } from "./inventory.ts";
import type { Params } from "./types.ts";

/** How the names of a part's tensors begin. */
const PARTS = {
  encoder: ["backbone."],
  head: ["head.mlp.", "head.class_mlp."],
  decoder: ["head.unconv.", "head.slp.", "head._"],
} as const;

/** What is wrong with the tensors that a model, or a part of it, is to have, a sentence each. */
export function wrongTensors(
  wanted: readonly InventoryEntry[],
  given: (entry: InventoryEntry) => tf.Tensor | undefined,
  missing: (entry: InventoryEntry) => string,
): string[] {
  return wanted.flatMap((entry) => {
    const { name, shape } = entry, tensor = given(entry);
    if (!tensor) return [missing(entry)];
    if (tensor.isDisposed) return [`${name} is disposed`];
    return String(tensor.shape) === String(shape) ? [] : [`${name} is [${tensor.shape}], not [${shape}]`];
  });
}

/** The first few of many faults. */
export function fewOf(wrong: readonly string[]): string {
  return wrong.slice(0, 5).join("; ") + (wrong.length > 5 ? `; and ${wrong.length - 5} more` : "");
}

/**
 * Refuses parameters that do not make up a part of the model.
 *
 * @param buffers The batch norms' statistics, where the part has some.
 * @throws {RangeError} When tensors are missing, disposed or of another shape; names them.
 */
export function checkPart(
  config: ModelConfig,
  part: keyof typeof PARTS,
  params: Params,
  buffers: Params = {},
): void {
  const own = inventory(config).filter(({ name }) => PARTS[part].some((begin) => name.startsWith(begin)));
  const wrong = wrongTensors(
    own,
    ({ name, role }) => (role === "buffer" ? buffers : params)[name],
    ({ name, role }) => role === "param" ? `${name} is missing` : `${name} is missing, which is ${role}`,
  );
  if (wrong.length === 0) return;
  throw new RangeError(
    `the ${part}'s parameters do not fit the configuration: ${
      fewOf(wrong)
    }. It takes those of \`params\` and ` +
      "`frozen` in one record",
  );
}

/**
 * Refuses a tensor of another shape.
 *
 * @param what What it is, for the message.
 * @param shape The length of each axis; null for any of at least 1.
 * @param letters The axes for people, such as `N, T, d`.
 * @throws {RangeError} When it is disposed, or its axes are others.
 */
export function checkShape(
  what: string,
  tensor: tf.Tensor,
  shape: readonly (number | null)[],
  letters: string,
): void {
  if (tensor.isDisposed) throw new RangeError(`${what}: the tensor is disposed`);
  const fits = tensor.shape.length === shape.length &&
    shape.every((length, axis) => length === null ? tensor.shape[axis] >= 1 : tensor.shape[axis] === length);
  if (fits) return;
  const known = shape.map((length, axis) => length ?? letters.split(", ")[axis]).join(", ");
  throw new RangeError(
    `${what} must be [${letters}]${known === letters ? "" : `, here [${known}]`}, not [${
      tensor.shape.join(", ")
    }]`,
  );
}
