/** Tells who would own a lock that is taken in a worker. */
import { ownerHere } from "../../src/files/lock_owner.ts";

postMessage(ownerHere());
