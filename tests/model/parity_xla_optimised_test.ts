/** The golden values of the whole model on engine xla, compiled with all optimisations, as what users run is. */
import { openXlaEngine } from "../../src/engine/xla_engine.ts";
import { PLUGIN } from "../engine/xla/plugin.ts";
import { OPTIMISED, testParity } from "./parity.ts";

testParity(await openXlaEngine({ plugin: PLUGIN }), (name) => name === OPTIMISED);
