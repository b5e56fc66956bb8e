import assert from "node:assert/strict";
import { join } from "node:path";
import { untilTouched } from "../../src/soak/moments.ts";
import {
  type Command,
  openNursery,
  smallDisksWork,
  taskCommand,
  withLargestFile,
  withSmallDisk,
} from "../../src/soak/process.ts";
import { serveFolder } from "../../src/soak/server.ts";
import { withFolder } from "../with_folder.ts";

const shell = (script: string): Command => ({ path: "sh", args: ["-c", script], env: {} });

Deno.test("tasks are started as deno.json says, without the runner of tasks", async () => {
  for (const name of ["train", "pack"]) {
    const { path, args } = await taskCommand(name, ["--help"]);
    assert.equal(path, Deno.execPath());
    assert.equal(args[0], "run");
    assert.ok(args.some((arg) => arg.endsWith(`/tasks/${name}.ts`)) && args.at(-1) === "--help");
  }
  assert.match((await taskCommand("train", [])).env.GLIBC_TUNABLES, /hugetlb/);
  await assert.rejects(taskCommand("nothing", []), /task nothing/);
});

Deno.test({
  name: "processes are heard, killed and never waited for because of a grandchild",
  ignore: Deno.build.os === "windows",
  fn: () =>
    withFolder(async (folder) => {
      const nursery = openNursery(folder, { GREETING: "hello" });
      const quick = nursery.start(shell('echo "$GREETING"; echo there >&2; exit 3'));
      const { code, signal, text } = await quick.ended;
      assert.deepEqual([code, signal, text.split("\n").sort()], [3, null, ["", "hello", "there"]]);
      quick.kill("SIGKILL");
      const watched = join(folder, "watched");
      await Deno.mkdir(watched);
      const slow = nursery.start(shell("sleep 0.1; touch watched/begun; sleep 5 & wait"));
      assert.ok(await untilTouched(watched, (name) => name === "begun", slow, 20_000));
      slow.kill("SIGKILL");
      assert.equal((await slow.ended).signal, "SIGKILL");
      const living = nursery.start(shell("exec sleep 60"));
      await nursery.killAll();
      assert.ok(living.over);
    }),
});

Deno.test({
  name: "once its signal is given, a nursery's processes end and no other is started",
  ignore: Deno.build.os === "windows",
  fn: () =>
    withFolder(async (folder) => {
      const ending = new AbortController(), nursery = openNursery(folder, {}, ending.signal);
      const living = nursery.start(shell("exec sleep 60"));
      ending.abort();
      assert.equal((await living.ended).signal, "SIGKILL");
      assert.throws(() => nursery.start(shell("touch begun")), { name: "AbortError" });
      assert.deepEqual([...Deno.readDirSync(folder)], []);
    }),
});

Deno.test({
  name:
    "a command on a full disk sees the error in the middle of a write, and what it left is there afterwards",
  ignore: Deno.build.os === "windows",
  fn: () =>
    withFolder(async (folder) => {
      const nursery = openNursery(folder, {}), disk = join(folder, "disk");
      const write = shell('head -c 100000 /dev/zero > disk/big || { echo full; exit 9; }; echo "not full"');
      await Deno.mkdir(disk);
      await Deno.writeTextFile(join(disk, "old"), "old");
      const limited = await nursery.start(withLargestFile(write, 50_000)).ended;
      assert.deepEqual([limited.code, Deno.statSync(join(disk, "big")).size], [9, 49_664]);
      if (!await smallDisksWork(disk)) return;
      const { code, text } = await nursery.start(withSmallDisk(write, disk, 60_000)).ended;
      assert.deepEqual([code, /full/.test(text)], [9, true]);
      const { size } = Deno.statSync(join(disk, "big"));
      assert.ok(size > 0 && size < 100_000, `${size}`);
      assert.equal(await Deno.readTextFile(join(disk, "old")), "old");
      assert.deepEqual([...Deno.readDirSync(folder)].map(({ name }) => name), ["disk"]);
    }),
});

Deno.test("the server gives files and ranges, tells when it is in the middle of one, and breaks some off", () =>
  withFolder(async (folder) => {
    const bytes = Uint8Array.from({ length: 30_000 }, (_, i) => i % 251);
    await Deno.writeFile(join(folder, "a.tar"), bytes);
    await using server = serveFolder(folder, 4);
    const sending = server.sending();
    const whole = await fetch(server.url("a.tar"));
    assert.deepEqual(new Uint8Array(await whole.arrayBuffer()), bytes);
    await sending;
    const part = await fetch(server.url("a.tar"), { headers: { range: "bytes=100-20099" } });
    assert.deepEqual([part.status, part.headers.get("content-range")], [206, "bytes 100-20099/30000"]);
    assert.deepEqual(new Uint8Array(await part.arrayBuffer()), bytes.subarray(100, 20_100));
    for (
      const [name, range, status] of [["b.tar", "", 404], ["..%2Fa.tar", "", 404], [
        "a.tar",
        "bytes=30000-",
        416,
      ]] as const
    ) {
      const answer = await fetch(server.url(name), { headers: range === "" ? {} : { range } });
      assert.equal(answer.status, status);
      await answer.body?.cancel();
    }
    let failed = 0;
    for (let i = 0; i < 120; i++) {
      const answer = await fetch(server.url("a.tar"));
      await answer.arrayBuffer().catch(() => failed++);
    }
    assert.ok(failed > 0 && failed < 30, `${failed}`);
    assert.equal(server.broken, failed);
  }));
