/**
 * The golden values on engine xla, through XLA's CPU plugin; the same code runs on other plugins. Compiling is nearly all
 * of the work, so it is done quickly here; parity_xla_optimised_test.ts has the golden file that is compiled as for users.
 */
import { openXlaEngine } from "../../src/engine/xla_engine.ts";
import { PLUGIN, QUICK } from "../engine/xla/plugin.ts";
import { OPTIMISED, testParity } from "./parity.ts";

testParity(await openXlaEngine({ plugin: PLUGIN, flags: QUICK }), (name) => name !== OPTIMISED);
