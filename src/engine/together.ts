/** Tensors that count as known only together; engines that do not compile ignore it. */
export { together } from "./xla/together.ts";
