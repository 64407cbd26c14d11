#!/usr/bin/env bash
# Times encoders beside ONNX Runtime and PyTorch, one image and 64, one and two threads: builds the program, creates a virtual environment
# outside the tree (at PEER_VENV if set), and prints a table and one JSON line per case. Needs ONNX's C++ library.
#   benchmarks/inference/run.sh [--seconds N] [--threads N ...] [--encoder NAME ...] [--peer onnxruntime|pytorch ...] [--compiled]
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(dirname "$(dirname "$here")")
venv=${PEER_VENV:-${XDG_CACHE_HOME:-$HOME/.cache}/pretext-peers}
build=${BUILD:-$root/build/benchmarks}
mkdir -p "$build"
[ -x "$venv/bin/python" ] || python3 -m venv "$venv"
"$venv/bin/python" -c 'import numpy, onnxruntime, timm, torch, torchvision' 2>/dev/null || "$venv/bin/pip" install -q numpy onnxruntime timm torch torchvision
cmake -S "$root" -B "$build" -DCMAKE_BUILD_TYPE=Release -DPRETEXT_BENCHMARKS=ON -DPRETEXT_TESTS=OFF \
  -DPRETEXT_EXAMPLES=OFF >"$build.log" 2>&1 || { cat "$build.log" >&2; exit 1; }
cmake --build "$build" --target inference.encode >>"$build.log" 2>&1 || { tail -50 "$build.log" >&2; exit 1; }
exec "$venv/bin/python" "$here/compare.py" --program "$build/benchmarks/inference.encode" "$@"
