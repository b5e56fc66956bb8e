/** What the processor multiplies bfloat16 with. */
import assert from "node:assert/strict";
import { bfloat16Units } from "../../src/engine/processor.ts";

/** Leaves 7.0 and 7.1 with such words that programs may use; CPUID's own say that all is there. */
const leaves = (edx: number, eax: number) => (number: number) => {
  const all = [0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff];
  if (number === 1) return new Uint32Array([...all, 0, 0, 0, edx]);
  if (number === 6) return new Uint32Array([...all, eax, 0, 0, 0]);
};

Deno.test("units for bfloat16 are those that the system lets programs use", () => {
  assert.equal(bfloat16Units(leaves(0x3c14010, 0x1c30)), "AMX", "a Xeon with both");
  assert.equal(bfloat16Units(leaves(0, 0x20)), "AVX-512");
  assert.equal(bfloat16Units(leaves(0xffbfffff, 0xffffffdf)), undefined);
  assert.equal(bfloat16Units(() => undefined), undefined, "glibc does not say");
});

Deno.test({
  name: "the system's own words agree with its list of flags",
  ignore: Deno.build.os !== "linux" || Deno.build.arch !== "x86_64",
  fn: async () => {
    const listed = await new Deno.Command("cat", { args: ["/proc/cpuinfo"] }).output();
    const flags = new TextDecoder().decode(listed.stdout);
    const units = bfloat16Units();
    // An older glibc does not say; where it does, it is what the kernel lists.
    if (units === "AMX") assert.match(flags, /\bamx_bf16\b/);
    if (units === "AVX-512") assert.match(flags, /\bavx512_bf16\b/);
    if (/\bamx_bf16\b/.test(flags)) assert.notEqual(units, "AVX-512");
  },
});
