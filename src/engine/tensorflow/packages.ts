import { CUDA12, type NativePackage, type Wheel } from "../install/packages.ts";

/** What TensorFlow.js's binding includes of TensorFlow's headers, in the wheel's folder of headers. */
const HEADERS = [
  "tensorflow/c/c_api.h",
  "tensorflow/c/c_api_macros.h",
  "tensorflow/c/eager/c_api.h",
  "tensorflow/c/tf_attrtype.h",
  "tensorflow/c/tf_buffer.h",
  "tensorflow/c/tf_datatype.h",
  "tensorflow/c/tf_status.h",
  "tensorflow/c/tf_tensor.h",
  "tensorflow/c/tf_tstring.h",
  "tensorflow/core/platform/ctstring.h",
  "tensorflow/core/platform/ctstring_internal.h",
  "tsl/platform/ctstring.h",
  "tsl/platform/ctstring_internal.h",
  "xla/tsl/c/tsl_status.h",
];

/** TensorFlow's C library is in two parts. */
const LIBRARIES = ["libtensorflow_cc.so.2", "libtensorflow_framework.so.2"];

const VERSION = "2.21.0";

/** The files of the wheel for one Python, whichever is here: none of them is Python's. */
function tensorflowWheel(name: string, bytes: number, sha256: string): Wheel {
  const paths = [...LIBRARIES, ...HEADERS.map((header) => `include/${header}`)];
  return {
    package: name,
    version: VERSION,
    sha256,
    bytes,
    take: Object.fromEntries(paths.map((path) => [`tensorflow/${path}`, `tensorflow/${path}`])),
    select: [
      "--python-version=311",
      "--implementation=cp",
      "--abi=cp311",
      "--platform=manylinux_2_27_x86_64",
    ],
  };
}

/** The binding, as it is built beside the library. */
export const BINDING = "tfjs_binding.node";

function tensorflow(name: string, what: string, unpacked: number, wheels: Wheel[]): NativePackage {
  return {
    name,
    version: VERSION,
    what,
    wheels,
    library: BINDING,
    unpacked,
    os: "linux",
    arch: "x86_64",
    instead: "take another engine",
  };
}

/** TensorFlow for the processor. */
export const TENSORFLOW: NativePackage = tensorflow("tensorflow", "TensorFlow", 855_000_000, [
  tensorflowWheel(
    "tensorflow-cpu",
    273_829_956,
    "2b847d217b02ee7731ed91431daf3250daa0196c3c94614d23be27232e6e5b6c",
  ),
]);

/** TensorFlow for NVIDIA cards, with the libraries of CUDA 12 where its own paths look for them. */
export const TENSORFLOW_GPU: NativePackage = tensorflow(
  "tensorflow-gpu",
  "TensorFlow for CUDA 12",
  6_100_000_000,
  [
    tensorflowWheel(
      "tensorflow",
      572_440_367,
      "9056fbc9ba04235810b71ae6cbd958a196e8804fb53bbcffbf3e23b56155f124",
    ),
    ...CUDA12,
    {
      package: "nvidia-curand-cu12",
      version: "10.3.10.19",
      sha256: "49b274db4780d421bd2ccd362e1415c13887c53c214f0d4b761752b8f9f6aa1e",
      bytes: 68_295_626,
      take: { "nvidia/": "nvidia/" },
    },
  ],
);
