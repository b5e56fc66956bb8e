/** A thousand random evaluations beside pycocotools. Ignored where Python has no pycocotools; PYTHON names another interpreter. */
import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { findPython, pythonName } from "../bench/peer.ts";
import { casesIn, checkCase } from "../tests/coco/cases.ts";

const python = await findPython(["numpy", "pycocotools"]);

Deno.test({
  name: "a thousand random evaluations equal pycocotools'",
  ignore: "missing" in python,
  async fn() {
    const script = fileURLToPath(new URL("../bench/peers/coco_cases.py", import.meta.url));
    const seed = Deno.env.get("COCO_SEED") ?? "1";
    for (let part = 0; part < 10; part++) {
      const { success, stdout, stderr } = await new Deno.Command(pythonName(), {
        args: [script, "100", `${seed}-${part}`],
      })
        .output();
      const text = new TextDecoder();
      assert.ok(success, text.decode(stderr));
      casesIn(text.decode(stdout)).forEach((one, i) => checkCase(one, `seed ${seed}-${part}, case ${i}`));
    }
  },
});
