import assert from "node:assert/strict";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
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

Deno.test({
  name:
    "a command that was started by nohup goes on when its terminal is closed, also where it may not ask the system",
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
         const pause = () => new Promise((resolve) => setTimeout(resolve, 50));
         for (let left = Number(Deno.args[0]); left > 0 && !signal.aborted; left--) await pause();
         print(signal.aborted ? "stopped" : "went on");`,
      );
      const run = async (pauses: number, ...words: string[]) => {
        const [command, ...args] = [...words, "--quiet", "--no-prompt", "--no-check", program, `${pauses}`];
        const options = { args, stdin: "null", stderr: "null" } as const;
        const { code, stdout } = await new Deno.Command(command, options).output();
        return [code, new TextDecoder().decode(stdout)];
      };
      const deno = Deno.execPath(), few = ["--allow-run", "--allow-env", "--allow-read"];
      assert.deepEqual(
        await Promise.all([
          run(4, "nohup", deno, "run", "-A"),
          run(4, "nohup", deno, "run", ...few),
          run(600, deno, "run", "-A"),
        ]),
        [[0, "went on\n"], [0, "went on\n"], [0, "stopped\n"]],
      );
    }),
});
