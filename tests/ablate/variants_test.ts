import assert from "node:assert/strict";
import { join } from "node:path";
import { chooseVariants, DEFAULT_VARIANTS, readVariants, VARIANTS } from "../../src/ablate/variants.ts";
import { resolveConfig } from "../../src/train/config/config.ts";
import { withFolder } from "../with_folder.ts";

const full = resolveConfig({ classWeight: 6, patchWeight: 2 });

Deno.test("the paper's order: what each variant changes of the settings, and nothing else", () => {
  const { variants, baselines } = chooseVariants([...DEFAULT_VARIANTS, "pixels", "random", "full"], full);
  assert.deepEqual(Object.fromEntries(variants.map(({ name, settings }) => [name, settings])), {
    full: {},
    "no-aligner": { aligner: false },
    "same-view": { reconstructionTarget: "view" },
    "reconstruction-only": { classWeight: 0, patchWeight: 0 },
    "contrast-only": { reconstructionWeight: 0 },
    "shipped-flip": { flipRule: "channels" },
    "eight-cards": { classWeight: 0.75, patchWeight: 0.25 },
  });
  assert.deepEqual(baselines, ["pixels", "random"]);
  // The reference's own weights come to those of docs/spec.md §10 D4.
  const reference = chooseVariants(["eight-cards"], resolveConfig({ preset: "base" })).variants[0].settings;
  assert.deepEqual(reference, { classWeight: 1.25, patchWeight: 0.125 });
  // All of them can be resolved with any preset.
  for (const name of Object.keys(VARIANTS)) {
    const { settings } = chooseVariants([name], full).variants[0];
    assert.deepEqual({ ...resolveConfig(settings), ...settings }, resolveConfig(settings), name);
  }
});

Deno.test("names that stand for nothing are told, with what was probably meant", () => {
  assert.throws(
    () => chooseVariants(["full", "no-aliner"], full),
    /there is no variant "no-aliner"; did you mean no-aligner\?/,
  );
  assert.throws(() => chooseVariants(["x"], full), /take some of full, no-aligner, /);
  assert.throws(() => chooseVariants(["pixels"], full), /no variant is trained; add full/);
});

Deno.test("variants of one's own: read from a file, their settings and names checked", () =>
  withFolder(async (folder) => {
    const path = join(folder, "own.json");
    const read = async (content: unknown) => {
      await Deno.writeTextFile(path, typeof content === "string" ? content : JSON.stringify(content));
      return await readVariants(path);
    };
    const own = await read({ "wide-crops": { cropScale: [0.2, 1] } });
    assert.deepEqual(chooseVariants(["full", "wide-crops"], full, own).variants[1].settings, {
      cropScale: [0.2, 1],
    });
    const cases: [unknown, RegExp][] = [
      ["{", /own\.json: the variants cannot be read/],
      [[], /must hold a JSON object/],
      [{}, /must hold a JSON object/],
      [{ "a/b": {} }, /variant "a\/b": a name has small letters/],
      [{ full: {} }, /variant "full": this name is taken/],
      [{ pixels: {} }, /this name is taken/],
      [{ a: 3 }, /variant "a": must be a JSON object of settings/],
      [{ a: { cropscale: [0, 1] } }, /unknown setting "cropscale"; did you mean "cropScale"\?/],
      [{ a: { cropScale: [1, 0] } }, /cropScale is/],
      [{ a: { batchSize: 0 } }, /variant "a": batchSize is 0, that is auto; give a number/],
      [{ a: { seed: 3 } }, /seed is the same for all variants; leave it out/],
      [{ a: { epochs: 3 } }, /epochs is the same for all variants/],
      [{ a: { engine: "wasm" } }, /engine is the same for all variants/],
    ];
    for (const [content, message] of cases) await assert.rejects(read(content), message);
    await assert.rejects(readVariants(join(folder, "none.json")), /there is no such file/);
  }));
