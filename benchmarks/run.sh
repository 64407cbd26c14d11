#!/usr/bin/env bash
# Times pretext and PyTorch alternately: builds the programs, creates a virtual environment for PyTorch outside the tree
# (at PEER_VENV if set), and prints a table of ratios and one JSON line per case.
#   benchmarks/run.sh [--suite step|start|growth|parts|kernels] [--case WORD] [--rounds N] [--steps N] [--threads N] [--eager]
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(dirname "$here")
venv=${PEER_VENV:-${XDG_CACHE_HOME:-$HOME/.cache}/pretext-peers}
build=${BUILD:-$root/build/benchmarks}
mkdir -p "$build"

if [ ! -x "$venv/bin/python" ]; then
  python3 -m venv "$venv"
fi
"$venv/bin/python" -c 'import torch, torchvision, timm, lightly, safetensors, PIL' 2>/dev/null ||
  "$venv/bin/pip" install -q -r "$here/requirements.txt"

cmake -S "$root" -B "$build" -DCMAKE_BUILD_TYPE=Release -DPRETEXT_BENCHMARKS=ON -DPRETEXT_TESTS=OFF \
  -DPRETEXT_EXAMPLES=OFF >"$build.log" 2>&1 || { cat "$build.log" >&2; exit 1; }
cmake --build "$build" --parallel "$(nproc)" >>"$build.log" 2>&1 || { tail -50 "$build.log" >&2; exit 1; }
exec "$venv/bin/python" "$here/compare.py" --programs "$build/benchmarks" "$@"
