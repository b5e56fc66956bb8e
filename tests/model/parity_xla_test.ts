/** The golden values on engine xla, through XLA's CPU plugin; the same code runs on other plugins. */
import { openXlaEngine } from "../../src/engine/xla_engine.ts";
import { PLUGIN } from "../engine/xla/plugin.ts";
import { testParity } from "./parity.ts";

testParity(await openXlaEngine({ plugin: PLUGIN }));
