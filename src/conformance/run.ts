/** Runs TensorFlow.js's own op tests on a registered backend, under jasmine. */
import jasmineRequire from "npm:jasmine-core@3.99.1";
import { bundleTests, FILE_HOOK } from "./bundle.ts";

/** What became of one test. */
export interface Outcome {
  /** Test file, such as `image/transform_test.js`. */
  file: string;
  /** Its description, without the backend's name. */
  name: string;
  passed: boolean;
  /** Why it failed. */
  message: string;
  seconds: number;
}

/** How a test is named in the list of those known to fail. */
export function keyOf({ file, name }: { file: string; name: string }): string {
  return `${file}: ${name}`;
}

/** True for about one name in `share`, always the same ones. */
export function sampled(name: string, share: number): boolean {
  let hash = 2166136261;
  for (let i = 0; i < name.length; i++) hash = Math.imul(hash ^ name.charCodeAt(i), 16777619) >>> 0;
  return hash % share === 0;
}

interface Spec {
  getFullName(): string;
}

/** The few parts of jasmine 3 that are used here. */
interface JasmineEnv {
  configure(options: { random: boolean; specFilter: (spec: Spec) => boolean }): void;
  addReporter(reporter: {
    specStarted(): void;
    specDone(
      result: { fullName: string; status: string; failedExpectations: { message: string }[] },
    ): void;
  }): void;
  execute(): Promise<unknown>;
}
interface Jasmine {
  getEnv(): JasmineEnv;
  DEFAULT_TIMEOUT_INTERVAL: number;
}

/** Loads the bundle; each top-level group is noted with the file it came from. */
async function load(code: string, backend: string): Promise<Map<string, string>> {
  const scope = globalThis as unknown as Record<string, unknown>;
  const fileOf = new Map<string, string>();
  let loading = "", depth = 0;
  const describe = scope.describe as (name: string, body: () => void) => unknown;
  scope.describe = (name: string, body: () => void) => {
    if (depth === 0) fileOf.set(name, loading);
    depth++;
    try {
      return describe(name, body);
    } finally {
      depth--;
    }
  };
  scope[FILE_HOOK] = Object.assign((file: string) => loading = file, {
    environments: [{ name: backend, backendName: backend, isDataSync: true, flags: {} }],
  });
  const stackLimit = Error.stackTraceLimit;
  const url = URL.createObjectURL(new Blob([code], { type: "text/javascript" }));
  try {
    await import(url);
  } finally {
    URL.revokeObjectURL(url);
    Error.stackTraceLimit = stackLimit;
  }
  return fileOf;
}

/**
 * Runs the tests. One run a process: jasmine and the tests keep their state in globals.
 *
 * @param backend the backend's name in TensorFlow.js; it is disposed and made anew before each group of tests, so its
 * factory must give a working one every time
 * @param options which files to run, which tests of them, and who is told of each outcome
 */
export async function runConformance(backend: string, options: {
  files?: (file: string) => boolean;
  tests?: (file: string, name: string) => boolean;
  told?: (outcome: Outcome) => void;
} = {}): Promise<Outcome[]> {
  const { code } = await bundleTests(options.files);
  const jasmine = (jasmineRequire as unknown as { boot(required: unknown): Jasmine }).boot(jasmineRequire);
  jasmine.DEFAULT_TIMEOUT_INTERVAL = 60_000;
  const fileOf = await load(code, backend);
  // The longest group that a test's full name begins with is the file's.
  const groups = [...fileOf.keys()].sort((a, b) => b.length - a.length);
  const identify = (fullName: string) => ({
    file: fileOf.get(groups.find((group) => fullName.startsWith(group)) ?? "") ?? "",
    name: fullName.replace(` ${backend} {}`, ""),
  });
  const outcomes: Outcome[] = [];
  let start = 0;
  const env = jasmine.getEnv();
  env.configure({
    random: false,
    specFilter: (spec) => {
      const { file, name } = identify(spec.getFullName());
      return options.tests?.(file, name) ?? true;
    },
  });
  env.addReporter({
    specStarted: () => start = performance.now(),
    specDone: ({ fullName, status, failedExpectations }) => {
      if (status === "excluded") return;
      const outcome = {
        ...identify(fullName),
        passed: status === "passed" || status === "pending",
        message: failedExpectations.map(({ message }) => message).join("\n"),
        seconds: (performance.now() - start) / 1000,
      };
      outcomes.push(outcome);
      options.told?.(outcome);
    },
  });
  await env.execute();
  return outcomes;
}
