/** No plugin could be had; the message says why and what to do. Callers may fall back to another engine. */
export class PluginUnavailableError extends Error {
  override name = "PluginUnavailableError";
}

/** A plugin that a Python package carries. */
export interface PluginPackage {
  /** Our name for it, also the folder's. */
  name: string;
  /** The package's name and version in Python's package index. */
  package: string;
  version: string;
  /** SHA-256 of the wheel. */
  sha256: string;
  /** The shared library inside the wheel. */
  member: string;
  /** Bytes of the wheel, about. */
  bytes: number;
  os: typeof Deno.build.os;
  arch: typeof Deno.build.arch;
}

/** How far an installation is. */
export interface InstallProgress {
  phase: "waiting" | "downloading" | "checking" | "unpacking";
  /** One line for people. */
  message: string;
  /** Bytes so far and in all, while downloading. */
  bytes?: number;
  total?: number;
}

/** Fetches the wheel by pip into the folder. Returns its path. */
export async function download(
  plugin: PluginPackage,
  stage: string,
  progress: (progress: InstallProgress) => void,
): Promise<string> {
  const message = `Downloading ${plugin.package} ${plugin.version} by pip (${
    Math.round(plugin.bytes / 1e6)
  } MB).`;
  const say = async () =>
    progress({
      phase: "downloading",
      message,
      bytes: Math.min(await filesSize(stage), plugin.bytes),
      total: plugin.bytes,
    });
  await say();
  const timer = setInterval(() => say().catch(() => {}), 500);
  const target = `${stage}/wheel`;
  let result: Deno.CommandOutput;
  try {
    result = await new Deno.Command("python3", {
      args: ["-m", "pip", "download", "--no-deps", "--only-binary=:all:", "--disable-pip-version-check"]
        .concat(["--no-input", "--progress-bar=off", "--dest", target])
        .concat([`${plugin.package}==${plugin.version}`]),
      env: { TMPDIR: stage },
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).output();
  } catch (cause) {
    const denied = cause instanceof Deno.errors.NotCapable;
    throw new PluginUnavailableError(
      `Cannot run python3, which fetches the XLA plugin: ${reason(cause)} ` +
        (denied ? "Allow it (--allow-run=python3)" : "Install Python 3 with pip") +
        ", or set PJRT_PLUGIN to the path of a PJRT plugin.",
      { cause },
    );
  } finally {
    clearInterval(timer);
  }
  if (!result.success) {
    const lines = new TextDecoder().decode(result.stderr).split("\n").filter((line) => line.trim() !== "");
    const errors = lines.filter((line) => /error/i.test(line));
    throw new PluginUnavailableError(
      `pip could not fetch ${plugin.package}==${plugin.version} (exit code ${result.code}): ` +
        `${
          (errors.length ? errors : lines).slice(-3).join(" / ") || "no message"
        }. Is pip installed and the package ` +
        `index in reach? Try again with a network, or set PJRT_PLUGIN to the path of a PJRT plugin.`,
    );
  }
  for await (const entry of Deno.readDir(target)) {
    if (entry.name.endsWith(".whl")) return `${target}/${entry.name}`;
  }
  throw new PluginUnavailableError(
    `pip said it fetched ${plugin.package}==${plugin.version}, but left no wheel.`,
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

/** An error's message as a sentence. */
export function reason(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  return /[.!?]$/.test(message) ? message : `${message}.`;
}
