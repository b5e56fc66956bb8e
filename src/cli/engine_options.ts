/** Options of commands that run tensors. */
import type { EngineOptions } from "../engine/open.ts";
import { type EngineName, ENGINES } from "../engine/types.ts";
import type { Given, Options } from "./command.ts";
import { choice, share, text } from "./kinds.ts";
import type { Lines } from "./lines.ts";

/** The variable that names the engine where the command line does not. */
export const ENGINE_VARIABLE = "SEMANTIC_AE_ENGINE";

const engine = {
  kind: choice<EngineName | "auto">("auto", ...ENGINES),
  help: "what runs the tensors; auto: the best that works here",
  default: "auto",
  env: ENGINE_VARIABLE,
} as const;
const plugin = { kind: text, help: "a PJRT plugin for engine xla", value: "PATH" } as const;

/** The engine alone. */
export const ENGINE = { engine, plugin } as const satisfies Options;

/** The engine, and how much of a graphics card it takes. */
export const ENGINE_AND_MEMORY = {
  engine,
  plugin,
  memoryFraction: {
    kind: share,
    help: "largest share of a graphics card's memory that engine xla uses",
    value: "SHARE",
    usually: "0.75",
  },
  preallocate: {
    kind: choice("on", "off"),
    help: "take that share of the card's memory at once",
    value: "WHEN",
    usually: "on",
  },
} as const satisfies Options;

type Values =
  & Given<Record<never, never>, typeof ENGINE>
  & Partial<Given<Record<never, never>, typeof ENGINE_AND_MEMORY>>;

/** What {@linkcode openEngine} takes of such options. */
export function engineArguments(
  { engine, plugin, memoryFraction, preallocate }: Values,
  progress: Lines,
): [name: EngineName | "auto", options: EngineOptions] {
  return [engine, {
    plugin,
    memoryFraction,
    preallocate: preallocate === undefined ? undefined : preallocate === "on",
    progress: (line) => progress.line(line),
  }];
}

/** What {@linkcode openEngine} takes of a run's settings; what they lack, or leave open, is the engine's own choice. */
export function configuredEngine(
  config: {
    plugin: string;
    memoryFraction: number;
    devices?: number;
    preallocate?: "auto" | "on" | "off";
  },
): EngineOptions {
  const { devices, plugin, memoryFraction, preallocate = "auto" } = config;
  return {
    devices,
    plugin: plugin || undefined,
    memoryFraction: memoryFraction || undefined,
    preallocate: preallocate === "auto" ? undefined : preallocate === "on",
  };
}
