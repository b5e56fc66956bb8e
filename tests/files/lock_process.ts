/** A process that locks a folder, says so, and waits until it is killed. */
import { lockFolder } from "../../src/files/lock.ts";

await lockFolder(Deno.args[0]);
console.log("locked");
setInterval(() => {}, 1000);
