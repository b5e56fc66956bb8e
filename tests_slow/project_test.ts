/** The types of mod.ts in a project of one's own: the whole program is checked anew under that project's settings. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { readPages } from "../tests/pages.ts";
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

Deno.test("examples of the documentation's pages fit the types", () =>
  withFolder(async (folder) => {
    const project = join(folder, "project");
    await writeProject(project);
    const blocks = readPages().flatMap(({ path, blocks }) => blocks.map((block) => ({ path, ...block })));
    const examples = blocks.filter(({ language }) => /^ts\b/.test(language));
    const names = examples.map(({ path, line }) => `${path.replaceAll(/\W/g, "_")}_${line}.ts`);
    for (const [i, { text }] of examples.entries()) {
      const own = text.replaceAll(/"[^"\s]*\/mod\.ts"/g, `"${MOD}"`);
      // Every page's example is a module, whatever it lacks.
      await Deno.writeTextFile(join(project, names[i]), `${own}\nexport {};\n`);
    }
    assert.ok(names.length >= 9, names.join());
    const { code, err } = await deno(project, ["check", "--cached-only", ...names]);
    assert.equal(code, 0, err);
  }));
