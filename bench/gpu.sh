#!/usr/bin/env bash
# The training step beside PyTorch on this machine's NVIDIA GPU, in one command. It needs Python 3 with PyTorch and JAX's
# CUDA plugin (jax-cuda13-plugin or jax-cuda12-plugin with NVIDIA's libraries), and the folder .gpu, which
# `deno task bench gpu-pack` makes where there is a network; no Deno, no npm, no network.
#
#     bench/gpu.sh [--presets base,small] [--batches 256,128] [--rounds 2] [--eager] [--out results.jsonl] …
#
# PYTHON names another interpreter, PJRT_PLUGIN another plugin (XLA's CPU plugin tries all of this out), GPU_PACK another
# folder than .gpu. Each case is printed as JSON when it is done, and all as a table at the end.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
pack=${GPU_PACK:-$root/.gpu}
export PYTHON=${PYTHON:-python3}
if [ ! -f "$pack/deno.xz" ] || [ ! -f "$pack/bench.js" ]; then
  echo "$pack holds no deno.xz and bench.js: make it with deno task bench gpu-pack, where there is a network" >&2
  exit 2
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"$PYTHON" -c 'import lzma, shutil, sys
with lzma.open(sys.argv[1]) as a, open(sys.argv[2], "wb") as b: shutil.copyfileobj(a, b)' "$pack/deno.xz" "$work/deno"
chmod +x "$work/deno"

# The plugin, and where XLA finds CUDA's own tools (ptxas, libdevice), in Python's packages.
found=$("$PYTHON" - <<'PY'
import glob, os, sys
folders = [p for p in sys.path if os.path.isdir(p)]
first = lambda *patterns: next((f for p in patterns for d in folders for f in sorted(glob.glob(os.path.join(d, p)))), "")
print(os.environ.get("PJRT_PLUGIN") or first("jax_plugins/xla_cuda13/*plugin*.so", "jax_plugins/xla_cuda12/*plugin*.so"))
libdevice = first("nvidia/cu13/nvvm/libdevice", "nvidia/cuda_nvcc/nvvm/libdevice")
print(os.path.dirname(os.path.dirname(libdevice)) if libdevice else os.environ.get("CUDA_HOME", "/usr/local/cuda"))
PY
)
plugin=$(sed -n 1p <<<"$found") cuda=$(sed -n 2p <<<"$found")
if [ -z "$plugin" ]; then
  echo "no PJRT plugin: $PYTHON has no jax_plugins/xla_cuda13 or xla_cuda12; install jax[cuda13], or set PJRT_PLUGIN" >&2
  exit 2
fi
options=(--plugin "$plugin" --peers "$root/bench/peers" --cache "$work/programs")
case $plugin in
  *cuda*)
    options+=(--device cuda --memory-fraction 0.9)
    [ -d "$cuda" ] && export XLA_FLAGS="${XLA_FLAGS:-} --xla_gpu_cuda_data_dir=$cuda"
    nvidia-smi --query-gpu=name,driver_version,memory.total --format=csv,noheader || true
    ;;
  *) options+=(--device cpu) ;;
esac
echo "plugin $plugin"
"$PYTHON" -c 'import torch; print("PyTorch", torch.__version__)' || echo "no PyTorch: ours is measured alone"
export DENO_DIR="$work/cache" DENO_NO_UPDATE_CHECK=1 TORCHINDUCTOR_CACHE_DIR="$work/inductor"
"$work/deno" run -A --no-config --no-lock --no-remote --cached-only --no-check --quiet "$pack/bench.js" "${options[@]}" "$@"
