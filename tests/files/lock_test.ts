import assert from "node:assert/strict";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import {
  InUseError,
  lockFolder,
  type LockOptions,
  lockPlace,
  type LockSystem,
} from "../../src/files/lock.ts";
import { ownerHere } from "../../src/files/lock_owner.ts";
import { startBeating } from "../../src/files/lock_signs.ts";
import { withFolder } from "../with_folder.ts";

const names = (folder: string) => [...Deno.readDirSync(folder)].map(({ name }) => name).sort();
const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** What a process that was killed on another host, or here, has left. */
const leave = (folder: string, host: string) =>
  Deno.writeTextFile(join(folder, ".lock"), JSON.stringify({ ...ownerHere(), host, pid: 4711 }) + "\n");

Deno.test("lock: a worker, which does not know the program's name, can own one", async () => {
  const worker = new Worker(new URL("owner_worker.ts", import.meta.url), { type: "module" });
  try {
    const owner = await new Promise<ReturnType<typeof ownerHere>>((resolve, reject) => {
      worker.onmessage = ({ data }) => resolve(data);
      worker.onerror = (event) => {
        event.preventDefault();
        reject(new Error(event.message));
      };
    });
    assert.equal(owner.pid, Deno.pid);
    assert.match(owner.command, /^deno (run|task)/);
  } finally {
    worker.terminate();
  }
});

Deno.test("lock: a place is one owner's until it is released, and the file goes with it", () =>
  withFolder(async (folder) => {
    const lock = await lockFolder(folder);
    assert.deepEqual(names(folder), [".lock"]);
    await assert.rejects(
      lockFolder(folder, { what: "the run", advice: "Wait for it" }),
      (error: InUseError) => {
        assert.ok(error instanceof InUseError);
        assert.equal(error.owner?.pid, Deno.pid);
        assert.match(
          error.message,
          /^the run is in use by this very process, process \d+ on .+ \(deno .+\), since \d{4}-.*Z\. Wait for it$/,
        );
        return true;
      },
    );
    await lock.release();
    await lock.release();
    assert.deepEqual(names(folder), []);
    const place = join(folder, "to-be-made");
    {
      await using _first = await lockPlace(place);
      await assert.rejects(lockPlace(place), /to-be-made is in use by/);
      await using _other = await lockPlace(`${place}-2`);
    }
    assert.deepEqual(names(folder), []);
  }));

Deno.test("lock: a process is named with host, command and time, without secrets; when it is killed the place is free", () =>
  withFolder(async (folder) => {
    const program = fileURLToPath(import.meta.resolve("./lock_process.ts"));
    const child = new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "--no-check", program, folder, "--data", "https://me:s3cret@host/a.tar?sig=s3cret"],
      stdout: "piped",
      stderr: "null",
    }).spawn();
    const output = child.stdout.getReader();
    assert.equal(new TextDecoder().decode((await output.read()).value), "locked\n");
    const told = await lockFolder(folder).then(() => "", (error: InUseError) => error.message);
    assert.match(
      told,
      new RegExp(
        `is in use by process ${child.pid} on ${Deno.hostname()} \\(deno run lock_process.ts ${folder} ` +
          "--data https://REDACTED@host/a.tar\\?sig=REDACTED\\), since ",
      ),
    );
    assert.doesNotMatch(await Deno.readTextFile(join(folder, ".lock")), /s3cret/);
    // Others wait for it.
    const lines: string[] = [], waiting = lockFolder(folder, { waiting: (line) => lines.push(line) });
    while (lines.length === 0) await sleep(1);
    child.kill("SIGKILL");
    await child.status;
    await output.cancel();
    await (await waiting).release();
    assert.equal(lines.length, 1);
    assert.match(lines[0], new RegExp(`^waiting for process ${child.pid} on .*, which has ${folder}$`));
  }));

Deno.test("lock: what a crash has left does not hold, whatever it says and from wherever", () =>
  withFolder(async (folder) => {
    for (const host of [Deno.hostname(), "another-host"]) {
      await leave(folder, host);
      await (await lockFolder(folder)).release();
    }
    for (const text of ["", "{", "null", '{"pid":"x"}', "\0".repeat(5000)]) {
      await Deno.writeTextFile(join(folder, ".lock"), text);
      await (await lockFolder(folder)).release();
    }
    assert.deepEqual(names(folder), []);
  }));

Deno.test("lock: of many that wait, one at a time has the place", () =>
  withFolder(async (folder) => {
    let inside = 0, done = 0;
    await Promise.all(Array.from({ length: 6 }, async () => {
      await using _lock = await lockFolder(folder, { waiting: () => {} });
      assert.equal(++inside, 1);
      await sleep(5);
      inside--;
      done++;
    }));
    assert.equal(done, 6);
    assert.deepEqual(names(folder), []);
  }));

Deno.test("lock: a wait ends at once when it is aborted", () =>
  withFolder(async (folder) => {
    await using _lock = await lockFolder(folder);
    const stop = new AbortController();
    const waiting = lockFolder(folder, {
      signal: stop.signal,
      waiting: () => stop.abort(new Error("enough")),
    });
    await assert.rejects(waiting, /enough/);
  }));

Deno.test("lock: a folder that is not there or cannot be written is told in words", () =>
  withFolder(async (folder) => {
    await assert.rejects(lockFolder(join(folder, "none")), /none: no such file or folder; check the path$/);
    await Deno.writeTextFile(join(folder, "file"), "");
    await assert.rejects(lockPlace(join(folder, "file", "x")), /file\/x: cannot write: Not a directory/);
  }));

/** File systems on which the system's locks do not tell everything. */
const PACE = { beat: 10, silence: 400, settle: 50 };
const UNSHARED: Partial<LockSystem> = { carries: () => false, pace: PACE };
const WITHOUT: Partial<LockSystem> = {
  ...UNSHARED,
  take: () => {
    throw new Error("No locks available (os error 37)");
  },
};
const on = (system: Partial<LockSystem>, host: string): Partial<LockSystem> => ({
  ...system,
  owner: () => ({ ...ownerHere(), host }),
});

Deno.test("lock: without locks of the system, an owner that shows signs of life is respected", () =>
  withFolder(async (folder) => {
    const lock = await lockFolder(folder, { system: on(WITHOUT, "a") });
    await assert.rejects(lockFolder(folder, { system: on(WITHOUT, "b") }), /is in use by process \d+ on a /);
    await sleep(PACE.silence + 50);
    await assert.rejects(lockFolder(folder, { system: on(WITHOUT, "b") }), /is in use by process \d+ on a /);
    await lock.release();
    await (await lockFolder(folder, { system: on(WITHOUT, "b") })).release();
    assert.deepEqual(names(folder), []);
  }));

Deno.test("lock: without them, of two that come at once one has the place", () =>
  withFolder(async (folder) => {
    const both = await Promise.allSettled(
      ["a", "b"].map((host) => lockFolder(folder, { system: on(WITHOUT, host) })),
    );
    assert.deepEqual(both.map(({ status }) => status).sort(), ["fulfilled", "rejected"]);
    for (const one of both) if (one.status === "fulfilled") await one.value.release();
  }));

Deno.test("lock: without them, who finds the file half written looks again", () =>
  withFolder(async (folder) => {
    const path = join(folder, ".lock"), { settle } = PACE;
    const mine = startBeating(path, { ...ownerHere(), host: "a" }, PACE);
    await Deno.writeTextFile(path, "{");
    setTimeout(
      () => Deno.writeTextFileSync(path, JSON.stringify({ ...ownerHere(), host: "b" })),
      1.5 * settle,
    );
    assert.equal(await mine, null);
  }));

Deno.test("lock: an owner on another host is dead when it gives no sign; a file that is old needs no wait", () =>
  withFolder(async (folder) => {
    for (const system of [UNSHARED, WITHOUT]) {
      const lines: string[] = [], options: LockOptions = { system, progress: (line) => lines.push(line) };
      const from = performance.now();
      await leave(folder, "another-host");
      await (await lockFolder(folder, options)).release();
      assert.ok(performance.now() - from >= PACE.silence - 20);
      assert.match(
        lines.join("\n"),
        /^.* was left by process 4711 on another-host .* waiting up to 1 s for a sign that it still runs$/,
      );
      await leave(folder, "another-host");
      const old = new Date(Date.now() - 60_000);
      await Deno.utime(join(folder, ".lock"), old, old);
      await (await lockFolder(folder, options)).release();
      assert.equal(lines.length, 1);
    }
    // On this host the system's lock is enough, where it has one.
    await leave(folder, Deno.hostname());
    await (await lockFolder(folder, { system: UNSHARED, progress: (line) => assert.fail(line) })).release();
    assert.deepEqual(names(folder), []);
  }));
