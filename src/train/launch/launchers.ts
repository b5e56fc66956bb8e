/** What programs that start the processes of a run tell each of them, by variables of the environment. */
import { ConfigError } from "../config/config.ts";
import { expandHosts } from "./host_list.ts";

/** Variables of an environment. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** What a launcher told a process. */
export interface Launched {
  /** The launcher, for messages. */
  launcher: string;
  /** How many processes there are; undefined where it does not say. */
  nodes?: number;
  /** Which of them this is, from 0. */
  nodeId: number;
  /** Where node 0 listens; undefined where it does not say. */
  coordinator?: string;
  /** What would tell where that is, for messages. */
  instead: string;
}

/** A launcher: says what it told this process, or undefined where it did not start it. */
type Launcher = (env: Environment) => Launched | undefined;

/** The port on hosts that a run has for itself. */
const PORT = 8476;

/** A whole number of the environment; undefined where it is not set. */
function whole(env: Environment, name: string): number | undefined {
  const text = env[name];
  if (text === undefined || text === "") return undefined;
  if (/^\d+$/.test(text)) return Number(text);
  throw new ConfigError(`the variable ${name} is "${text}", but it must be a whole number`);
}

/** The values of two variables that come together; undefined where the first is not set. */
function both(env: Environment, size: string, rank: string): [number, number] | undefined {
  const nodes = whole(env, size), nodeId = whole(env, rank);
  if (nodes === undefined && nodeId === undefined) return undefined;
  if (nodes === undefined || nodeId === undefined) {
    const [set, missing] = nodes === undefined ? [rank, size] : [size, rank];
    throw new ConfigError(`the variable ${set} is set, but ${missing} is not; set both or none`);
  }
  return [nodes, nodeId];
}

/** `host:port`, with brackets around an IPv6 address. */
const address = (host: string, port: number) =>
  `${host.includes(":") && !host.startsWith("[") ? `[${host}]` : host}:${port}`;

/**
 * A port for one of several jobs that may share a host, the same in all processes of the job: from 20000 to 29999, below
 * those that systems give to programs at random.
 */
function portOf(job: string): number {
  let hash = 0;
  for (const sign of job) hash = (Math.imul(hash, 31) + sign.charCodeAt(0)) >>> 0;
  return 20_000 + hash % 10_000;
}

/** The address that the user or the launcher has put into MASTER_ADDR and MASTER_PORT. */
function master(env: Environment, shift = 0): string | undefined {
  const { MASTER_ADDR: host } = env;
  return host ? address(host, (whole(env, "MASTER_PORT") ?? PORT) + shift) : undefined;
}

/** torchrun, and operators that set the same variables, such as Kubeflow's for PyTorch jobs. */
const torchrun: Launcher = (env) => {
  if (env.RANK === undefined || env.WORLD_SIZE === undefined) return undefined;
  const [nodes, nodeId] = both(env, "WORLD_SIZE", "RANK")!;
  // torchrun itself listens at the port that it names.
  const taken = env.TORCHELASTIC_USE_AGENT_STORE?.toLowerCase() === "true";
  return {
    launcher: "torchrun",
    nodes,
    nodeId,
    coordinator: master(env, taken ? 1 : 0),
    instead: "set MASTER_ADDR and MASTER_PORT",
  };
};

/** The first host of a SLURM job, as where an MPI launcher in it starts rank 0. */
function slurmHost(env: Environment, job: string): string | undefined {
  const { SLURM_JOB_NODELIST: list } = env;
  return list ? address(expandHosts(list, "SLURM_JOB_NODELIST")[0], portOf(job)) : undefined;
}

/** The host of Open MPI's mpirun, as version 4 and earlier name it: `1234.0;tcp://10.0.0.1,10.1.0.1:34911`. */
function mpirunHost({ OMPI_MCA_orte_hnp_uri: uri }: Environment, job: string): string | undefined {
  const [, host] = /;tcp6?:\/\/(\[[^\]]+\]|[^,:;[\]]+)/.exec(uri ?? "") ?? [];
  return host && address(host.split(",")[0], portOf(job));
}

/** Open MPI's mpirun. */
const openMpi: Launcher = (env) => {
  const found = both(env, "OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_RANK");
  if (!found) return undefined;
  const [nodes, nodeId] = found, pmix = whole(env, "PMIX_RANK");
  if (pmix !== undefined && pmix !== nodeId) {
    throw new ConfigError(
      `the variables OMPI_COMM_WORLD_RANK (${nodeId}) and PMIX_RANK (${pmix}) contradict each other`,
    );
  }
  const job = env.PMIX_NAMESPACE ?? env.OMPI_MCA_orte_hnp_uri ?? env.SLURM_JOB_ID ?? "";
  const here = whole(env, "OMPI_COMM_WORLD_LOCAL_SIZE") === nodes;
  return {
    launcher: "Open MPI",
    nodes,
    nodeId,
    coordinator: master(env) ??
      (here ? address("127.0.0.1", portOf(job)) : mpirunHost(env, job) ?? slurmHost(env, job)),
    instead: "hand it on with mpirun -x MASTER_ADDR",
  };
};

/** The mpirun of MPICH and of Intel MPI. */
const hydra: Launcher = (env) => {
  const found = both(env, "PMI_SIZE", "PMI_RANK");
  if (!found) return undefined;
  const [nodes, nodeId] = found, job = env.PMI_JOBID ?? env.SLURM_JOB_ID ?? "";
  const here = whole(env, "MPI_LOCALNRANKS") === nodes;
  return {
    launcher: "MPI",
    nodes,
    nodeId,
    coordinator: master(env) ?? (here ? address("127.0.0.1", portOf(job)) : slurmHost(env, job)),
    instead: "hand it on with mpirun -genv MASTER_ADDR",
  };
};

/** srun of SLURM. In a job's script itself nothing is started several times. */
const slurm: Launcher = (env) => {
  const nodes = whole(env, "SLURM_STEP_NUM_TASKS"), nodeId = whole(env, "SLURM_PROCID");
  if (nodes === undefined || nodeId === undefined) return undefined;
  const list = env.SLURM_STEP_NODELIST, hosts = list ? expandHosts(list, "SLURM_STEP_NODELIST") : [];
  const count = whole(env, "SLURM_STEP_NUM_NODES");
  if (list && count !== undefined && count !== hosts.length) {
    throw new ConfigError(
      `the variables SLURM_STEP_NUM_NODES (${count}) and SLURM_STEP_NODELIST (${list}: ${hosts.length} hosts) ` +
        "contradict each other",
    );
  }
  const job = `${env.SLURM_JOB_ID ?? ""}.${env.SLURM_STEP_ID ?? ""}`;
  return {
    launcher: "SLURM",
    nodes,
    nodeId,
    coordinator: master(env) ?? (hosts.length > 0 ? address(hosts[0], portOf(job)) : undefined),
    instead: "export MASTER_ADDR before srun",
  };
};

/**
 * An indexed job of Kubernetes. It does not say how many pods there are. The first pod's name is known where the pods'
 * subdomain, a service without an address of its own, is called as the job.
 */
const kubernetes: Launcher = (env) => {
  const nodeId = whole(env, "JOB_COMPLETION_INDEX");
  if (nodeId === undefined) return undefined;
  const [, job, index, domain] = /^(.+)-(\d+)(\..+)?$/.exec(env.HOSTNAME ?? "") ?? [];
  const named = job !== undefined && Number(index) === nodeId;
  return {
    launcher: "Kubernetes",
    nodes: whole(env, "WORLD_SIZE"),
    nodeId,
    coordinator: master(env) ?? (named ? address(`${job}-0${domain ?? `.${job}`}`, PORT) : undefined),
    instead: "set MASTER_ADDR in the pods' template",
  };
};

/** Any other launcher that speaks PMIx, such as prterun; it names this process alone. */
const pmix: Launcher = (env) => {
  const nodeId = whole(env, "PMIX_RANK");
  return nodeId === undefined
    ? undefined
    : { launcher: "PMIx", nodeId, coordinator: master(env), instead: "set MASTER_ADDR" };
};

/**
 * What the launcher of this process told it; a pure function of the environment. Where launchers are nested, such as
 * torchrun in a job of SLURM, the innermost counts.
 *
 * @returns Undefined where no known launcher started the process, or it started only one.
 * @throws {ConfigError} When variables cannot be read or contradict each other.
 */
export function launchedBy(env: Environment): Launched | undefined {
  for (const launcher of [torchrun, openMpi, hydra, slurm, kubernetes, pmix]) {
    const found = launcher(env);
    if (!found) continue;
    const { nodes, nodeId } = found;
    if (nodes !== undefined && nodeId >= nodes) {
      throw new ConfigError(
        `${found.launcher}'s variables say that this is process ${nodeId} of ${nodes}; processes count from 0`,
      );
    }
    return nodes === 1 ? undefined : found;
  }
  return undefined;
}
