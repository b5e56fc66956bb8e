/** Imports point one way. What may import what is declared here, and docs/architecture.md shows the same table. */
import assert from "node:assert/strict";
import { circlesIn, namesIn, reachedFrom, readImports } from "./imports.ts";
import { ROOT } from "./user.ts";

/**
 * Every room and the rooms that it may import. A room is a folder with all in it, but for what is a room of its own; the
 * longest name that fits counts.
 */
const ROOMS: Readonly<Record<string, readonly string[]>> = {
  "src/text": [],
  "src/web": [],
  "src/random.ts": [],
  "src/files": [],
  "src/engine/install": ["src/files"],
  "src/engine/xla": ["src/engine/install", "src/files"],
  "src/engine": ["src/engine/install", "src/engine/xla", "src/files"],
  "src/views": ["src/engine", "src/random.ts"],
  "src/model": ["src/engine", "src/files", "src/random.ts"],
  "src/data": ["src/views", "src/files", "src/random.ts", "src/text"],
  "src/coco": ["src/data", "src/text"],
  "src/cli": ["src/data", "src/model", "src/engine", "src/engine/install", "src/files", "src/text"],
  "src/train": [
    "src/cli",
    "src/data",
    "src/model",
    "src/views",
    "src/engine",
    "src/engine/xla",
    "src/files",
    "src/random.ts",
    "src/text",
  ],
  "src/weights": ["src/train", "src/model", "src/views", "src/engine", "src/files"],
  "src/eval": [
    "src/weights",
    "src/cli",
    "src/train",
    "src/data",
    "src/model",
    "src/views",
    "src/engine",
    "src/files",
    "src/random.ts",
    "src/text",
  ],
  "src/reid": [
    "src/eval",
    "src/cli",
    "src/train",
    "src/data",
    "src/model",
    "src/views",
    "src/engine",
    "src/files",
    "src/random.ts",
    "src/text",
  ],
  "src/finetune": [
    "src/eval",
    "src/weights",
    "src/cli",
    "src/train",
    "src/data",
    "src/model",
    "src/views",
    "src/engine",
    "src/files",
    "src/random.ts",
    "src/text",
  ],
  "src/detect": [
    "src/finetune",
    "src/coco",
    "src/eval",
    "src/cli",
    "src/train",
    "src/data",
    "src/model",
    "src/views",
    "src/engine",
    "src/files",
    "src/random.ts",
    "src/text",
  ],
  "src/demo": [
    "src/eval",
    "src/train",
    "src/data",
    "src/model",
    "src/views",
    "src/engine",
    "src/files",
    "src/random.ts",
    "src/text",
  ],
  "src/report": [
    "src/detect",
    "src/finetune",
    "src/cli",
    "src/train",
    "src/data",
    "src/model",
    "src/web",
    "src/files",
    "src/text",
  ],
  "src/ablate": [
    "src/report",
    "src/eval",
    "src/cli",
    "src/train",
    "src/data",
    "src/model",
    "src/engine",
    "src/files",
    "src/random.ts",
    "src/text",
  ],
  "src/plan": [
    "src/train",
    "src/model",
    "src/engine",
    "src/engine/install",
    "src/engine/xla",
    "src/files",
    "src/text",
  ],
  "src/search": ["src/eval", "src/data", "src/web"],
  "src/parity": ["src/eval", "src/train", "src/data", "src/model", "src/views", "src/engine", "src/files"],
  "src/conformance": ["src/engine/xla"],
  "src/soak": [
    "src/demo",
    "src/train",
    "src/cli",
    "src/data",
    "src/engine/install",
    "src/files",
    "src/random.ts",
  ],
  "mod.ts": [
    "src/detect",
    "src/plan",
    "src/finetune",
    "src/reid",
    "src/ablate",
    "src/report",
    "src/search",
    "src/web",
    "src/weights",
    "src/eval",
    "src/train",
    "src/data",
    "src/model",
    "src/views",
    "src/coco",
    "src/engine",
    "src/files",
    "src/random.ts",
    "src/engine/install",
  ],
  tasks: [
    "src/detect",
    "src/plan",
    "src/finetune",
    "src/reid",
    "src/ablate",
    "src/weights",
    "src/cli",
    "src/demo",
    "src/report",
    "src/search",
    "src/parity",
    "src/conformance",
    "src/soak",
    "src/eval",
    "src/train",
    "src/data",
    "src/model",
    "src/coco",
    "src/engine",
    "src/engine/install",
    "src/engine/xla",
    "src/files",
    "src/text",
  ],
  bench: [
    "src/plan",
    "src/finetune",
    "src/reid",
    // Commands that are measured from start to end.
    "src/weights",
    "src/cli",
    "src/demo",
    "src/eval",
    "src/train",
    "src/data",
    "src/model",
    "src/views",
    "src/coco",
    "src/engine",
    "src/engine/install",
    "src/files",
    "src/random.ts",
    "src/text",
  ],
};

/** The room of a file. */
function roomOf(file: string): string {
  const rooms = Object.keys(ROOMS).filter((room) => file === room || file.startsWith(`${room}/`));
  const room = rooms.sort((a, b) => b.length - a.length)[0];
  assert.ok(room, `${file} is in no room of tests/architecture_test.ts`);
  return room;
}

const { imports, withStarts } = readImports("src", "tasks", "bench");

Deno.test("every form of import is seen, and none in comments", () => {
  const text = `
    /** import { no } from "./no.ts"; */
    // import "./no.ts";
    import { a } from "./a.ts";
    import type { B } from "./b.ts";
    import {
      type C,
      d,
    } from "./c.ts";
    import "./d.ts";
    export * from "./e.ts";
    export { f } from "./f.ts";
    type G = typeof import("./g.ts");
    const { h } = await import("./h.ts");
    new Worker(new URL("./i.ts", import.meta.url), { type: "module" });
    const j = import.meta.resolve("./j.ts");
    const text = "from";
  `;
  const { imports, starts } = namesIn(text),
    files = (names: string) => [...names].map((name) => `./${name}.ts`);
  assert.deepEqual([imports.sort(), starts.sort()], [files("abcdefgh"), files("ij")]);
});

Deno.test("circles are found, whatever their length", () => {
  const graph = new Map([["a", ["b"]], ["b", ["c", "d"]], ["c", ["a"]], ["d", ["e"]], ["e", []], ["f", [
    "f",
    "a",
  ]]]);
  assert.deepEqual(circlesIn(graph), [["a", "b", "c"], ["f"]]);
});

Deno.test("no imports go in a circle, those of types included", () => {
  assert.deepEqual(circlesIn(imports), []);
});

Deno.test("imports follow the arrows, and there is no arrow that nothing follows", () => {
  const wrong: string[] = [], used = new Map(Object.keys(ROOMS).map((room) => [room, new Set<string>()]));
  for (const [file, targets] of withStarts) {
    const from = roomOf(file);
    for (const target of targets) {
      assert.ok(
        withStarts.has(target),
        `${file} imports ${target}, which is neither src nor tasks nor bench`,
      );
      const to = roomOf(target);
      if (to === from) continue;
      used.get(from)!.add(to);
      if (!ROOMS[from].includes(to)) wrong.push(`${file} → ${target}`);
    }
  }
  assert.deepEqual(wrong, [], "imports against the arrows");
  for (const [room, may] of Object.entries(ROOMS)) {
    assert.deepEqual(
      may.filter((other) => !used.get(room)!.has(other)),
      [],
      `${room}: arrows that nothing follows`,
    );
  }
});

Deno.test("the arrows themselves go in no circle", () => {
  assert.deepEqual(circlesIn(new Map(Object.entries(ROOMS))), []);
});

Deno.test("what must know nothing of something does not reach it by any way", () => {
  const reaches = (from: string, to: string) => {
    const files = [...withStarts.keys()].filter((file) => file.startsWith(from));
    assert.ok(files.length > 0, from);
    return [...reachedFrom(withStarts, files)].filter((file) => file.startsWith(to));
  };
  for (
    const [from, ...others] of [
      // Data flows without tensors, so that it can be read in threads and packed where no engine is.
      ["src/data/", "src/engine/", "src/model/", "src/train/"],
      // The backend is published on its own.
      ["src/engine/xla/", "src/model/", "src/data/", "src/train/", "src/random.ts", "src/text/"],
      // The library does not pull in commands, the demo or what only tests it.
      ["mod.ts", "src/demo/", "src/parity/", "src/conformance/", "src/soak/", "tasks/"],
    ]
  ) {
    for (const other of others) assert.deepEqual(reaches(from, other), [], `${from} reaches ${other}`);
  }
});

Deno.test("docs/architecture.md shows the arrows as they are", () => {
  const text = Deno.readTextFileSync(`${ROOT}/docs/architecture.md`);
  const [, table = ""] = text.split("| room | may import |\n| --- | --- |\n");
  const rows = table.split("\n\n")[0].trim().split("\n").map((row) => row.split("|").slice(1, 3));
  const names = (cell: string) => Array.from(cell.matchAll(/`([^`]+)`/g), ([, name]) => name);
  const shown = Object.fromEntries(rows.map(([room, may]) => [names(room)[0], names(may)]));
  assert.deepEqual(shown, ROOMS);
});
