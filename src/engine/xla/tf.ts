/** The one place that names the TensorFlow.js package and its version. */
export * from "npm:@tensorflow/tfjs@4.22.0";
