import { childEnvironment } from "../../files/child.ts";
import { InstallError, reason } from "./error.ts";
import type { NativePackage, Wheel } from "./packages.ts";

/** How far an installation is. */
export interface InstallProgress {
  phase: "waiting" | "downloading" | "checking" | "unpacking" | "building";
  /** One line for people. */
  message: string;
  /** Bytes so far and in all of the package's wheels, while downloading. */
  bytes?: number;
  total?: number;
}

/**
 * Fetches a wheel by pip.
 *
 * @param owner The package that it is for.
 * @param wheel Which one.
 * @param stage A folder for what is under way.
 * @param progress Told now and then how many bytes of the wheel are there.
 * @param signal Ends it.
 * @param once Pip asks once only: whoever has little patience has a way to go on without.
 * @returns The path of the wheel in the stage.
 * @throws {InstallError} When python3, pip or the network are missing.
 */
export async function download(
  owner: NativePackage,
  wheel: Wheel,
  stage: string,
  progress: (bytes: number) => void,
  signal?: AbortSignal,
  once = false,
): Promise<string> {
  const target = `${stage}/wheel`;
  progress(0);
  const timer = setInterval(() => {
    filesSize(stage).then((bytes) => progress(Math.min(bytes, wheel.bytes)), () => {});
  }, 500);
  let result: Deno.CommandOutput;
  try {
    result = await new Deno.Command("python3", {
      args: ["-m", "pip", "download", "--no-deps", "--only-binary=:all:", "--disable-pip-version-check"]
        .concat(["--no-input", "--progress-bar=off", "--no-cache-dir", ...wheel.select ?? []])
        .concat(once ? ["--retries=0", "--timeout=5"] : [])
        .concat(["--dest", target, `${wheel.package}==${wheel.version}`]),
      ...childEnvironment({ TMPDIR: stage, LC_ALL: "C.UTF-8" }),
      signal,
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).output();
  } catch (cause) {
    const denied = cause instanceof Deno.errors.NotCapable;
    throw new InstallError(
      `Cannot run python3, which fetches ${owner.what}: ${reason(cause)} ` +
        `${denied ? "Allow it (--allow-run=python3)" : "Install Python 3 with pip"}, or ${owner.instead}.`,
      { cause },
    );
  } finally {
    clearInterval(timer);
  }
  if (!result.success) {
    const lines = new TextDecoder().decode(result.stderr).split("\n").filter((line) => line.trim() !== "");
    const errors = lines.filter((line) => /error/i.test(line));
    throw new InstallError(
      `pip could not fetch ${wheel.package}==${wheel.version} (exit code ${result.code}): ` +
        `${(errors.length ? errors : lines).slice(-3).join(" / ") || "no message"}. ` +
        `Is pip installed and the package index in reach? Try again with a network, or ${owner.instead}.`,
    );
  }
  for await (const entry of Deno.readDir(target)) {
    if (entry.name.endsWith(".whl")) return `${target}/${entry.name}`;
  }
  throw new InstallError(
    `pip said it fetched ${wheel.package}==${wheel.version}, but left no wheel.`,
  );
}

async function filesSize(folder: string): Promise<number> {
  let size = 0;
  for await (const entry of Deno.readDir(folder)) {
    const path = `${folder}/${entry.name}`;
    if (entry.isDirectory) size += await filesSize(path);
    else if (entry.isFile) size += (await Deno.stat(path)).size;
  }
  return size;
}
