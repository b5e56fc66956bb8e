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

Deno.test({
  name: "a file that grows larger than the shell allows is an error, and does not end the process",
  ignore: Deno.build.os === "windows",
  fn: () =>
    withFolder(async (folder) => {
      const program = join(folder, "writes.ts");
      const [shell, publish] = ["cli/shell.ts", "files/publish.ts"].map((path) =>
        pathToFileURL(join(ROOT, "src", path)).href
      );
      await Deno.writeTextFile(
        program,
        `import { systemShell } from "${shell}";
         import { publishFile } from "${publish}";
         const { print } = systemShell();
         await publishFile(Deno.args[0], new Uint8Array(40_000_000)).catch((error) => print(error.message));`,
      );
      const run =
        `ulimit -f 32000; exec "${Deno.execPath()}" run --quiet -A --no-check --no-code-cache "$0" "$1"`;
      const { code, stdout } = await new Deno.Command("sh", {
        args: ["-c", run, program, join(folder, "large")],
        // What Deno itself keeps may be too large, too.
        env: { DENO_DIR: join(folder, "deno"), DENO_NO_UPDATE_CHECK: "1" },
        stderr: "null",
      }).output();
      assert.match(
        new TextDecoder().decode(stdout),
        /large: cannot write: the file would be larger than allowed/,
      );
      assert.equal(code, 0);
      assert.deepEqual([...Deno.readDirSync(folder)].map(({ name }) => name).sort(), ["deno", "writes.ts"]);
    }),
});
