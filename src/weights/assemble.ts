/** An encoder's tensors as ours, of those of a file. */
import { asFloat32, float32, type StoredTensor } from "../files/stored_tensor.ts";
import { gridSize } from "../model/config.ts";
import { resizedPositions } from "../model/positions.ts";
import { type BesideFacts, foldNormalisation, isNormalisedOtherwise } from "./beside.ts";
import { type FileTensor, WeightsError } from "./files/types.ts";
import { type FoundSizes, isResized } from "./sizes.ts";
import { encoderTensors, type Sorted } from "./sort.ts";

/**
 * Reads tensors and joins those that are one of ours.
 *
 * @throws {WeightsError} When they hold no numbers, or one that is not finite.
 */
export async function numbersOf(
  where: string,
  name: string,
  parts: readonly FileTensor[],
): Promise<Float32Array> {
  const read: Float32Array[] = [];
  for (const part of parts) {
    const tensor = await part.read();
    if (!/^(F|BF)\d/.test(tensor.dtype)) {
      throw new WeightsError(`${where}: ${name} holds ${tensor.dtype}, which are no weights`);
    }
    read.push(asFloat32(tensor));
  }
  // What follows changes some of them in place.
  const all = new Float32Array(read.reduce((sum, { length }) => sum + length, 0));
  read.reduce((at, part) => (all.set(part, at), at + part.length), 0);
  const odd = all.findIndex((x) => !Number.isFinite(x));
  if (odd >= 0) {
    throw new WeightsError(
      `${where}: ${name} holds ${
        all[odd]
      } at ${odd}: such weights give no features; take an earlier checkpoint`,
    );
  }
  return all;
}

/** Multiplies each row of a layer's result, [out, in] and [out], by a factor. */
function scaleRows(weight: Float32Array, bias: Float32Array, factors: Float32Array): void {
  const columns = weight.length / factors.length;
  factors.forEach((factor, row) => {
    for (let i = row * columns; i < (row + 1) * columns; i++) weight[i] *= factor;
    bias[row] *= factor;
  });
}

/**
 * The encoder's tensors under our names.
 *
 * @param notes Takes what was changed on the way.
 * @throws {WeightsError} When they hold no finite numbers, or were made for pictures that its stem cannot make up for.
 */
export async function assembleEncoder(
  where: string,
  { ours }: Sorted,
  sizes: FoundSizes,
  beside: BesideFacts,
  notes: string[],
): Promise<Record<string, StoredTensor>> {
  const { config, grid, bareClass } = sizes, numbers = new Map<string, Float32Array>();
  const zeros = new Set<string>();
  for (const { name, shape } of encoderTensors({ ...config, imageSize: grid * config.patchSize })) {
    const plain = name.slice("backbone.".length), parts = ours.get(plain);
    if (!parts) zeros.add(plain.replace(/blocks\.\d+/, "blocks.*"));
    numbers.set(
      plain,
      parts ? await numbersOf(where, plain, parts) : new Float32Array(shape.reduce((a, b) => a * b, 1)),
    );
  }
  if (zeros.size > 0) notes.push(`without a bias, which is 0 here: ${[...zeros].join(", ")}`);
  let scaled = 0;
  for (const [name, parts] of ours) {
    const [, block, which] = /^(blocks\.\d+)\.ls([12])\.gamma$/.exec(name) ?? [];
    if (!block) continue;
    const layer = `${block}.${which === "1" ? "attn.proj" : "mlp.fc2"}`;
    const factors = await numbersOf(where, name, parts);
    scaleRows(numbers.get(`${layer}.weight`)!, numbers.get(`${layer}.bias`)!, factors);
    scaled++;
  }
  if (scaled > 0) notes.push(`layer scale is worked into the layers before it: ${scaled} tensors`);
  const [weight, bias] = ["weight", "bias"].map((end) => numbers.get(`patch_embed.proj.${end}`)!);
  if (config.stem === "convolutions" && isNormalisedOtherwise(beside)) {
    throw new WeightsError(
      `${where}: pictures were normalised with mean ${beside.mean} and deviation ${beside.std}, which a stem of ` +
        "convolutions cannot make up for",
    );
  }
  if (config.stem === "patches" && foldNormalisation(weight, bias, config, beside)) {
    notes.push(
      `pictures were normalised with mean ${beside.mean} and deviation ${beside.std}; the patch embedding is changed so ` +
        "that it takes ours",
    );
  }
  let positions = numbers.get("pos_embed")!;
  if (bareClass) {
    positions = Float32Array.from([...new Float32Array(config.width), ...positions]);
    notes.push("the class token has no position, which is 0 here");
  }
  if (isResized(sizes)) {
    const side = gridSize(config);
    positions = resizedPositions(positions, grid, side, side);
    notes.push(
      `positions are resized from ${grid} × ${grid} to ${side} × ${side}, bicubic, as the reference and DINO do`,
    );
  }
  numbers.set("pos_embed", positions);
  return Object.fromEntries(
    encoderTensors(config).map((
      { name, shape },
    ) => [name, float32(shape, numbers.get(name.slice("backbone.".length))!)]),
  );
}
