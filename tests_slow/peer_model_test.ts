/** The PyTorch program that benchmarks compare with computes what the reference computed. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { findPython, pythonName } from "../bench/peer.ts";
import { ROOT } from "../tests/user.ts";

const there = "version" in await findPython(["torch", "numpy", "PIL"]);

Deno.test({
  name: "the peer's loss, gradients and eight steps of training are the reference's",
  ignore: !there,
  fn: async () => {
    const args = [join(ROOT, "bench/peers/check.py"), join(ROOT, "tests/fixtures")];
    const { success, stdout, stderr } = await new Deno.Command(pythonName(), { args }).output();
    assert.ok(success, new TextDecoder().decode(stderr));
    const apart = JSON.parse(new TextDecoder().decode(stdout)) as Record<string, number>;
    assert.deepEqual(Object.keys(apart), ["loss", "gradients", "training"]);
    assert.ok(apart.loss < 1e-5 && apart.gradients < 1e-4 && apart.training < 1e-4, JSON.stringify(apart));
  },
});

Deno.test({
  name: "the peer in JAX has the reference's loss and gradients",
  ignore: !("version" in await findPython(["jax", "numpy"])),
  fn: async () => {
    const args = [join(ROOT, "bench/peers/saae_jax.py"), "check", join(ROOT, "tests/fixtures")];
    const env = { JAX_PLATFORMS: "cpu" };
    const { success, stdout, stderr } = await new Deno.Command(pythonName(), { args, env }).output();
    assert.ok(success, new TextDecoder().decode(stderr));
    const apart = JSON.parse(new TextDecoder().decode(stdout)) as Record<string, number>;
    assert.deepEqual(Object.keys(apart), ["loss", "gradients"]);
    assert.ok(apart.loss < 1e-5 && apart.gradients < 1e-4, JSON.stringify(apart));
  },
});
