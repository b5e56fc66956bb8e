import assert from "node:assert/strict";
import fc from "npm:fast-check@4.10.2";
import { ConfigError } from "../../../src/train/config/config.ts";
import { expandHosts } from "../../../src/train/launch/host_list.ts";
import { launchSettings, type NodeSettings } from "../../../src/train/launch/launch_settings.ts";
import type { Environment } from "../../../src/train/launch/launchers.ts";

/** Which node of how many, and where node 0 is; without the port where it is derived. */
function told(env: Environment, flags: Partial<NodeSettings> = {}) {
  const found = launchSettings(flags, env);
  if (!found) return undefined;
  const { nodes, nodeId, coordinator } = found.settings;
  return `${found.launcher} ${nodeId}/${nodes} ${coordinator}`;
}
const refused = (env: Environment, message: RegExp, flags: Partial<NodeSettings> = {}) =>
  assert.throws(() => launchSettings(flags, env), (e) => e instanceof ConfigError && message.test(e.message));

const SLURM = {
  SLURM_JOB_ID: "4711",
  SLURM_STEP_ID: "0",
  SLURM_STEP_NUM_TASKS: "3",
  SLURM_PROCID: "2",
  SLURM_STEP_NODELIST: "gpu[009-010,012]",
  SLURM_STEP_NUM_NODES: "3",
};
const MPI = {
  OMPI_COMM_WORLD_SIZE: "4",
  OMPI_COMM_WORLD_RANK: "1",
  OMPI_COMM_WORLD_LOCAL_SIZE: "2",
  PMIX_RANK: "1",
  PMIX_NAMESPACE: "prterun-a-17@1",
};
const TORCH = { RANK: "1", WORLD_SIZE: "2", MASTER_ADDR: "a.example", MASTER_PORT: "29500" };
const POD = { JOB_COMPLETION_INDEX: "3", HOSTNAME: "pretrain-3" };

Deno.test("SLURM: the step's processes, at the first host of its list and a port of the job's own", () => {
  assert.match(told(SLURM)!, /^SLURM 2\/3 gpu009:2\d{4}$/);
  const port = (env: Environment) => told({ ...SLURM, ...env })!.split(":")[1];
  assert.equal(port({ SLURM_PROCID: "0" }), port({}));
  assert.notEqual(port({ SLURM_JOB_ID: "4712" }), port({}));
  assert.notEqual(port({ SLURM_STEP_ID: "1" }), port({}));
  assert.equal(told({ ...SLURM, MASTER_ADDR: "fd00::1" }), "SLURM 2/3 [fd00::1]:8476");
  // A script itself, and what srun starts once, train alone.
  assert.equal(told({ SLURM_JOB_ID: "1", SLURM_NTASKS: "3", SLURM_PROCID: "0" }), undefined);
  assert.equal(told({ ...SLURM, SLURM_STEP_NUM_TASKS: "1", SLURM_PROCID: "0" }), undefined);
  refused({ ...SLURM, SLURM_STEP_NUM_NODES: "2" }, /SLURM_STEP_NUM_NODES \(2\).*3 hosts.*contradict/);
  refused({ ...SLURM, SLURM_PROCID: "3" }, /SLURM's variables.*process 3 of 3.*from 0/);
  refused({ ...SLURM, SLURM_PROCID: "two" }, /SLURM_PROCID is "two".*whole number/);
  refused(
    { ...SLURM, SLURM_STEP_NODELIST: "gpu[009" },
    /SLURM_STEP_NODELIST is "gpu\[009".*no list of hosts/,
  );
  refused({ ...SLURM, SLURM_STEP_NODELIST: undefined }, /not say where node 0 is: export MASTER_ADDR/);
});

Deno.test("Open MPI: where mpirun runs, the first host of a SLURM job, this host, or MASTER_ADDR", () => {
  const uri = "1531576320.0;tcp://10.96.0.1,10.148.0.1:34911";
  assert.match(told({ ...MPI, OMPI_MCA_orte_hnp_uri: uri })!, /^Open MPI 1\/4 10\.96\.0\.1:2\d{4}$/);
  assert.match(
    told({ ...MPI, OMPI_MCA_orte_hnp_uri: "7.0;tcp6://[fd00::2]:34911" })!,
    /^Open MPI 1\/4 \[fd00::2\]:2\d{4}$/,
  );
  assert.match(told({ ...MPI, SLURM_JOB_NODELIST: "n[5-6]" })!, /^Open MPI 1\/4 n5:2\d{4}$/);
  assert.match(told({ ...MPI, OMPI_COMM_WORLD_LOCAL_SIZE: "4" })!, /^Open MPI 1\/4 127\.0\.0\.1:2\d{4}$/);
  assert.equal(told({ ...MPI, MASTER_ADDR: "b" }), "Open MPI 1/4 b:8476");
  // Started by srun, mpirun's helpers have SLURM's variables for themselves.
  assert.match(told({ ...SLURM, ...MPI, SLURM_JOB_NODELIST: "n5,n6" })!, /^Open MPI 1\/4 n5:/);
  refused(MPI, /Open MPI started 4.*not say where node 0 is.*-x MASTER_ADDR.*--coordinator HOST:PORT/);
  refused({ ...MPI, PMIX_RANK: "0" }, /OMPI_COMM_WORLD_RANK \(1\) and PMIX_RANK \(0\) contradict/);
  refused({ OMPI_COMM_WORLD_SIZE: "2" }, /OMPI_COMM_WORLD_SIZE is set, but OMPI_COMM_WORLD_RANK is not/);
});

Deno.test("MPICH and Intel MPI, and other launchers that speak PMIx", () => {
  const env = { PMI_SIZE: "2", PMI_RANK: "0", MPI_LOCALNRANKS: "2" };
  assert.match(told(env)!, /^MPI 0\/2 127\.0\.0\.1:2\d{4}$/);
  assert.match(told({ ...env, MPI_LOCALNRANKS: "1", SLURM_JOB_NODELIST: "x7" })!, /^MPI 0\/2 x7:/);
  refused({ ...env, MPI_LOCALNRANKS: "1" }, /-genv MASTER_ADDR/);
  assert.equal(told({ PMIX_RANK: "1" }), undefined);
  assert.equal(told({ PMIX_RANK: "1", MASTER_ADDR: "c" }, { nodes: 2 }), "PMIx 1/2 c:8476");
});

Deno.test("torchrun: its address, and the next port where it listens there itself", () => {
  assert.equal(told(TORCH), "torchrun 1/2 a.example:29500");
  assert.equal(told({ ...TORCH, TORCHELASTIC_USE_AGENT_STORE: "True" }), "torchrun 1/2 a.example:29501");
  assert.equal(told({ ...SLURM, ...TORCH }), "torchrun 1/2 a.example:29500");
  // Other programs use such names too.
  assert.equal(told({ RANK: "1" }), undefined);
  refused({ ...TORCH, MASTER_ADDR: undefined }, /torchrun.*set MASTER_ADDR and MASTER_PORT/);
  refused({ ...TORCH, RANK: "2" }, /process 2 of 2/);
  refused({ ...TORCH, WORLD_SIZE: "" }, /RANK is set, but WORLD_SIZE is not/);
});

Deno.test("Kubernetes: the pod's index and the job's first pod; how many there are is said by the user", () => {
  assert.equal(told(POD, { nodes: 4 }), "Kubernetes 3/4 pretrain-0.pretrain:8476");
  assert.equal(
    told({ ...POD, HOSTNAME: "pretrain-3.nets.lab.svc.cluster.local" }, { nodes: 4 }),
    "Kubernetes 3/4 pretrain-0.nets.lab.svc.cluster.local:8476",
  );
  assert.equal(told({ ...POD, WORLD_SIZE: "8" }), "Kubernetes 3/8 pretrain-0.pretrain:8476");
  // Pods that share an index but no run.
  assert.equal(told(POD), undefined);
  refused(POD, /Kubernetes says that this is process 3, but the 3 nodes count from 0 to 2/, { nodes: 3 });
  refused({ ...POD, HOSTNAME: "pretrain-3-x7k2f" }, /not say where node 0 is: set MASTER_ADDR/, { nodes: 4 });
});

Deno.test("flags win over launchers, and those that contradict them are refused", () => {
  assert.equal(told({}), undefined);
  assert.equal(told(SLURM, { nodes: 1 }), undefined);
  assert.equal(told(SLURM, { nodes: 5, nodeId: 1, coordinator: "d:1" }), undefined);
  assert.equal(told(SLURM, { coordinator: "d:1" }), "SLURM 2/3 d:1");
  assert.match(told(SLURM, { nodes: 3, nodeId: 1 })!, /^SLURM 1\/3 gpu009:/);
  refused(SLURM, /--nodes is 4, but SLURM started 3 processes/, { nodes: 4 });
});

Deno.test("lists of hosts are expanded, and no text that is none", () => {
  const list = (text: string) => expandHosts(text, "LIST");
  assert.deepEqual(list("node[003-005,012],login"), ["node003", "node004", "node005", "node012", "login"]);
  assert.deepEqual(list("r[1-2]n[08-09].lab"), ["r1n08.lab", "r1n09.lab", "r2n08.lab", "r2n09.lab"]);
  assert.deepEqual(list("a"), ["a"]);
  for (
    const text of ["", "a,", "a[", "a[1", "a]1", "a[3-1]", "a[x]", "a[[1]]", "a b", "a[0-99999999]", "a[]"]
  ) {
    assert.throws(() => list(text), (e) => e instanceof ConfigError && /^LIST is/.test(e.message), text);
  }
  const bracket = fc.array(fc.tuple(fc.integer({ min: 0, max: 50 }), fc.integer({ min: 0, max: 4 })), {
    minLength: 1,
    maxLength: 3,
  });
  fc.assert(fc.property(bracket, fc.integer({ min: 1, max: 4 }), (ranges, digits) => {
    const pad = (n: number) => String(n).padStart(digits, "0");
    const short = ranges.map(([from, more]) => more ? `${pad(from)}-${pad(from + more)}` : pad(from));
    const all = ranges.flatMap(([from, more]) =>
      Array.from({ length: more + 1 }, (_, i) => `n${pad(from + i)}`)
    );
    assert.deepEqual(list(`n[${short}]`), all);
  }));
});
