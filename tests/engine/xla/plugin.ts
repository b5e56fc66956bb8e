/** The PJRT plugin that the tests run on: PJRT_PLUGIN, or XLA's CPU plugin, fetched on a fresh machine. */
import { providePlugin } from "../../../src/engine/install/plugin.ts";

// The tests provoke errors; without this XLA prints each of them too.
if (Deno.env.get("TF_CPP_MIN_LOG_LEVEL") === undefined) Deno.env.set("TF_CPP_MIN_LOG_LEVEL", "3");

export const PLUGIN: string = (await providePlugin()).path;

/**
 * Options (`flags` of `openXlaEngine` and `openXla`) with which XLA's CPU compiler takes a third of the time, for tests
 * that do not depend on how fast the program is.
 */
export const QUICK = { xla_backend_optimization_level: 0 } as const;
