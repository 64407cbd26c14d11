#!/usr/bin/env bash
# One SimCLR step here and in PyTorch, in turn, with the same number of threads. Prints JSON lines.
#   benchmarks/step/run.sh [steps] [threads]
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
steps=${1:-5} threads=${2:-2}
venv=${PEER_VENV:-${TMPDIR:-/tmp}/pretext-peer}
if [ ! -x "$venv/bin/python" ]; then
  python3 -m venv "$venv"
  "$venv/bin/pip" install -q torch torchvision lightly
fi
build=$(mktemp -d)
trap 'rm -rf "$build"' EXIT
g++ -std=c++20 -O3 -I "$root/include" -isystem /usr/include/eigen3 "$here/simclr_step.cpp" -o "$build/step" -pthread
for round in 1 2 3; do
  "$build/step" "$steps" "$threads"
  "$venv/bin/python" "$here/simclr_step.py" --steps "$steps" --threads "$threads" --channels-last
  "$venv/bin/python" "$here/simclr_step.py" --steps "$steps" --threads "$threads"
done
"$venv/bin/python" "$here/simclr_step.py" --steps "$steps" --threads "$threads" --channels-last --augment
