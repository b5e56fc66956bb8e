#!/usr/bin/env bash
# Runs a command where there is neither Deno nor a network, with what `deno task bench gpu-pack` has packed (.gpu, or the
# folder GPU_PACK): Deno, the packages of all tasks, and XLA's plugin for NVIDIA's cards as Python's packages have it.
#
#     bench/carried.sh deno task train --data photos --precision bfloat16
#     bench/carried.sh bash several-commands.sh
#
# CARRIED is where things are unpacked, once; PYTHON names the interpreter whose packages have the plugin.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
pack=${GPU_PACK:-$root/.gpu}
export PYTHON=${PYTHON:-python3}
work=${CARRIED:-/tmp/semantic-ae-carried}
for file in "$pack/deno.xz" "$pack/tasks.tar.xz"; do
  if [ ! -f "$file" ]; then
    echo "there is no $file: make it with deno task bench gpu-pack, where there is a network" >&2
    exit 2
  fi
  # What was unpacked from an earlier one is of no use.
  if [ "$file" -nt "$work/ready" ]; then rm -f "$work/ready"; fi
done
if [ ! -f "$work/ready" ]; then
  mkdir -p "$work/bin" "$work/cache"
  "$PYTHON" - "$pack" "$work" <<'PY'
import lzma, os, shutil, sys, tarfile
pack, work = sys.argv[1:]
with lzma.open(f"{pack}/deno.xz") as a, open(f"{work}/bin/deno", "wb") as b:
    shutil.copyfileobj(a, b)
os.chmod(f"{work}/bin/deno", 0o755)
with tarfile.open(f"{pack}/tasks.tar.xz") as archive:
    archive.extractall(f"{work}/cache", filter="data")
PY
  touch "$work/ready"
fi
eval "$("$PYTHON" - <<'PY'
import glob, os, shlex, sys
folders = [p for p in sys.path if os.path.isdir(p)]
first = lambda *patterns: next((f for p in patterns for d in folders for f in sorted(glob.glob(os.path.join(d, p)))), "")
plugin = os.environ.get("PJRT_PLUGIN") or first("jax_plugins/xla_cuda13/*plugin*.so", "jax_plugins/xla_cuda12/*plugin*.so")
libdevice = first("nvidia/cu13/nvvm/libdevice", "nvidia/cuda_nvcc/nvvm/libdevice")
cuda = os.path.dirname(os.path.dirname(libdevice)) if libdevice else os.environ.get("CUDA_HOME", "/usr/local/cuda")
if plugin:
    print(f"export PJRT_PLUGIN={shlex.quote(plugin)}")
if "cuda" in plugin and os.path.isdir(cuda):
    flags = os.environ.get("XLA_FLAGS", "") + f" --xla_gpu_cuda_data_dir={cuda}"
    print(f"export XLA_FLAGS={shlex.quote(flags)}")
PY
)"
export DENO_DIR="$work/cache" DENO_NO_UPDATE_CHECK=1 NO_COLOR=1 PATH="$work/bin:$PATH"
# A program of PyTorch keeps what it compiles, too.
export TORCHINDUCTOR_CACHE_DIR="$work/inductor"
exec "$@"
