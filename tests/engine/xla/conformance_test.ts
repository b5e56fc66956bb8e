/** One op test in eight; among the slow checks is one in two. */
import { testConformance } from "./conformance.ts";

testConformance(8, 350);
