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
here=$(cd "$(dirname "$0")" && pwd)
if [ "${1:-}" != --unpacked ]; then exec "$here/carried.sh" "$here/gpu.sh" --unpacked "$@"; fi
shift
if [ -z "${PJRT_PLUGIN:-}" ]; then
  echo "no PJRT plugin: $PYTHON has no jax_plugins/xla_cuda13 or xla_cuda12; install jax[cuda13], or set PJRT_PLUGIN" >&2
  exit 2
fi
programs=$(mktemp -d)
trap 'rm -rf "$programs"' EXIT
options=(--plugin "$PJRT_PLUGIN" --peers "$here/peers" --cache "$programs")
case $PJRT_PLUGIN in
  *cuda*)
    options+=(--device cuda --memory-fraction 0.9)
    nvidia-smi --query-gpu=name,driver_version,memory.total --format=csv,noheader || true
    ;;
  *) options+=(--device cpu) ;;
esac
echo "plugin $PJRT_PLUGIN"
"$PYTHON" -c 'import torch; print("PyTorch", torch.__version__)' || echo "no PyTorch: ours is measured alone"
deno run -A --cached-only --no-check --quiet "$here/gpu.ts" "${options[@]}" "$@"
