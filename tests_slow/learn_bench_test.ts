/** `deno task bench learn` on made-up pictures: all methods, killed and given again. Peers only where PyTorch is. */
import assert from "node:assert/strict";
import { join } from "node:path";
import sharp from "npm:sharp@0.35.5";
import { METHODS } from "../bench/learn/methods.ts";
import { readPeer } from "../bench/learn/peer_weights.ts";
import { readResult } from "../bench/learn/results.ts";
import { findPython, pythonName } from "../bench/peer.ts";
import { openEngine } from "../src/engine/open.ts";
import { embedder } from "../src/eval/embed.ts";
import { PRESETS } from "../src/model/config.ts";
import { decodeSafetensors } from "../src/files/safetensors.ts";
import { asFloat32 } from "../src/files/stored_tensor.ts";
import { randomStream } from "../src/random.ts";
import { ROOT } from "../tests/user.ts";
import { withFolder } from "../tests/with_folder.ts";

const there = "version" in await findPython(["torch", "numpy"]);
const methods = there ? METHODS : ["saae"];

/** Pictures of three classes that differ in how coarse they are. */
async function madeUp(folder: string, count: number): Promise<string> {
  for (const cells of [2, 4, 8]) {
    await Deno.mkdir(join(folder, `cells ${cells}`), { recursive: true });
    for (let n = 0; n < count; n++) {
      const random = randomStream(n, "test", cells);
      const data = Uint8Array.from({ length: cells * cells * 3 }, () => random.integer(0, 255));
      await sharp(data, { raw: { width: cells, height: cells, channels: 3 } })
        .resize(18, 18, { fit: "fill", kernel: "nearest" }).png().toFile(
          join(folder, `cells ${cells}`, `${n}.png`),
        );
    }
  }
  return folder;
}

const bench = (data: string, out: string, more: string[]) =>
  new Deno.Command(Deno.execPath(), {
    args: [
      // Without `deno task` around it, which a kill would hit instead.
      ...["run", "-A", "--no-prompt", "bench/main.ts", "learn", "--data", data, "--out", out],
      ...["--methods", methods.join()],
      ...["--image-size", "24", "--patch-size", "8", "--batch", "16", "--seeds", "0", "--first-mark", "64"],
      ...["--engine", "wasm", ...more],
    ],
    ...{ cwd: ROOT, stdin: "null", stdout: "piped", stderr: "piped" },
  });

/** Runs a call to its end and gives what it printed. */
async function done(command: Deno.Command): Promise<string> {
  const { success, stdout, stderr } = await command.output();
  assert.ok(success, new TextDecoder().decode(stderr));
  return new TextDecoder().decode(stdout);
}

/** What was judged, by the folders' names. */
async function judged(out: string) {
  const names = (await Array.fromAsync(Deno.readDir(join(out, "runs")))).map(({ name }) => name).sort();
  return Object.fromEntries(
    await Promise.all(names.map(async (name) => [name, await readResult(join(out, "runs", name))] as const)),
  );
}

Deno.test("methods are tuned, trained and judged; a call that is killed again and again ends with the same figures", () =>
  withFolder(async (folder) => {
    const data = await madeUp(join(folder, "pictures"), 60), budget = ["--pictures", "320"];
    const whole = join(folder, "whole"),
      killed = join(folder, "killed"),
      trials = join(folder, "trials.json");
    await Deno.writeTextFile(
      trials,
      JSON.stringify(Object.fromEntries(methods.map((method) => [method, [{}, { lr: 0.001 }]]))),
    );
    const tuned = await done(bench(data, whole, ["--pictures", "64", "--trials", trials]));
    for (const method of methods) assert.equal(tuned.split(`| ${method} |`).length, 3, tuned);
    await Deno.mkdir(killed);
    await Deno.copyFile(join(whole, "chosen.json"), join(killed, "chosen.json"));

    const text = await done(bench(data, whole, budget));
    for (const name of ["raw pixels", "random encoder", ...methods]) {
      assert.match(text, new RegExp(`^\\| ${name} \\|`, "m"));
    }
    assert.match(text, /At 320 pictures seen by each/);

    for (const seconds of [4, 10, 20]) {
      const child = bench(data, killed, budget).spawn();
      const timer = setTimeout(() => child.kill("SIGKILL"), 1000 * seconds);
      const { success } = await child.output();
      clearTimeout(timer);
      if (success) break;
    }
    const again = await done(bench(data, killed, budget));
    assert.equal(again, text);
    const [a, b] = await Promise.all([judged(whole), judged(killed)]);
    for (const [name, result] of Object.entries(b)) assert.deepEqual(result, a[name], name);
  }));

Deno.test({
  name: "the peers' losses are the formulas, and their encoder gives in ours what it gives in PyTorch",
  ignore: !there,
  fn: () =>
    withFolder(async (folder) => {
      const args = [join(ROOT, "bench/peers/check_learn.py"), folder];
      const { success, stdout, stderr } = await new Deno.Command(pythonName(), { args }).output();
      assert.ok(success, new TextDecoder().decode(stderr));
      const apart = JSON.parse(new TextDecoder().decode(stdout)) as Record<string, number>;
      assert.deepEqual(Object.keys(apart), ["nt-xent", "dino", "mae", "views"]);
      for (const [name, value] of Object.entries(apart)) assert.ok(value < 1e-5, `${name}: ${value}`);

      const sizes = { imageSize: 16, patchSize: 4, width: 32, depth: 2, heads: 2 };
      const engine = await openEngine("wasm");
      try {
        for (const which of ["plain", "ours"]) {
          const file = join(folder, `${which}-tokens.safetensors`);
          const { tensors } = decodeSafetensors(await Deno.readFile(file));
          const peer = await readPeer(join(folder, `${which}.safetensors`), {
            ...PRESETS.thumbnail,
            ...sizes,
          });
          const kind = [peer.config.stem, peer.config.localMixing];
          assert.deepEqual(kind, which === "plain" ? ["patches", false] : ["convolutions", true]);
          const pictures = Uint8Array.from(asFloat32(tensors.pictures));
          const found = await embedder(engine, peer.config).pictures(peer.state, pictures);
          for (const token of ["class", "mean"] as const) {
            const wanted = asFloat32(tensors[token]);
            assert.equal(found[token].data.length, wanted.length);
            const worst = Math.max(...found[token].data.map((value, i) => Math.abs(value - wanted[i])));
            assert.ok(worst < 1e-4, `${which}, ${token}: ${worst}`);
          }
        }
      } finally {
        await engine.close();
      }
    }),
});
