#!/usr/bin/env bash
# The parts of a step beside PyTorch, the two sides in turn. Prints JSON lines; benchmarks/run.sh makes a table of them.
#   benchmarks/parts/run.sh [rounds] [threads]
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
rounds=${1:-3} threads=${2:-2}
venv=${PEER_VENV:-${TMPDIR:-/tmp}/pretext-peer}
if [ ! -x "$venv/bin/python" ]; then
  python3 -m venv "$venv"
  "$venv/bin/pip" install -q torch torchvision lightly
fi
build=$(mktemp -d)
trap 'rm -rf "$build"' EXIT
g++ -std=c++20 -O3 -I "$root/include" -isystem /usr/include/eigen3 "$here/parts.cpp" -o "$build/parts" -ljpeg -lpng -pthread
"$venv/bin/python" "$here/draw_jpegs.py" "$build/jpegs" 320
for ((round = 0; round < rounds; ++round)); do
  "$build/parts" "$threads" "$build/jpegs"
  "$venv/bin/python" -W ignore "$here/parts.py" --threads "$threads" --folder "$build/jpegs/train"
done
