/** Graphics cards as XLA's compiler and the roofline need them. */

/** What is known of a card. */
export interface Card {
  /** Its name on the command line. */
  name: string;
  /** As it names itself. */
  kind: string;
  /** Where its figures come from, for people. */
  source: string;
  /** 10¹² floating-point operations a second: products in bfloat16, in TF32, and everything in float32. */
  teraflops: { bfloat16: number; tf32: number; float32: number };
  /** Bytes of its memory, and bytes a second from there. */
  memory: number;
  bandwidth: number;
  /** Bytes a second in each direction between two cards of a node, and what carries them. */
  link: { name: string; bytes: number };
  /** Its description as XLA reads it: text of a GpuTargetConfigProto. */
  target: string;
}

/** What a description is made of. */
interface Figures {
  kind: string;
  source: string;
  /** Compute capability. */
  capability: readonly [major: number, minor: number];
  cores: number;
  fpus: number;
  gigahertz: number;
  threads: number;
  /** Bytes of shared memory: of a core, and of a block that asks for it. */
  shared: readonly [core: number, block: number];
  cache: number;
  memory: number;
  bandwidth: number;
  teraflops: Card["teraflops"];
  link: Card["link"];
}

const XLA = "XLA's description of the card; rates of its products: NVIDIA's data sheet";
const SHEET = "NVIDIA's data sheet";
const link = (name: string, gigabytes: number) => ({ name, bytes: gigabytes * 1e9 });
const PCIE4 = link("PCIe 4.0 ×16", 32), PCIE5 = link("PCIe 5.0 ×16", 64);

/** Ampere's large chip. */
const A100 = {
  source: XLA,
  capability: [8, 0],
  cores: 108,
  fpus: 64,
  gigahertz: 1.41,
  threads: 2048,
  shared: [167_936, 166_912],
  cache: 41_943_040,
  teraflops: { bfloat16: 312, tf32: 156, float32: 19.5 },
  link: link("NVLink", 300),
} as const;

/** Hopper's chip. */
const HOPPER = {
  source: XLA,
  capability: [9, 0],
  cores: 132,
  fpus: 128,
  gigahertz: 1.98,
  threads: 2048,
  shared: [233_472, 232_448],
  cache: 52_428_800,
  teraflops: { bfloat16: 989.4, tf32: 494.7, float32: 66.9 },
  link: link("NVLink", 450),
} as const;

/** What cards with Ada's chips share. */
const ADA = {
  source: SHEET,
  capability: [8, 9],
  fpus: 128,
  threads: 1536,
  shared: [102_400, 101_376],
  link: PCIE4,
} as const;

const FIGURES: Readonly<Record<string, Figures>> = {
  "a100-40": {
    ...A100,
    kind: "NVIDIA A100-SXM4-40GB",
    memory: 42_331_013_120,
    bandwidth: 1_555_200_000_000,
  },
  "a100-80": {
    ...A100,
    kind: "NVIDIA A100-SXM4-80GB",
    memory: 85_100_068_864,
    bandwidth: 2_039_040_000_000,
  },
  h100: {
    ...HOPPER,
    kind: "NVIDIA H100 80GB HBM3",
    memory: 84_942_979_072,
    bandwidth: 3_352_320_000_000,
  },
  h200: {
    ...HOPPER,
    kind: "NVIDIA H200 141GB HBM3e",
    memory: 151_397_597_184,
    bandwidth: 4_800_000_000_000,
  },
  b200: {
    source: XLA,
    kind: "NVIDIA B200",
    capability: [10, 0],
    cores: 148,
    fpus: 128,
    gigahertz: 1.965,
    threads: 2048,
    shared: [233_472, 232_448],
    cache: 132_644_864,
    memory: 191_514_411_008,
    bandwidth: 7_672_320_000_000,
    teraflops: { bfloat16: 2250, tf32: 1125, float32: 75 },
    link: link("NVLink", 900),
  },
  "rtx-pro-6000": {
    source: XLA,
    kind: "NVIDIA RTX PRO 6000 Blackwell",
    capability: [12, 0],
    cores: 188,
    fpus: 128,
    gigahertz: 2.6,
    threads: 1536,
    shared: [131_072, 101_376],
    cache: 134_217_728,
    memory: 103_079_215_104,
    bandwidth: 1_792_000_000_000,
    teraflops: { bfloat16: 503.8, tf32: 251.9, float32: 126 },
    link: PCIE5,
  },
  l4: {
    ...ADA,
    kind: "NVIDIA L4",
    cores: 58,
    gigahertz: 2.04,
    cache: 50_331_648,
    memory: 24_000_000_000,
    bandwidth: 300_000_000_000,
    teraflops: { bfloat16: 121, tf32: 60, float32: 30.3 },
  },
  l40s: {
    ...ADA,
    kind: "NVIDIA L40S",
    cores: 142,
    gigahertz: 2.52,
    cache: 100_663_296,
    memory: 48_000_000_000,
    bandwidth: 864_000_000_000,
    teraflops: { bfloat16: 362, tf32: 183, float32: 91.6 },
  },
  "rtx-4090": {
    ...ADA,
    kind: "NVIDIA GeForce RTX 4090",
    cores: 128,
    gigahertz: 2.52,
    cache: 75_497_472,
    memory: 25_250_000_000,
    bandwidth: 1_008_000_000_000,
    teraflops: { bfloat16: 165.2, tf32: 82.6, float32: 82.6 },
  },
};

/** A card's description for XLA's compiler. */
function describe(figures: Figures): string {
  const { capability: [major, minor], shared: [core, block] } = figures;
  // Hopper's and Blackwell's large chips have instructions that only programs for exactly them may use.
  const extension = major === 9 || major === 10 ? "ACCELERATED_FEATURES" : "NONE";
  return `gpu_device_info {
  threads_per_block_limit: 1024
  threads_per_warp: 32
  shared_memory_per_block: 49152
  shared_memory_per_core: ${core}
  threads_per_core_limit: ${figures.threads}
  core_count: ${figures.cores}
  fpus_per_core: ${figures.fpus}
  block_dim_limit_x: 2147483647
  block_dim_limit_y: 65535
  block_dim_limit_z: 65535
  memory_bandwidth: ${figures.bandwidth}
  l2_cache_size: ${figures.cache}
  clock_rate_ghz: ${figures.gigahertz}
  device_memory_size: ${figures.memory}
  shared_memory_per_block_optin: ${block}
  cuda_compute_capability { major: ${major} minor: ${minor} feature_extension: ${extension} }
  registers_per_core_limit: 65536
  registers_per_block_limit: 65536
}
platform_name: "CUDA"
dnn_version_info { major: 9 minor: 10 }
runtime_version { major: 13 minor: 0 patch: 0 }
device_description_str: "${figures.kind}"
`;
}

/** The cards that are known by name. */
export const CARDS: Readonly<Record<string, Card>> = Object.fromEntries(
  Object.entries(FIGURES).map(([name, figures]) => {
    const { kind, source, teraflops, memory, bandwidth, link } = figures;
    return [name, { name, kind, source, teraflops, memory, bandwidth, link, target: describe(figures) }];
  }),
);
