/** The types of mod.ts in a project of one's own: the whole program is checked anew under that project's settings. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { PROGRAMS, writeProject } from "../tests/project.ts";
import { deno } from "../tests/user.ts";
import { withFolder } from "../tests/with_folder.ts";

Deno.test("the types fit under the settings of any project", () =>
  withFolder(async (folder) => {
    const project = join(folder, "project");
    await writeProject(project);
    const { code, err } = await deno(project, ["check", "--cached-only", ...Object.keys(PROGRAMS)]);
    assert.equal(code, 0, err);
    // A wrong use is seen, so the types are there.
    await Deno.writeTextFile(
      join(project, "wrong.ts"),
      PROGRAMS["stream.ts"].replace("batchSize: 4", 'batchSize: "4"'),
    );
    const wrong = await deno(project, ["check", "--cached-only", "wrong.ts"]);
    assert.equal(wrong.code, 1);
    assert.match(wrong.err, /Type 'string' is not assignable to type 'number'/);
  }));
