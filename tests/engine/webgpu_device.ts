/** The device that the tests of engine webgpu run on; without one they are ignored and their names say why. */
import { findAdapter } from "../../src/engine/webgpu/adapter.ts";

export const DEVICE = await findAdapter();

const WHY =
  "ignored: no WebGPU device here but behind OpenGL, if any, where not-a-number is lost; Debian's " +
  "mesa-vulkan-drivers have a software one";

/** A test that needs a WebGPU device. */
export function testOnDevice(name: string, fn: () => void | Promise<void>): void {
  Deno.test({ name: DEVICE ? name : `${name} (${WHY})`, ignore: !DEVICE, fn });
}
