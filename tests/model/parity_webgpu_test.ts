/** The golden values on engine webgpu, on whatever device WebGPU finds; a software device gives the same. */
import { openWebgpu } from "../../src/engine/webgpu.ts";
import { DEVICE, testOnDevice } from "../engine/webgpu_device.ts";
import { testParity } from "./parity.ts";

if (DEVICE) testParity(await openWebgpu());
else testOnDevice("parity on webgpu", () => {});
