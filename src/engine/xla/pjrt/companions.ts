import { keepLoaded } from "./lifetime.ts";

/**
 * NVIDIA's libraries as Python's packages lay them beside a plugin, in an order in which each finds what it needs.
 * The plugin loads most of them by name from where its RPATH says, but they load each other as well, and some of
 * their own paths are wrong (cuDNN looks for NVRTC in another folder). What is loaded already is found by its name.
 */
const LIBRARIES: readonly (readonly [folder: string, library: string])[] = [
  ["cuda_runtime", "libcudart.so.12"],
  ["cu13", "libcudart.so.13"],
  ["cuda_nvrtc", "libnvrtc.so.12"],
  ["cu13", "libnvrtc.so.13"],
  ["nvjitlink", "libnvJitLink.so.12"],
  ["cu13", "libnvJitLink.so.13"],
  ["cublas", "libcublasLt.so.12"],
  ["cublas", "libcublas.so.12"],
  ["cu13", "libcublasLt.so.13"],
  ["cu13", "libcublas.so.13"],
  ["nccl", "libnccl.so.2"],
  ["cuda_cupti", "libcupti.so.12"],
  ["cu13", "libcupti.so.13"],
  ["cusparse", "libcusparse.so.12"],
  ["cu13", "libcusparse.so.12"],
  ["cusolver", "libcusolver.so.11"],
  ["cu13", "libcusolver.so.12"],
  ["cufft", "libcufft.so.11"],
  ["cu13", "libcufft.so.12"],
  ["nvshmem", "libnvshmem_host.so.3"],
  ["cudnn", "libcudnn.so.9"],
];

/**
 * Loads NVIDIA's libraries that lie beside a library, in `../nvidia` or `../../nvidia` from its folder, and keeps them.
 *
 * @param path The library that will need them.
 * @returns Those that were loaded.
 */
export function loadCompanions(path: string): string[] {
  const folder = path.slice(0, Math.max(path.lastIndexOf("/"), 0));
  const loaded: string[] = [];
  for (const beside of [`${folder}/../nvidia`, `${folder}/../../nvidia`]) {
    for (const [name, library] of LIBRARIES) {
      const file = `${beside}/${name}/lib/${library}`;
      try {
        if (!Deno.statSync(file).isFile) continue;
      } catch {
        continue; // Not there: the plugin tells at the first use if it cannot do without.
      }
      if (keepLoaded(file)) loaded.push(file);
    }
  }
  return loaded;
}
