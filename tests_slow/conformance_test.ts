/** More of TensorFlow.js's op tests than the tests of every day run. */
import { testConformance } from "../tests/engine/xla/conformance.ts";

testConformance(2, 1400);
