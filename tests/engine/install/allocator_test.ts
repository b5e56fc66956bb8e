import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import {
  allocatorEnvironment,
  type AllocatorOptions,
  canLoad,
  forgetAllocator,
  provideAllocator,
} from "../../../src/engine/install/allocator.ts";
import { ALLOCATOR, type NativePackage } from "../../../src/engine/install/packages.ts";
import { withFolder } from "../../with_folder.ts";
import { withVariables } from "../../with_variables.ts";

const DAY = 24 * 60 * 60 * 1000;

/** A package for this machine, whatever it is. */
const HERE: NativePackage = { ...ALLOCATOR, os: Deno.build.os, arch: Deno.build.arch };

type Provide = (
  options?: AllocatorOptions,
  variables?: Record<string, string>,
) => Promise<string | undefined>;

/** A cache and a python3 that notes its calls and does as the script says. */
async function withPython(
  script: string,
  work: (provide: Provide, calls: () => number) => Promise<void>,
): Promise<void> {
  await withFolder(async (folder) => {
    await Deno.mkdir(`${folder}/bin`);
    const text = `#!/bin/sh\necho call >> ${folder}/calls\n${script}\n`;
    await Deno.writeTextFile(`${folder}/bin/python3`, text, { mode: 0o755 });
    const calls = () => {
      try {
        return Deno.readTextFileSync(`${folder}/calls`).trim().split("\n").length;
      } catch {
        return 0;
      }
    };
    const PATH = `${folder}/bin:${Deno.env.get("PATH")}`;
    const provide: Provide = (options = {}, variables = {}) =>
      withVariables(
        { PATH, SEMANTIC_AE_ALLOCATOR: undefined, ...variables },
        () => provideAllocator({ native: HERE, cache: `${folder}/cache`, ...options }),
      );
    await work(provide, calls);
  });
}

Deno.test({
  name: "an allocator that cannot be fetched is done without, and not asked for again within a day",
  ignore: Deno.build.os === "windows",
}, async () => {
  await withPython("exit 1", async (provide, calls) => {
    const now = Date.now();
    assert.equal(await provide({ fetch: false }), undefined);
    assert.equal(calls(), 0);
    for (const later of [0, 1000, DAY - 60_000]) assert.equal(await provide({ now: now + later }), undefined);
    assert.equal(calls(), 1);
    assert.equal(await provide({ now: now + 2 * DAY }), undefined);
    assert.equal(calls(), 2);
  });
});

Deno.test({
  name: "who turns it off has nothing fetched and nothing named",
  ignore: Deno.build.os === "windows",
}, async () => {
  await withPython("exit 1", async (provide, calls) => {
    assert.equal(await provide({}, { SEMANTIC_AE_ALLOCATOR: "off" }), undefined);
    assert.equal(calls(), 0);
  });
});

Deno.test({
  name: "a package index that does not answer holds nothing up",
  ignore: Deno.build.os === "windows",
}, async () => {
  await withPython("exec sleep 1000", async (provide, calls) => {
    assert.equal(await provide({ patience: 1000 }), undefined);
    assert.equal(calls(), 1);
  });
});

Deno.test("what is for another machine, or has a cache that cannot be, is not an error", async () => {
  const elsewhere = { ...HERE, arch: HERE.arch === "x86_64" ? "aarch64" : "x86_64" } as const;
  assert.equal(await provideAllocator({ native: elsewhere }), undefined);
  assert.equal(await provideAllocator({ native: HERE, cache: "/dev/null/cache" }), undefined);
});

Deno.test({
  name:
    "a library is named where it is, but not if the loader would cut its path; what is none cannot be loaded",
  ignore: Deno.build.os === "windows",
}, async () => {
  await withFolder(async (folder) => {
    const native = { ...HERE, wheels: [] };
    for (const [cache, named] of [["plain", true], ["a b", false], ["a:b", false]] as const) {
      const at = `${folder}/${cache}/engines/${HERE.name}-${HERE.version}`, path = `${at}/${HERE.library}`;
      await Deno.mkdir(at, { recursive: true });
      await Deno.writeTextFile(path, "no library");
      await Deno.writeTextFile(`${at}/installed.json`, JSON.stringify({ make: [], files: {} }));
      const found = await provideAllocator({ native, cache: `${folder}/${cache}`, fetch: false });
      assert.equal(found, named ? path : undefined);
      assert.equal(canLoad(path), false);
    }
    assert.equal(canLoad(`${folder}/none.so`), false);
  });
});

Deno.test("our allocator goes out of the environment, what a user has put there stays", async () => {
  const ours = `/c/engines/${ALLOCATOR.name}-${ALLOCATOR.version}/${ALLOCATOR.library}`;
  for (
    const [before, after] of [[ours, undefined], ["", undefined], [
      "/usr/lib/libjemalloc.so",
      "same",
    ]] as const
  ) {
    await withVariables({ LD_PRELOAD: before }, () => {
      forgetAllocator();
      assert.equal(Deno.env.get("LD_PRELOAD"), after === "same" ? before : after);
    });
  }
  const set = { GLIBC_TUNABLES: "a=1", MIMALLOC_PURGE_DELAY: "7", SEMANTIC_AE_CACHE: "/nowhere" };
  await withVariables(set, async () => {
    const { SEMANTIC_AE_CACHE: _, ...expected } = set;
    assert.deepEqual(await allocatorEnvironment(), expected);
  });
});

Deno.test("the task's first word prints what LD_PRELOAD is, or a library, or nothing, and never fails", async () => {
  const task = fileURLToPath(new URL("../../../tasks/allocator.ts", import.meta.url));
  const run = async (variables: Record<string, string>) => {
    const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "--quiet", "--no-check", "--no-prompt", "--allow-read", "--allow-env", task],
      env: { SEMANTIC_AE_CACHE: "/nowhere", ...variables },
    }).output();
    const [out, err] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
    return { code, out, err };
  };
  assert.deepEqual(await run({ LD_PRELOAD: "" }), { code: 0, out: "", err: "" });
  if (Deno.build.os === "linux") {
    const { code, out } = await run({ LD_PRELOAD: "/usr/lib/mine.so" });
    assert.deepEqual([code, out], [0, "/usr/lib/mine.so\n"]);
  }
});

Deno.test("all tasks that open engines begin with the same settings of the allocators", async () => {
  const { tasks } = JSON.parse(await Deno.readTextFile(new URL("../../../deno.json", import.meta.url)));
  const before: string[] = Object.values<{ command: string }>(tasks).map(({ command }) =>
    command.slice(0, command.search(/deno (run|test) (?!.*tasks\/allocator)/))
  );
  const set = before.filter((text) => text !== "");
  assert.ok(set.length >= 5 && new Set(set).size === 1, `${[...new Set(set)].join("\n")}`);
  assert.match(
    set[0],
    /^LD_PRELOAD=\$\(deno run .* tasks\/allocator\.ts\) MIMALLOC_\w+=\S+ .*GLIBC_TUNABLES=\S+ $/,
  );
});
