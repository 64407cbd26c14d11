#!/usr/bin/env bash
# Ranks on this machine: the ordered sum beside MPI_Allreduce, and whole steps of SimCLR (ResNet-18 of width 16, 128 images)
# by one process of two threads, by two of one thread, and by two of PyTorch (gloo). Builds what it needs, with an MPI, and
# a virtual environment outside the tree (at PEER_VENV if set).
#   benchmarks/ranks/run.sh [--pairs N] [--rounds N] [--no-peer]
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(dirname "$(dirname "$here")")
venv=${PEER_VENV:-${XDG_CACHE_HOME:-$HOME/.cache}/pretext-peers}
build=${BUILD:-$root/build/benchmarks-ranks}
pairs=15 rounds=5 peer=1
while [ $# -gt 0 ]; do
  case $1 in
    --pairs) pairs=$2 && shift 2 ;;
    --rounds) rounds=$2 && shift 2 ;;
    --no-peer) peer=0 && shift ;;
    *) sed -n '2,5s/^# *//p' "$0" >&2 && exit 2 ;;
  esac
done
command -v mpicxx >/dev/null && command -v mpirun >/dev/null ||
  { echo "benchmarks/ranks/run.sh needs an MPI (Debian: libopenmpi-dev openmpi-bin)" >&2; exit 1; }
# Of Open MPI: as root, more ranks than cores, on this host alone, ranks bound to nothing.
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 OMPI_MCA_rmaps_base_oversubscribe=1 OMPI_MCA_plm=isolated \
  OMPI_MCA_mpi_yield_when_idle=1 OMPI_MCA_hwloc_base_binding_policy=none
mkdir -p "$build"
mpicxx -std=c++20 -O3 -I "$root/include" "$here/sums.cpp" -o "$build/sums" -pthread
cmake -S "$root" -B "$build" -DCMAKE_BUILD_TYPE=Release -DPRETEXT_TESTS=OFF -DPRETEXT_CUDA=OFF -DPRETEXT_MPI=ON \
  -DPRETEXT_METHODS=simclr "-DPRETEXT_ENCODERS=resnet18-thin@32" >"$build.log" 2>&1 &&
  cmake --build "$build" --target pretrain >>"$build.log" 2>&1 || { tail -30 "$build.log" >&2; exit 1; }
if [ $peer = 1 ]; then
  [ -x "$venv/bin/python" ] || python3 -m venv "$venv"
  "$venv/bin/python" -c 'import lightly, torch, torchvision' 2>/dev/null ||
    "$venv/bin/pip" install -q -r "$root/benchmarks/requirements.txt"
fi

echo "| ranks | array | ordered sum | MPI_Allreduce | ratio (quartiles) |"
echo "|---|---|---|---|---|"
for ranks in 2 3 4; do mpirun -n $ranks "$build/sums" "$pairs"; done

echo
echo "| ranks | all-gather of each rank's | time |"
echo "|---|---|---|"
for ranks in 2 3 4; do mpirun -n $ranks "$build/sums" gathers; done

# median FILE: of its numbers, one in a line.
median() { sort -g "$1" | awk '{v[NR] = $1} END {print v[int((NR + 1) / 2)]}'; }
# images_per_second THREADS [MPIRUN...]: of a short run of pretrain, without its first rows.
images_per_second() {
  local threads=$1 && shift
  "$@" "$build/examples/pretrain" simclr --threads "$threads" --images 3072 --test-images 100 --epochs 1 --batch 128 --shards 2 --out "$build/run" --overwrite >"$build/log" 2>&1 ||
    { tail -5 "$build/log" >&2; return 1; }
  tail -n +4 "$build/run/metrics.csv" | cut -d, -f5 >"$build/rows"
  median "$build/rows"
}
for side in threads ranks gloo ratios peer_ratios; do : >"$build/$side"; done
for ((round = 0; round < rounds; ++round)); do
  threads=$(images_per_second 2)
  ranks=$(images_per_second 1 mpirun -n 2)
  echo "$threads" >>"$build/threads" && echo "$ranks" >>"$build/ranks"
  awk "BEGIN {print $ranks / $threads}" >>"$build/ratios"
  [ $peer = 1 ] || continue
  gloo=$("$venv/bin/python" -W ignore::FutureWarning "$here/simclr_gloo.py")
  echo "$gloo" >>"$build/gloo" && awk "BEGIN {print $ranks / $gloo}" >>"$build/peer_ratios"
done
echo
echo "| SimCLR, 128 images a step | images a second (median of $rounds) | two ranks are so many times as fast |"
echo "|---|---|---|"
printf '| one process, two threads | %.0f | %.2f |\n' "$(median "$build/threads")" "$(median "$build/ratios")"
printf '| two ranks of one thread, MPI | %.0f | |\n' "$(median "$build/ranks")"
[ $peer = 0 ] ||
  printf '| two ranks of one thread, PyTorch with gloo | %.0f | %.2f |\n' "$(median "$build/gloo")" "$(median "$build/peer_ratios")"
