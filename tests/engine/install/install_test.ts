import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { Buffer } from "node:buffer";
import { deflateRawSync } from "node:zlib";
import {
  ensurePackage,
  installedPackage,
  type InstallOptions,
  type NativePackage,
  type Wheel,
} from "../../../src/engine/install/install.ts";
import { withVariables } from "../../with_variables.ts";

/** A zip archive of these files, packed where that is asked for. */
function zip(
  files: { name: string; data: Uint8Array; packed?: boolean; program?: boolean }[],
): Uint8Array<ArrayBuffer> {
  const parts: Uint8Array[] = [];
  const directory: Uint8Array[] = [];
  let at = 0;
  for (const { name, data, packed, program } of files) {
    const body = packed ? new Uint8Array(deflateRawSync(data)) : data;
    const bytes = new TextEncoder().encode(name);
    const local = new DataView(new ArrayBuffer(30));
    const entry = new DataView(new ArrayBuffer(46));
    local.setUint32(0, 0x04034b50, true);
    entry.setUint32(0, 0x02014b50, true);
    for (const [view, shift] of [[local, 0], [entry, 2]] as const) {
      view.setUint16(8 + shift, packed ? 8 : 0, true);
      view.setUint32(18 + shift, body.length, true);
      view.setUint32(22 + shift, data.length, true);
      view.setUint16(26 + shift, bytes.length, true);
    }
    entry.setUint16(40, program ? 0o755 : 0o644, true);
    entry.setUint32(42, at, true);
    parts.push(new Uint8Array(local.buffer), bytes, body);
    directory.push(new Uint8Array(entry.buffer), bytes);
    at += 30 + bytes.length + body.length;
  }
  const end = new DataView(new ArrayBuffer(22));
  end.setUint32(0, 0x06054b50, true);
  end.setUint16(10, files.length, true);
  end.setUint32(12, directory.reduce((n, d) => n + d.length, 0), true);
  end.setUint32(16, at, true);
  return new Uint8Array(Buffer.concat([...parts, ...directory, new Uint8Array(end.buffer)]));
}

const LIBRARY = new Uint8Array(300_000).map((_, i) => (i * i) >> 3);
const WHEEL = zip([
  { name: "made_up/__init__.py", data: new TextEncoder().encode("x = 1\n"), packed: true },
  { name: "made_up/plugin.so", data: LIBRARY, packed: true },
  { name: "made_up/stored.so", data: LIBRARY },
]);

const digest = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");

/** What one wheel gives, as it is pinned. */
function wheel(name: string, bytes: Uint8Array, take: Wheel["take"]): Wheel {
  return { package: name, version: "1.2.3", sha256: digest(bytes), bytes: bytes.length, take };
}

/** A package of these wheels. */
function native(...wheels: Wheel[]): NativePackage {
  return {
    name: "made-up",
    version: "1.2.3",
    what: "the made-up plugin",
    wheels,
    library: "plugin.so",
    unpacked: 1_000_000,
    os: Deno.build.os,
    arch: Deno.build.arch,
    instead: "set PJRT_PLUGIN to the path of a PJRT plugin",
  };
}

const PLUGIN = native(wheel("made-up-plugin", WHEEL, { "made_up/plugin.so": "plugin.so" }));

/** What a fake `python3 -m pip download` does after noting that it was called. */
const GIVE = `mkdir "$dest" 2>/dev/null; cp "$WHEELS/$package.whl" "$dest/$package-1.2.3-py3-none-any.whl"`;

/** The same, once the test says so. */
const GIVE_LATER = `echo $$ > "$WHEELS/pid"; while [ ! -e "$WHEELS/go" ]; do sleep 0.05; done; ${GIVE}`;

/** A cache folder and a PATH on which python3 is the given script. */
async function bench(script: string | undefined, wheels: Record<string, Uint8Array<ArrayBuffer>> = {}) {
  const folder = await Deno.makeTempDir();
  await Deno.mkdir(`${folder}/bin`);
  await Deno.mkdir(`${folder}/wheels`);
  for (const [name, bytes] of Object.entries({ "made-up-plugin": WHEEL, ...wheels })) {
    await Deno.writeFile(`${folder}/wheels/${name}.whl`, bytes);
  }
  if (script !== undefined) {
    await Deno.writeTextFile(
      `${folder}/bin/python3`,
      `#!/bin/sh
echo "$@" >> "$CALLS"
while [ "$#" -gt 1 ]; do [ "$1" = --dest ] && dest="$2"; shift; done
package="\${1%%==*}"
${script}
`,
      { mode: 0o755 },
    );
  }
  const env = {
    SEMANTIC_AE_CACHE: `${folder}/cache`,
    PATH: script === undefined ? `${folder}/bin` : `${folder}/bin:${Deno.env.get("PATH")}`,
    CALLS: `${folder}/calls`,
    WHEELS: `${folder}/wheels`,
  };
  return {
    folder,
    plugin: `${folder}/cache/engines/made-up-1.2.3/plugin.so`,
    /** Installs in a process of its own. */
    start: () =>
      new Deno.Command(Deno.execPath(), { args: ["eval", "--no-check", PROGRAM], env, stdout: "piped" })
        .spawn(),
    /** Installs here. */
    run: (plugin: Partial<NativePackage> = {}, options: InstallOptions = {}) =>
      withVariables(env, () => installed({ ...PLUGIN, ...plugin }, options)),
    calls: () => Deno.readTextFileSync(`${folder}/calls`).trim().split("\n"),
    left: () => [...Deno.readDirSync(`${folder}/cache/engines`)].map((e) => e.name).sort(),
    [Symbol.asyncDispose]: () => Deno.remove(folder, { recursive: true }),
  };
}

interface Answer {
  path?: string;
  name?: string;
  message?: string;
  phases: string[];
}

/** What an installation comes to. */
async function installed(native: NativePackage, options: InstallOptions): Promise<Answer> {
  const phases = new Set<string>();
  try {
    const path = await ensurePackage(native, { progress: ({ phase }) => phases.add(phase), ...options });
    return { path, phases: [...phases] };
  } catch (error) {
    const { name, message } = error as Error;
    return { name, message, phases: [...phases] };
  }
}

/** Installs the plugin and prints what that comes to. */
const PROGRAM = `
  import { ensurePackage } from ${
  JSON.stringify(new URL("../../../src/engine/install/install.ts", import.meta.url).href)
};
  const phases = new Set();
  const path = await ensurePackage(${JSON.stringify(PLUGIN)}, { progress: ({ phase }) => phases.add(phase) });
  console.log(JSON.stringify({ path, phases: [...phases] }));`;

async function answer(process: Deno.ChildProcess): Promise<Answer> {
  return JSON.parse(new TextDecoder().decode((await process.output()).stdout));
}

Deno.test("a plugin is fetched once, checked, unpacked and found again", async () => {
  await using at = await bench(GIVE);
  const first = await at.run();
  assert.deepEqual(first, { path: at.plugin, phases: ["downloading", "checking", "unpacking"] });
  assert.deepEqual(await Deno.readFile(at.plugin), LIBRARY);
  assert.match(at.calls()[0], /^-m pip download --no-deps .*--dest \S+ made-up-plugin==1\.2\.3$/);
  assert.deepEqual(await at.run(), { path: at.plugin, phases: [] });
  assert.equal(at.calls().length, 1);
  assert.deepEqual(at.left(), ["made-up-1.2.3"]);
  const stored = native(wheel("made-up-plugin", WHEEL, { "made_up/stored.so": "plugin.so" }));
  assert.deepEqual(await Deno.readFile((await at.run({ ...stored, name: "stored" })).path!), LIBRARY);
});

Deno.test("two processes at once: one fetches, the other waits and takes what came", async () => {
  await using at = await bench(GIVE_LATER);
  const first = at.start();
  while (!await Deno.stat(`${at.folder}/calls`).catch(() => null)) {
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  const lines: string[] = [];
  const second = ensurePackage(PLUGIN, {
    cache: `${at.folder}/cache`,
    progress({ phase, message }) {
      lines.push(`${phase}: ${message}`);
      Deno.writeTextFileSync(`${at.folder}/wheels/go`, "");
    },
  });
  assert.equal(await second, at.plugin);
  assert.equal((await answer(first)).path, at.plugin);
  assert.equal(lines.length, 1);
  assert.match(
    lines[0],
    new RegExp(`^waiting: waiting for process ${first.pid} on .*, which has made-up$`),
  );
  assert.equal(at.calls().length, 1);
});

Deno.test("a process that is killed while fetching leaves nothing that hinders the next", async () => {
  await using at = await bench(GIVE_LATER);
  const dying = at.start();
  let pip = 0;
  while (pip === 0) {
    await new Promise((resolve) => setTimeout(resolve, 10));
    pip = Number(await Deno.readTextFile(`${at.folder}/wheels/pid`).catch(() => 0));
  }
  dying.kill("SIGKILL");
  await dying.output();
  // One that lived on would write once more, perhaps after the next process is done; that is the last case below.
  Deno.kill(pip, "SIGKILL");
  assert.ok(at.left().includes(".made-up-1.2.3.partial"));
  await Deno.writeTextFile(`${at.folder}/wheels/go`, "");
  assert.equal((await at.run()).path, at.plugin);
  assert.deepEqual(at.left(), ["made-up-1.2.3"]);
  // As one that dies between publishing and clearing up leaves it.
  await Deno.mkdir(`${at.folder}/cache/engines/.wheels-made-up-1.2.3`);
  await Deno.writeTextFile(`${at.folder}/cache/engines/.made-up-1.2.3.lock`, "");
  assert.equal((await at.run()).path, at.plugin);
  assert.deepEqual(at.left(), ["made-up-1.2.3"]);
  assert.equal(at.calls().length, 2);
});

Deno.test("a download that is not what was expected is refused and thrown away", async () => {
  await using at = await bench(`${GIVE}; printf x >> "$dest/made-up-plugin-1.2.3-py3-none-any.whl"`);
  const { name, message } = await at.run();
  assert.equal(name, "InstallError");
  assert.match(message!, /SHA-256 .* expected/);
  assert.deepEqual(at.left(), []);
});

Deno.test("a damaged plugin in the cache is fetched again, a touched one is not", async () => {
  await using at = await bench(GIVE);
  await at.run();
  await Deno.utime(at.plugin, 1e9, 1e9);
  assert.deepEqual((await at.run()).phases, []);
  assert.equal(at.calls().length, 1);
  const flipped = LIBRARY.slice();
  flipped[1000] ^= 1;
  const damages = [
    () => Deno.writeFileSync(at.plugin, flipped),
    () => Deno.truncateSync(at.plugin, 1000),
    () => Deno.removeSync(at.plugin),
    ...["{", "null", "[]", "{}", '{"make":[]}'].map((text) => () =>
      Deno.writeTextFileSync(`${at.folder}/cache/engines/made-up-1.2.3/installed.json`, text)
    ),
  ];
  for (const [i, damage] of damages.entries()) {
    damage();
    assert.equal((await at.run()).path, at.plugin);
    assert.equal(at.calls().length, i + 2);
    assert.deepEqual(await Deno.readFile(at.plugin), LIBRARY);
  }
});

Deno.test("without Python, pip or network the error says what to do", async () => {
  const cases: [script: string | undefined, expected: RegExp][] = [
    [undefined, /Cannot run python3.*Install Python 3 with pip.*PJRT_PLUGIN/s],
    [
      `echo "/usr/bin/python3: No module named pip" >&2; exit 1`,
      /exit code 1.*No module named pip.*PJRT_PLUGIN/s,
    ],
    [
      `echo "WARNING: Retrying" >&2; echo "ERROR: No matching distribution found for x" >&2; exit 1`,
      /fetch made-up-plugin==1\.2\.3.*: ERROR: No matching distribution found for x\. .*network.*PJRT_PLUGIN/s,
    ],
    [`mkdir -p "$dest"`, /left no wheel/],
    [`mkdir -p "$dest"; : > "$dest/other.txt"`, /left no wheel/],
  ];
  for (const [script, expected] of cases) {
    await using at = await bench(script);
    const { name, message } = await at.run();
    assert.equal(name, "InstallError");
    assert.match(message!, expected);
    assert.deepEqual(at.left(), []);
  }
});

Deno.test("another system, or a wheel without the library, is an error that names the way out", async () => {
  await using at = await bench(GIVE);
  const other = await at.run({ os: "darwin", arch: "aarch64" });
  assert.equal(other.name, "InstallError");
  assert.match(other.message!, /darwin on aarch64.*PJRT_PLUGIN/s);
  const lacking = await at.run({
    wheels: [wheel("made-up-plugin", WHEEL, { "made_up/missing.so": "plugin.so" })],
  });
  assert.equal(lacking.name, "InstallError");
  assert.match(lacking.message!, /holds no made_up\/missing\.so/);
  const large = await at.run({ unpacked: 1e18 });
  assert.equal(large.name, "InstallError");
  assert.match(large.message!, /made-up needs 1000000000\.0 GB in .*SEMANTIC_AE_CACHE.*PJRT_PLUGIN/);
});

/** As NVIDIA's: libraries, a program, and a file that other wheels have too. */
const CUBLAS = zip([
  { name: "nvidia/__init__.py", data: new Uint8Array() },
  { name: "nvidia/cublas/lib/libcublas.so.12", data: LIBRARY, packed: true },
  { name: "cublas-1.2.3.dist-info/RECORD", data: LIBRARY, packed: true },
]);
const NVCC = zip([
  { name: "nvidia/", data: new Uint8Array() },
  { name: "nvidia/cuda_nvcc/bin/ptxas", data: LIBRARY.subarray(0, 500), packed: true, program: true },
]);
const SET = {
  ...native(
    wheel("made-up-plugin", WHEEL, { "made_up/plugin.so": "jax_plugins/made_up/plugin.so" }),
    wheel("cublas", CUBLAS, { "nvidia/": "nvidia/" }),
    wheel("nvcc", NVCC, { "nvidia/": "nvidia/" }),
  ),
  library: "jax_plugins/made_up/plugin.so",
};

Deno.test("libraries of several wheels lie where the plugin looks for them; what came whole is not fetched again", async () => {
  await using at = await bench(`[ "$package" != nvcc ] || [ -e "$WHEELS/network" ] || exit 1; ${GIVE}`, {
    cublas: CUBLAS,
    nvcc: NVCC,
  });
  const broken = await at.run(SET);
  assert.match(broken.message!, /pip could not fetch nvcc==1\.2\.3/);
  assert.deepEqual(at.left(), [".wheels-made-up-1.2.3"]);
  // One of the two that came is damaged meanwhile.
  const kept = `${at.folder}/cache/engines/.wheels-made-up-1.2.3/made-up-plugin-1.2.3.whl`;
  await Deno.writeFile(kept, WHEEL.subarray(1));
  await Deno.writeTextFile(`${at.folder}/wheels/network`, "");
  const { path } = await at.run(SET);
  const folder = `${at.folder}/cache/engines/made-up-1.2.3`;
  assert.equal(path, `${folder}/jax_plugins/made_up/plugin.so`);
  assert.deepEqual(
    await Deno.readFile(`${folder}/jax_plugins/made_up/../../nvidia/cublas/lib/libcublas.so.12`),
    LIBRARY,
  );
  const mode = (name: string) => Deno.statSync(`${folder}/nvidia/${name}`).mode! & 0o111;
  assert.notEqual(mode("cuda_nvcc/bin/ptxas"), 0);
  assert.equal(mode("cublas/lib/libcublas.so.12"), 0);
  assert.deepEqual([...Deno.readDirSync(folder)].map((e) => e.name).sort(), [
    "installed.json",
    "jax_plugins",
    "nvidia",
  ]);
  assert.deepEqual(at.left(), ["made-up-1.2.3"]);
  const fetched = at.calls().map((call) => call.split(" ").at(-1));
  const [plugin, cublas, nvcc] = ["made-up-plugin", "cublas", "nvcc"].map((name) => `${name}==1.2.3`);
  assert.deepEqual(fetched, [plugin, cublas, nvcc, plugin, nvcc]);
  // A library that is lost is noticed, not only the plugin.
  await Deno.remove(`${folder}/nvidia/cublas/lib/libcublas.so.12`);
  assert.equal((await at.run(SET)).path, path);
  assert.equal(at.calls().length, 8);
});

Deno.test("nothing is unpacked outside of the folder", async () => {
  const evil = zip([{ name: "nvidia/../../evil.so", data: LIBRARY }]);
  await using at = await bench(GIVE, { evil });
  const { message } = await at.run({ wheels: [wheel("evil", evil, { "nvidia/": "nvidia/" })] });
  assert.match(message!, /holds a file outside of it: nvidia\/\.\.\/\.\.\/evil\.so/);
  assert.equal(await Deno.stat(`${at.folder}/cache/engines/evil.so`).catch(() => null), null);
});

Deno.test("what is built of the files is part of the installation, and made anew in another version", async () => {
  await using at = await bench(GIVE);
  const cache = `${at.folder}/cache`, made: string[] = [];
  const build = (version: string) => ({
    version,
    make: async (folder: string) => {
      made.push(version);
      assert.deepEqual(await Deno.readFile(`${folder}/plugin.so`), LIBRARY);
      await Deno.writeTextFile(`${folder}/binding.node`, version);
      return ["binding.node"];
    },
  });
  await at.run(); // The wheel comes by the fake pip of another process.
  assert.equal(await installedPackage(PLUGIN, { cache }), at.plugin);
  assert.equal(await installedPackage(PLUGIN, { cache, build: build("1") }), undefined);
  for (const version of ["1", "1", "2"]) {
    assert.equal((await at.run({}, { build: build(version) })).path, at.plugin);
  }
  const make = () => Promise.reject(new Error("no compiler"));
  const { message } = await at.run({}, { build: { version: "3", make } });
  assert.match(message!, /made-up 1\.2\.3 in .* failed: no compiler\./);
  await Deno.remove(`${cache}/engines/made-up-1.2.3/binding.node`);
  assert.equal((await at.run({}, { build: build("2") })).path, at.plugin);
  assert.deepEqual(made, ["1", "2", "2"]);
});

Deno.test("a cache that cannot be one is an error that names it and says what to do; nothing installed is no error", async () => {
  await using at = await bench(GIVE);
  const odd = async (cache: string) => {
    assert.equal(await installedPackage(PLUGIN, { cache }), undefined);
    const { name, message } = await at.run({}, { cache });
    assert.equal(name, "InstallError");
    assert.match(
      message!,
      /^Installing made-up 1\.2\.3 in .* failed: .* Set SEMANTIC_AE_CACHE to .*PJRT_PLUGIN/,
    );
    assert.ok(message!.includes(cache));
  };
  await Deno.writeTextFile(`${at.folder}/file`, "");
  await odd(`${at.folder}/file`);
  await odd(`${at.folder}/file/below`);
  // Somebody's folder where the lock or the package should be.
  await Deno.mkdir(`${at.folder}/odd/engines/.made-up-1.2.3.lock`, { recursive: true });
  await odd(`${at.folder}/odd`);
  const spaces = `${at.folder}/with spaces, ünd more`;
  assert.equal((await at.run({}, { cache: spaces })).path, `${spaces}/engines/made-up-1.2.3/plugin.so`);
});

Deno.test("what is installed is found without pip, and where nothing can be written", async () => {
  await using at = await bench(GIVE);
  await at.run();
  await Deno.utime(at.plugin, 1e9, 1e9);
  const folder = `${at.folder}/cache/engines/made-up-1.2.3`;
  await Deno.remove(`${at.folder}/bin`, { recursive: true });
  await Deno.chmod(folder, 0o555);
  try {
    assert.deepEqual(await at.run(), { path: at.plugin, phases: [] });
  } finally {
    await Deno.chmod(folder, 0o755);
  }
});

Deno.test("what one user installs under a strict umask is that user's alone, and complete", async () => {
  await using at = await bench(GIVE);
  const before = Deno.umask(0o077);
  try {
    assert.equal((await at.run()).path, at.plugin);
    assert.deepEqual((await at.run()).phases, []);
  } finally {
    Deno.umask(before);
  }
  assert.equal(Deno.statSync(at.plugin).mode! & 0o777, 0o600);
});

Deno.test("pip is asked for its messages in English, whatever the user's language", async () => {
  await using at = await bench(`echo "ERROR in $LC_ALL" >&2; exit 1`);
  const { message } = await withVariables({ LC_ALL: "de_DE.UTF-8", LANG: "de_DE.UTF-8" }, () => at.run());
  assert.match(message!, /ERROR in C\.UTF-8/);
});
