/** One file of Python's package index, and what is taken out of it. */
export interface Wheel {
  /** The package's name and version in the index. */
  package: string;
  version: string;
  /** SHA-256 of the wheel. */
  sha256: string;
  /** Bytes of the wheel. */
  bytes: number;
  /** Paths inside the wheel (folders end in "/") and where they go in the package's folder. */
  take: Readonly<Record<string, string>>;
  /** pip's arguments that name the file, where the package has one for each Python. */
  select?: readonly string[];
}

/** Native libraries that one or more Python packages carry. */
export interface NativePackage {
  /** Our name for it, also the folder's. */
  name: string;
  version: string;
  /** What it is, in words, such as "the XLA plugin". */
  what: string;
  wheels: readonly Wheel[];
  /** The shared library that is opened, in the package's folder. */
  library: string;
  /** Bytes of all that is unpacked. */
  unpacked: number;
  os: typeof Deno.build.os;
  arch: typeof Deno.build.arch;
  /** What to do where it cannot be had, continuing "or …". */
  instead: string;
}

const ELSEWHERE = "set PJRT_PLUGIN to the path of a PJRT plugin";

/** XLA's CPU plugin. */
export const CPU_PLUGIN: NativePackage = {
  name: "xla-cpu",
  version: "0.11.2",
  what: "the XLA plugin",
  wheels: [{
    package: "lammps-jax-pjrt-cpu",
    version: "0.11.2",
    sha256: "1319390d948b39f69f7dade496b7c385149d9ca6097a6b62114da113216d9ad1",
    bytes: 62_711_338,
    take: { "lammps_jax_pjrt_cpu/pjrt_c_api_cpu_plugin.so": "pjrt_c_api_cpu_plugin.so" },
  }],
  library: "pjrt_c_api_cpu_plugin.so",
  unpacked: 202_000_000,
  os: "linux",
  arch: "x86_64",
  instead: ELSEWHERE,
};

/**
 * An allocator that keeps a step's memory for the next step, as glibc's does not by default, and gives back what is no
 * longer needed, as glibc's does not where it keeps. Newer versions are built for newer C libraries.
 */
export const ALLOCATOR: NativePackage = {
  name: "mimalloc",
  version: "3.4.3",
  what: "the allocator",
  wheels: [{
    package: "cmeel-mimalloc",
    version: "3.4.3",
    sha256: "627d9e379503fd8a1001bed618f7434477c221f017cf31d4caca65d464731ff0",
    bytes: 534_731,
    take: { "cmeel.prefix/lib/libmimalloc.so.3.4": "libmimalloc.so" },
  }],
  library: "libmimalloc.so",
  unpacked: 270_000,
  os: "linux",
  arch: "x86_64",
  instead: "go on without it",
};

/** NVIDIA's wheels, which all unpack into one folder. */
function nvidia(...rows: [name: string, version: string, bytes: number, sha256: string][]): Wheel[] {
  return rows.map(([name, version, bytes, sha256]) => ({
    package: name,
    version,
    sha256,
    bytes,
    take: { "nvidia/": "nvidia/" },
  }));
}

/** One file of a wheel, at its own place. */
const only = (path: string): Wheel["take"] => ({ [path]: path });

// What jax-cuda12-plugin[with-cuda] and jax-cuda13-plugin[with-cuda] 0.12.0.1 ask for, without the packages of headers.
// deno-fmt-ignore
/** The libraries of CUDA 12. */
export const CUDA12: readonly Wheel[] = nvidia(
  ["nvidia-cublas-cu12", "12.9.3.13", 581_217_458, "d7d51055f161b317c7105ddaae90e71eda059026074ffef93cf7cde2886bfe72"],
  ["nvidia-cuda-cupti-cu12", "12.9.79", 10_814_997, "096bcf334f13e1984ba36685ad4c1d6347db214de03dbb6eebb237b41d9d934f"],
  ["nvidia-cuda-nvcc-cu12", "12.9.86", 40_546_229, "5d6a0d32fdc7ea39917c20065614ae93add6f577d840233237ff08e9a38f58f0"],
  ["nvidia-cuda-runtime-cu12", "12.9.79", 3_493_179, "25bba2dfb01d48a9b59ca474a1ac43c6ebf7011f1b0b8cc44f54eb6ac48a96c3"],
  ["nvidia-cudnn-cu12", "9.28.0.42", 716_538_495, "9ff58b7f36dacd0a93e89f8f2957b52466889217963701daa15e577317cfa375"],
  ["nvidia-cufft-cu12", "11.4.1.4", 200_877_592, "c67884f2a7d276b4b80eb56a79322a95df592ae5e765cf1243693365ccab4e28"],
  ["nvidia-cusolver-cu12", "11.7.5.82", 338_117_415, "15da72d1340d29b5b3cf3fd100e3cd53421dde36002eda6ed93811af63c40d88"],
  ["nvidia-cusparse-cu12", "12.5.10.65", 366_465_088, "73060ce019ac064a057267c585bf1fd5a353734151f87472ff02b2c5c9984e78"],
  ["nvidia-nccl-cu12", "2.32.3", 351_526_311, "bb94b2348e4861d5e8aa00b36c3d12d9bdf9c6369b82cbb723de0b582280a21c"],
  ["nvidia-nvjitlink-cu12", "12.9.86", 39_748_338, "e3f1171dbdc83c5932a45f0f4c99180a70de9bd2718c1ab77d14104f6d7147f9"],
  ["nvidia-cuda-nvrtc-cu12", "12.9.86", 89_568_129, "210cf05005a447e29214e9ce50851e83fc5f4358df8b453155d5e1918094dcb4"],
  ["nvidia-nvshmem-cu12", "3.8.0", 280_800_183, "b2e5760d6158aefe7bb74348d5128bb1b46a7dd1fd4b7b1e6fe55b4b07888f70"],
);

// deno-fmt-ignore
const CUDA13: readonly Wheel[] = nvidia(
  ["nvidia-cublas", "13.10.0.20", 444_289_903, "dcc6d63884c53d07e267ce7e6feac17b2538cebaafec5db865736c3e28e4dc84"],
  ["nvidia-cuda-cupti", "13.5.25", 12_592_974, "9dcca41c12a734192b14e7128ae116bc9ce1b9da686e2ebf48ae7a4415f76650"],
  ["nvidia-cuda-nvcc", "13.5.37", 47_028_279, "f5c4f7ead5d964fb4af42bbf1e6d3ec3c1e6e9d83b53749f691d387e7fcaa3a7"],
  ["nvidia-cuda-runtime", "13.5.37", 2_504_024, "df2b79a8852f10d1fef8c848489c49eebb5754051bf870202a862831412b179d"],
  ["nvidia-cudnn-cu13", "9.28.1.4", 516_817_937, "a54f205b1db1f2895d99f398754db1369816f0569dd459731f925635cf7b65ec"],
  ["nvidia-cufft", "12.5.0.14", 165_072_555, "b8be26837a5abad2b5b74f3e92dd29f622a42934b355be0961a48712cbba23ad"],
  ["nvidia-cusolver", "12.4.1.2", 260_003_940, "b3b8e02fd2f2df869369af075dc3a179d43f6f7b85e94632a7dce556697be044"],
  ["nvidia-cusparse", "12.9.4.2", 230_422_857, "072667e58c851a318738f5527a12eb225cbf058803f2ea451c722d8cf8edddec"],
  ["nvidia-nccl-cu13", "2.32.3", 305_100_071, "1459723080ac889d73a26edfa3e04383a7928ab31ac8f0ec43b3ea9548b04ff3"],
  ["nvidia-nvjitlink", "13.5.37", 46_642_491, "280d7cb9649704145f074b8dbde500de04ce02d0872e066e20a83c17bcaa93eb"],
  ["nvidia-cuda-nvrtc", "13.5.37", 58_185_930, "86b4d68058807988b7d9af5b44917a0601e9c337f35ccd657bfb3c759ff8d8bc"],
  ["nvidia-nvshmem-cu13", "3.8.0", 182_092_449, "81a4d1f666543e6d34df6d2ff940c7da1435e34e186aab6f3c2b48861b64ef38"],
  ["nvidia-nvvm", "13.5.37", 75_141_406, "c41bfa362e407405163f103c2229f0765f8cc2ed7d148b754dc77f228bf7e070"],
);

/**
 * XLA's plugin for NVIDIA cards with the libraries that it loads. They lie as Python would have put them: the plugin
 * looks for them in ../../nvidia from its own folder, and they for each other in the same way.
 */
function cudaPlugin(
  cuda: 12 | 13,
  bytes: number,
  sha256: string,
  unpacked: number,
  libraries: readonly Wheel[],
): NativePackage {
  const library = `jax_plugins/xla_cuda${cuda}/xla_cuda_plugin.so`, version = "0.12.0.1";
  return {
    name: `xla-cuda${cuda}`,
    version,
    what: `XLA's plugin for CUDA ${cuda}`,
    wheels: [
      { package: `jax-cuda${cuda}-pjrt`, version, sha256, bytes, take: { [library]: library } },
      ...libraries,
    ],
    library,
    unpacked,
    os: "linux",
    arch: "x86_64",
    instead: ELSEWHERE,
  };
}

/** XLA for NVIDIA cards with a driver from 525 up. */
export const CUDA12_PLUGIN: NativePackage = cudaPlugin(
  12,
  191_846_358,
  "5ec28e06198d094031c37590b4ea753ae8cde4879ab4b60baf40f0dffb673286",
  5_170_000_000,
  CUDA12,
);

/** XLA for NVIDIA cards with a driver from 580 up. */
export const CUDA13_PLUGIN: NativePackage = cudaPlugin(
  13,
  134_922_808,
  "5899bb6177eda86ea532afb9a26794f2bdd04966f6a01f9028266b16c2b6cf90",
  4_010_000_000,
  CUDA13,
);

/**
 * XLA's plugin for CUDA 13 with what it compiles by, and without all that programs call: it compiles for cards that are
 * not here. The same plugin as {@linkcode CUDA13_PLUGIN}'s, so its programs are those that a card would run.
 */
export const CUDA13_COMPILER: NativePackage = {
  ...CUDA13_PLUGIN,
  name: "xla-cuda13-compiler",
  what: "XLA's compiler for CUDA 13",
  wheels: [
    CUDA13_PLUGIN.wheels[0],
    {
      ...CUDA13.find(({ package: name }) => name === "nvidia-cuda-nvcc")!,
      take: only("nvidia/cu13/bin/ptxas"),
    },
    {
      ...CUDA13.find(({ package: name }) => name === "nvidia-nvvm")!,
      take: only("nvidia/cu13/nvvm/libdevice/libdevice.10.bc"),
    },
  ],
  unpacked: 447_000_000,
  instead: "give the path of a CUDA plugin that has ptxas and libdevice beside it with --plugin",
};
