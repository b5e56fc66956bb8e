import type { ModelState } from "../model/types.ts";

/**
 * Names an encoder by its weights: a SHA-256 of names, shapes and float32 values of all tensors of the backbone, in the
 * order of their names. It does not depend on the file that they were read from, nor on head, decoder and optimiser.
 *
 * @param state Read, never disposed. Waits for the device.
 * @returns `sha256:` and 64 hexadecimal digits.
 */
export async function weightsDigest({ params, frozen }: ModelState): Promise<string> {
  const all = { ...params, ...frozen };
  const names = Object.keys(all).filter((name) => name.startsWith("backbone.")).sort();
  const hashes: string[] = [];
  // A hash of hashes: the values of a large model do not have to lie side by side.
  for (const name of names) {
    const values = Float32Array.from(await all[name].data());
    hashes.push(`${name} [${all[name].shape}] ${await sha256(values)}`);
  }
  return `sha256:${await sha256(new TextEncoder().encode(hashes.join("\n")))}`;
}

async function sha256(bytes: Float32Array<ArrayBuffer> | Uint8Array<ArrayBuffer>): Promise<string> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)).toHex();
}
