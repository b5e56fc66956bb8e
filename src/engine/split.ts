/** The hint that rows lie spread over an engine's devices; engines with one device ignore it. */
export { splitRows } from "./xla/split.ts";
