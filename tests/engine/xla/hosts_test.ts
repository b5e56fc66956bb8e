import assert from "node:assert/strict";
import { joinHosts } from "../../../src/engine/xla/hosts/join.ts";
import { openPace } from "../../../src/engine/xla/hosts/pace.ts";
import { getFile, HostsError } from "../../../src/engine/xla/hosts/request.ts";
import { LARGEST_VALUE, openService } from "../../../src/engine/xla/hosts/service.ts";
import { openXla } from "../../../src/engine/xla/open.ts";
import { freePort } from "../../free_port.ts";
import { PLUGIN } from "./plugin.ts";

const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

/** Joins all nodes of a run in this process. */
async function joinAll(nodes: number, silence = 20, patience = 20) {
  const coordinator = `127.0.0.1:${freePort()}`;
  const ids = Array.from({ length: nodes }, (_, i) => i).reverse();
  const all = await Promise.all(
    ids.map((nodeId) => joinHosts({ nodes, nodeId, coordinator, patience, silence })),
  );
  return all.reverse();
}

// Deno checks the types of a thread's module when it starts, each time until it has done so once. That takes as long as it
// takes: the machine may be busy.
await joinAll(1, 600, 600).then(([host]) => host.close());

Deno.test("nodes share values, files and barriers, and agree where to stop", async () => {
  const hosts = await joinAll(3), [first, second, third] = hosts;
  const file = await Deno.makeTempFile();
  try {
    const waiting = third.get("key of/all & sundry");
    await second.put("key of/all & sundry", "value");
    assert.equal(text(await waiting), "value");
    await second.put("bytes", Uint8Array.of(0, 255, 7));
    assert.deepEqual(await first.get("bytes"), Uint8Array.of(0, 255, 7));
    await assert.rejects(
      first.get("missing", 20),
      (e) => e instanceof HostsError && /no node has set missing/.test(e.message),
    );
    await assert.rejects(first.put("large", new Uint8Array(LARGEST_VALUE + 1)), /large has 4194305 bytes/);

    let passed = 0;
    const barriers = [second, third].map((host) => host.barrier("here").then(() => passed++));
    await new Promise((resolve) => setTimeout(resolve, 30));
    assert.equal(passed, 0);
    await Promise.all([first.barrier("here"), ...barriers]);
    assert.equal(passed, 2);

    await Deno.writeTextFile(file, "contents");
    const read = [second.file("run"), third.file("nothing")];
    first.offer("run", file);
    first.offer("nothing", null);
    const [contents, nothing] = await Promise.all(read);
    assert.equal(text(contents!), "contents");
    assert.equal(nothing, null);

    hosts.forEach((host, i) => host.note(7, [i, 2 ** 40, 0.5]));
    const gathered = first.gather(7), later = first.gather(8);
    assert.deepEqual((await gathered).map(([a, b, c]) => [a, b, c]), [0, 1, 2].map((i) => [i, 2 ** 40, 0.5]));
    // A question that comes before its answer waits for it.
    hosts.forEach((host, i) => host.note(8, [10 * i]));
    assert.deepEqual((await later).map(([a]) => a), [0, 10, 20]);

    assert.deepEqual(hosts.map((host) => host.stopAfter()), [Infinity, Infinity, Infinity]);
    await Promise.all([second.askStop(10), third.askStop(11)]);
    const [stop, ...others] = hosts.map((host) => host.stopAfter());
    assert.ok(stop >= 12 && stop < 20, `${stop}`);
    assert.deepEqual(others, [stop, stop]);
  } finally {
    await Promise.all(hosts.map((host) => host.close()));
    await Deno.remove(file);
  }
});

Deno.test("a node that fails ends the run of all with its message", async () => {
  const hosts = await joinAll(2), [first, second] = hosts;
  const waiting = first.get("never").then(() => undefined, (e) => e);
  await second.fail("its disk is full");
  const error = await waiting;
  assert.ok(error instanceof HostsError);
  assert.equal(error.message, "node 1: its disk is full");
  for (const { failed } of hosts) await assert.rejects(failed, /node 1: its disk is full/);
  await assert.rejects(first.put("more", ""), /its disk is full/);
  await Promise.all(hosts.map((host) => host.close()));
});

Deno.test("who does not come, comes twice or counts otherwise is named", async () => {
  const alone = { nodes: 2, nodeId: 0, coordinator: "127.0.0.1:0", patience: 0.3 };
  await assert.rejects(
    joinHosts(alone),
    (e) => e instanceof HostsError && /node 1 has not come to 127\.0\.0\.1:\d+ within 0\.3 s/.test(e.message),
  );
  const port = freePort(), coordinator = `127.0.0.1:${port}`;
  await assert.rejects(
    joinHosts({ nodes: 2, nodeId: 1, coordinator, patience: 0.3 }),
    /coordinator \(node 0\) at 127\.0\.0\.1:\d+ cannot be reached/,
  );
  using taken = Deno.listen({ hostname: "127.0.0.1", port });
  assert.equal(taken.addr.port, port);
  await assert.rejects(joinHosts({ ...alone, coordinator }), /node 0 cannot listen at 127\.0\.0\.1/);
  await assert.rejects(joinHosts({ ...alone, coordinator: "nowhere" }), /host:port.*"nowhere"/);
  await assert.rejects(joinHosts({ ...alone, nodeId: 2 }), /node 2 of 2 does not exist/);

  const service = openService({ nodes: 2, silence: 1000 });
  const join = async (node: number, token: string, nodes = 2) => {
    const url = `http://service/join?node=${node}&nodes=${nodes}`;
    const answer = await service.handle(new Request(url, { method: "POST", body: token }));
    return `${answer.status} ${await answer.text()}`;
  };
  assert.equal(await join(1, "a"), "200 ");
  assert.equal(await join(1, "a"), "200 "); // The answer was lost, so it is asked again.
  assert.match(await join(1, "b"), /409 there is already a node 1/);
  assert.match(await join(0, "c", 3), /409 node 0 was started for 3 nodes, node 0 for 2/);
  assert.match(await join(2, "c"), /409 node 2 does not exist/);
});

Deno.test("a node that is silent counts as gone, one that has left does not", async () => {
  let now = 0;
  const service = openService({ nodes: 3, silence: 1000, now: () => now });
  const ask = async (path: string, node: number, method = "POST") => {
    const answer = await service.handle(
      new Request(`http://service/${path}?node=${node}&nodes=3`, { method }),
    );
    return `${answer.status} ${await answer.text()}`;
  };
  assert.match(await ask("values/x", 0, "GET"), /409 node 0 has not joined/);
  for (const node of [0, 1, 2]) await ask("join", node);
  await ask("leave", 2);
  now = 900;
  await ask("values/x", 0, "GET");
  service.check();
  assert.equal(await ask("values/x", 0, "GET"), "404 there is no x");
  now = 1100;
  service.check();
  assert.equal(await ask("values/x", 0, "GET"), "410 node 1 has not been heard of for 1 s");
  assert.match(await ask("values/x", 2, "PUT"), /410/);
  await service.over();
});

Deno.test("a clock that is set counts for nobody's silence", async () => {
  const service = openService({ nodes: 2, silence: 60_000 }), { now } = Date;
  const ask = async (path: string, node: number, method = "POST") =>
    (await service.handle(new Request(`http://service/${path}?node=${node}&nodes=2`, { method }))).status;
  for (const node of [0, 1]) assert.equal(await ask("join", node), 200);
  try {
    Date.now = () => now() + 3_600_000;
    service.check();
    assert.equal(await ask("values/x", 0, "GET"), 404);
  } finally {
    Date.now = now;
  }
  for (const node of [0, 1]) await ask("leave", node);
  await service.over();
});

Deno.test("a file may come slowly, and is asked for again when it breaks off", async () => {
  let asked = 0;
  await using server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, () => {
    const whole = ++asked > 1;
    return new Response(
      new ReadableStream({
        start: async (controller) => {
          // Longer in all than may pass without a byte.
          for (let i = 0; i < (whole ? 7 : 1); i++) {
            controller.enqueue(Uint8Array.of(i));
            await new Promise((resolve) => setTimeout(resolve, 500));
          }
          whole ? controller.close() : controller.error(new Error("broken off"));
        },
      }),
    );
  });
  const coordinator = `127.0.0.1:${server.addr.port}`;
  const file = await getFile({ coordinator, nodeId: 1, silence: 3000 }, "run", 10_000);
  assert.deepEqual(file, Uint8Array.of(0, 1, 2, 3, 4, 5, 6));
  assert.equal(asked, 2);
});

Deno.test("a pace forgets old steps and is seen by others", () => {
  const pace = openPace(), seen = openPace(pace.memory);
  for (let step = 0; step < 100; step++) pace.note(step, [step, -step]);
  assert.deepEqual(seen.noted(99), [99, -99, 0, 0]);
  assert.deepEqual([seen.noted(10), seen.noted(100)], [undefined, undefined]);
  assert.equal(seen.stop(), Infinity);
  pace.setStop(5);
  assert.equal(seen.stop(), 5);
});

Deno.test("XLA's CPU plugin, which knows no other hosts, is refused", async () => {
  const hosts = await joinAll(1);
  await assert.rejects(
    openXla(PLUGIN, { hosts: hosts[0] }),
    /cannot compute with other hosts.*num_nodes.*CPU plugin does not/,
  );
  await hosts[0].close();
});

Deno.test("the end of node 0's process ends the run of the others", async () => {
  const options = { nodes: 2, coordinator: `127.0.0.1:${freePort()}`, patience: 60, silence: 2 };
  const module = new URL("../../../src/engine/xla/hosts/join.ts", import.meta.url);
  const program = `import { joinHosts } from "${module}";
    await joinHosts(${JSON.stringify({ ...options, nodeId: 0 })});
    setInterval(() => {}, 1000);`;
  const args = ["run", "-A", "--no-check", "--quiet", "--ext=ts", "-"];
  const child = new Deno.Command(Deno.execPath(), { args, stdin: "piped" }).spawn();
  const input = child.stdin.getWriter();
  await input.write(new TextEncoder().encode(program));
  await input.close();
  const second = await joinHosts({ ...options, nodeId: 1 });
  child.kill("SIGKILL");
  await child.status;
  await assert.rejects(
    second.failed,
    (e) => e instanceof HostsError && /coordinator \(node 0\) .* cannot be reached/.test(e.message),
  );
  await second.close();
});
