import { split, texts } from "../ir/build.ts";
import { TOGETHER } from "../together.ts";
import { listOf, type Lowering, type Lowerings } from "./types.ts";

const barrier: Lowering = ({ graph, inputs }) => {
  const values = listOf(inputs), types = values.map((_, i) => `%t${i}`).join(", ");
  return texts(
    graph,
    `stablehlo.optimization_barrier ${values.map((_, i) => `%${i}`).join(", ")} : ${types}`,
    values,
    values.map(({ type }) => type),
  );
};

/** Our own kernels beside TensorFlow.js's, see `splitRows` and `together`. */
export const SPLIT: Lowerings = {
  SplitRows: ({ inputs }) => split(inputs.x),
  DivideRows: ({ inputs }) => split(inputs.x, "share"),
  [TOGETHER]: barrier,
};
