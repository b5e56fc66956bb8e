import assert from "node:assert/strict";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { outlivesTerminal } from "../../src/cli/hangup.ts";
import { ROOT } from "../user.ts";
import { withFolder } from "../with_folder.ts";

/** Runs a program that listens and sends itself signals, each when the one before was heard: its exit code, and what it said. */
async function after(signals: readonly Deno.Signal[], hangups: boolean) {
  let result = { code: -1, out: "" };
  await withFolder(async (folder) => {
    const program = join(folder, "listens.ts");
    await Deno.writeTextFile(
      program,
      `import { listenForSignals } from "${pathToFileURL(join(ROOT, "src/cli/interrupt.ts")).href}";
       const { signal, code } = listenForSignals((text) => console.log(text), "ending", ${hangups});
       for (const name of ${JSON.stringify(signals)}) {
         // Heard behind the listener that is tested.
         const heard = new Promise((resolve) => Deno.addSignalListener(name, resolve));
         Deno.kill(Deno.pid, name);
         await heard;
       }
       console.log(String(signal.reason));
       Deno.exit(code());`,
    );
    const args = ["run", "--quiet", "-A", "--no-check", program];
    const { code, stdout } = await new Deno.Command(Deno.execPath(), { args, stderr: "null" }).output();
    result = { code, out: new TextDecoder().decode(stdout) };
  });
  return result;
}

Deno.test({
  name: "a terminal that is closed stops a command as other signals do, however often it says so",
  ignore: Deno.build.os === "windows",
  fn: async () => {
    const [closed, killed, impatient, unheard] = await Promise.all([
      after(["SIGHUP", "SIGHUP"], true),
      after(["SIGTERM", "SIGHUP"], true),
      after(["SIGHUP", "SIGINT"], true),
      after(["SIGHUP"], false),
    ]);
    const notice = (name: string) => `${name}: ending (once more: stop at once)\n`;
    const stopped = (name: string) => `${notice(name)}InterruptedError: stopped by ${name}\n`;
    assert.deepEqual(closed, { code: 129, out: stopped("SIGHUP") });
    assert.deepEqual(killed, { code: 143, out: stopped("SIGTERM") });
    assert.deepEqual(impatient, { code: 130, out: notice("SIGHUP") });
    assert.deepEqual(unheard, { code: 0, out: "undefined\n" });
  },
});

Deno.test("a process is to outlive its terminal where none of its streams is one, as after nohup", () => {
  const [file, terminal] = [false, true].map((is) => ({ isTerminal: () => is }));
  assert.equal(outlivesTerminal([file, file, file]), true);
  for (const streams of [[terminal, file, file], [file, terminal, file], [file, file, terminal]]) {
    assert.equal(outlivesTerminal(streams), false);
  }
});

Deno.test({
  name: "a command that was started by nohup goes on when its terminal is closed",
  ignore: Deno.build.os === "windows",
  fn: () =>
    withFolder(async (folder) => {
      const program = join(folder, "goes_on.ts");
      await Deno.writeTextFile(
        program,
        `import { systemShell } from "${pathToFileURL(join(ROOT, "src/cli/shell.ts")).href}";
         const { print, interruptible } = systemShell(), { signal } = interruptible("ending");
         await new Promise((resolve) => setTimeout(resolve));
         Deno.kill(Deno.pid, "SIGHUP");
         await new Promise((resolve) => setTimeout(resolve, 200));
         print(signal.aborted ? "stopped" : "went on");`,
      );
      const args = [Deno.execPath(), "run", "-A", "--quiet", "--no-check", program];
      const options = { args, stdin: "null", stderr: "null" } as const;
      const { code, stdout } = await new Deno.Command("nohup", options).output();
      assert.deepEqual([code, new TextDecoder().decode(stdout)], [0, "went on\n"]);
    }),
});
