/** Products that stay in float32 on every engine. */
export { matMulFloat32 } from "./xla/float32.ts";
