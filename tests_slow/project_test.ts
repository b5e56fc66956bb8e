/** The types of mod.ts in a project of one's own: the whole program is checked anew under that project's settings. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { MOD, PROGRAMS, writeProject } from "../tests/project.ts";
import { deno } from "../tests/user.ts";
import { withFolder } from "../tests/with_folder.ts";

Deno.test("the types fit under the settings of any project", () =>
  withFolder(async (folder) => {
    const project = join(folder, "project");
    await writeProject(project);
    // A wrong use must be seen: without an error there, this file fails the check.
    const wrong =
      `import { openSource } from "${MOD}";\n// @ts-expect-error A path is a text.\nopenSource(1);\n`;
    await Deno.writeTextFile(join(project, "wrong.ts"), wrong);
    const names = [...Object.keys(PROGRAMS), "wrong.ts"];
    const { code, err } = await deno(project, ["check", "--cached-only", ...names]);
    assert.equal(code, 0, err);
  }));
