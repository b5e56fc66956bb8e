import assert from "node:assert/strict";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { ROOT } from "../user.ts";
import { withFolder } from "../with_folder.ts";

Deno.test({
  name: "a reader of the output that goes, as head does, is noticed, and is no failure",
  ignore: Deno.build.os === "windows",
  fn: () =>
    withFolder(async (folder) => {
      const program = join(folder, "lines.ts"), most = 100_000;
      await Deno.writeTextFile(
        program,
        `import { systemShell } from "${pathToFileURL(join(ROOT, "src/cli/shell.ts")).href}";
         const { print, gone, progress } = systemShell();
         let lines = 0;
         while (lines < ${most} && !gone()) print(\`line \${++lines}\`);
         progress.line(\`ended after \${lines}\`);`,
      );
      const { stdout, stderr } = await new Deno.Command("sh", {
        args: ["-c", `"${Deno.execPath()}" run --quiet -A --no-check "${program}" | head -n 1`],
      }).output();
      const [out, err] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
      assert.equal(out, "line 1\n");
      assert.ok(Number(/^ended after (\d+)\n$/.exec(err)?.[1]) < most, err);
    }),
});
