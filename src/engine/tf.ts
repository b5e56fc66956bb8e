/** TensorFlow.js, as the rest of the code sees it. */
export * from "./xla/tf.ts";
