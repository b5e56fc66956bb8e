import { openEngine } from "../../src/engine/open.ts";
import type { Engine, EngineName } from "../../src/engine/types.ts";
import { type Golden, parseGolden } from "../../src/parity/golden.ts";
import { decodeSafetensors } from "../../src/files/safetensors.ts";

const FOLDER = new URL("../fixtures/", import.meta.url);

/** A golden fixture, with what it shares with golden-bn put back. */
export async function readFixture(name: string): Promise<Golden> {
  const read = (name: string) =>
    Deno.readFile(new URL(`${name === "augment" ? "" : "golden-"}${name}.safetensors`, FOLDER));
  const bytes = await read(name);
  const golden = parseGolden(bytes, `golden-${name}`);
  const shares = decodeSafetensors(bytes).metadata.shares;
  if (shares === undefined) return golden;
  const base = Object.entries(parseGolden(await read("bn"), "golden-bn").tensors)
    .filter(([key]) => new RegExp(shares).test(key));
  return { ...golden, tensors: { ...Object.fromEntries(base), ...golden.tensors } };
}

/** The engine that the environment names, wasm by default. Opened once a test file. */
export function testEngine(): Promise<Engine> {
  return openEngine((Deno.env.get("SEMANTIC_AE_TEST_ENGINE") ?? "wasm") as EngineName);
}
