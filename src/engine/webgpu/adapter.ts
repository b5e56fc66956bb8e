/** A device that WebGPU found. */
export interface FoundAdapter {
  adapter: GPUAdapter;
  /** The name that its driver gives. */
  name: string;
  /** True for a device that the processor plays, such as Mesa's llvmpipe. */
  software: boolean;
}

/** What to do where WebGPU finds no device. */
export const NO_ADAPTER =
  "WebGPU found no device. It needs the Vulkan driver of the GPU's vendor on Linux (the package " +
  "mesa-vulkan-drivers of Debian and Ubuntu has those of AMD and Intel, and a software device for tests; NVIDIA's " +
  "comes with its own driver), and nothing beside the system's on macOS and Windows. A device behind OpenGL alone is " +
  "not taken: there not-a-number becomes a number, and a training that diverged would go unnoticed";

/**
 * Runs with a folder for the display's sockets named, although there is none: Mesa's device selection looks for a
 * Wayland display, and where the folder is not named at all, as in containers, its library prints an error.
 */
async function withoutDisplay<Result>(run: () => Promise<Result>): Promise<Result> {
  const name = "XDG_RUNTIME_DIR";
  const readable = (await Deno.permissions.query({ name: "env", variable: name })).state === "granted";
  if (Deno.build.os !== "linux" || !readable || Deno.env.has(name)) return await run();
  Deno.env.set(name, "/nonexistent");
  try {
    return await run();
  } finally {
    Deno.env.delete(name);
  }
}

let asked = false;

/** Whether this process has looked for a device, which loads the drivers that there are, and libraries with them. */
export function driversLoaded(): boolean {
  return asked;
}

/** The variable by which Deno is told which of wgpu's backends to use. It is read when first asked for a device. */
const BACKENDS = "DENO_WEBGPU_BACKEND";

/** All but OpenGL's, on which not-a-number becomes a number. */
const SOUND_BACKENDS = "vulkan,metal,dx12";

/** Runs with wgpu's OpenGL backend left out, unless the user has chosen backends or the environment is closed to us. */
async function withoutOpenGl<Result>(run: () => Promise<Result>): Promise<Result> {
  const allowed = (await Deno.permissions.query({ name: "env", variable: BACKENDS })).state === "granted";
  if (!allowed || Deno.env.has(BACKENDS)) return await run();
  Deno.env.set(BACKENDS, SOUND_BACKENDS);
  try {
    return await run();
  } finally {
    Deno.env.delete(BACKENDS);
  }
}

/**
 * Whether this is wgpu's OpenGL adapter. Nothing names the backend; but only OpenGL can say neither how large groups of
 * threads are, for which wgpu gives the smallest and largest there are, nor how many bindings fit in a group.
 */
export function isOpenGl({ info, limits }: { info: GPUAdapterInfo; limits: object }): boolean {
  const { subgroupMinSize, subgroupMaxSize } = info;
  const { maxBindingsPerBindGroup } = limits as { maxBindingsPerBindGroup?: number };
  return subgroupMinSize === 4 && subgroupMaxSize === 128 && maxBindingsPerBindGroup === 2 ** 32 - 1;
}

/** The fastest device that WebGPU finds, if it finds any; never one behind OpenGL. */
export async function findAdapter(): Promise<FoundAdapter | undefined> {
  asked = true;
  const adapter = await withoutDisplay(() =>
    withoutOpenGl(async () => await navigator.gpu?.requestAdapter({ powerPreference: "high-performance" }))
  );
  if (!adapter || isOpenGl(adapter)) return undefined;
  const { description, device, vendor, isFallbackAdapter } = adapter.info;
  return { adapter, name: description || device || vendor || "unnamed", software: isFallbackAdapter };
}

/** A device in words. */
export function describeAdapter({ name, software }: FoundAdapter): string {
  return software ? `${name} (a software device, for tests)` : name;
}

/** What decides how large tensors and the groups of a program may be. */
const LIMITS = [
  "maxBufferSize",
  "maxStorageBufferBindingSize",
  "maxComputeWorkgroupStorageSize",
  "maxComputeInvocationsPerWorkgroup",
  "maxComputeWorkgroupSizeX",
  "maxComputeWorkgroupSizeY",
  "maxComputeWorkgroupSizeZ",
  "maxComputeWorkgroupsPerDimension",
] as const satisfies readonly (keyof GPUSupportedLimits)[];

/** The device with all that its adapter can do; by itself WebGPU would give what the weakest can. */
export function requestDevice({ adapter }: FoundAdapter): Promise<GPUDevice> {
  return adapter.requestDevice({
    requiredLimits: Object.fromEntries(LIMITS.map((name) => [name, adapter.limits[name]])),
  });
}
