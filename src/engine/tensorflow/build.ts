import { childEnvironment } from "../../files/child.ts";
import { join } from "node:path";
import type { InstallOptions } from "../install/install.ts";
import { InstallError } from "../install/install.ts";
import { BINDING } from "./packages.ts";
import { bindingSources, TFJS_NODE } from "./node.ts";

/** The name that every system gives to its C++ compiler, be it GCC or Clang. */
const COMPILER = "c++";

/**
 * Makes sure that there is a C++ compiler.
 *
 * @throws {InstallError} When there is none, or it may not be run.
 */
export async function needCompiler(): Promise<void> {
  try {
    const how = { stdout: "null", stderr: "null", ...childEnvironment() } as const;
    const command = new Deno.Command(COMPILER, { args: ["--version"], ...how });
    if ((await command.output()).success) return;
  } catch (error) {
    if (error instanceof Deno.errors.NotCapable) {
      throw new InstallError(
        `The C++ compiler, which builds TensorFlow.js's binding, may not be run: --allow-run=${COMPILER}.`,
      );
    }
  }
  throw new InstallError(
    `There is no C++ compiler (${COMPILER}: g++ or clang++), which builds TensorFlow.js's binding to TensorFlow. ` +
      "Install one, such as Debian's package g++, or take another engine.",
  );
}

/**
 * Builds TensorFlow.js's binding from the npm package's sources against the TensorFlow that lies in a folder.
 *
 * @param folder Holds `tensorflow/` with the libraries and headers; the binding goes beside it.
 * @returns The files that were made, by their paths in the folder.
 * @throws {InstallError} When the compiler refuses; the message holds its first errors.
 */
async function buildBinding(folder: string): Promise<string[]> {
  const { sources, headers } = await bindingSources(), tensorflow = join(folder, "tensorflow");
  const { success, stderr } = await new Deno.Command(COMPILER, {
    args: [
      ...["-std=c++17", "-O2", "-fPIC", "-shared", "-fvisibility=hidden", "-DNAPI_VERSION=8"],
      ...[headers, join(sources, ".."), join(tensorflow, "include")].flatMap((path) => ["-isystem", path]),
      ...["tfjs_backend.cc", "tfjs_binding.cc"].map((name) => join(sources, name)),
      ...[`-L${tensorflow}`, "-l:libtensorflow_cc.so.2", "-l:libtensorflow_framework.so.2"],
      ...["-Wl,-rpath,$ORIGIN/tensorflow", "-o", join(folder, BINDING)],
    ],
    ...childEnvironment({ LC_ALL: "C" }), // Its errors are told by their English names.
    stdout: "null",
    stderr: "piped",
  }).output();
  if (success) return [BINDING];
  const errors = new TextDecoder().decode(stderr).split("\n").filter((line) => /error|undefined/i.test(line));
  throw new InstallError(
    `${COMPILER} could not build TensorFlow.js's binding: ${
      errors.slice(0, 3).join(" / ") || "no message"
    }. ` +
      "A compiler of C++17 is needed; or take another engine.",
  );
}

/** How the binding is made part of an installation of TensorFlow. */
export const BUILD: NonNullable<InstallOptions["build"]> = {
  version: `tfjs-node ${TFJS_NODE}`,
  make: buildBinding,
};
