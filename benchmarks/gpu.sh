#!/usr/bin/env bash
# On a machine with a GPU: the GPU's tests, the same under compute-sanitizer, then sixty steps of SimCLR with their time.
#   benchmarks/gpu.sh [build folder]      what is built there is used as it is; else it is built first
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
build=${1:-$root/build-gpu}

if [ ! -x "$build/tests/test.cuda.gpu" ] || [ ! -x "$build/examples/minimal_gpu" ]; then
  source "$root/cmake/install_dependencies.sh"
  configure "$root" "$build" -DCMAKE_BUILD_TYPE=Release -DPRETEXT_CUDA=ON -DCMAKE_CUDA_ARCHITECTURES=native
  cmake --build "$build" --parallel "$(nproc)" --target test.cuda.gpu minimal_gpu
fi
command -v nvidia-smi >/dev/null && nvidia-smi --query-gpu=name,driver_version,memory.total --format=csv,noheader

outcome=0
"$build/tests/test.cuda.gpu" || outcome=$?
if [ "$outcome" -eq 77 ]; then exit 77; fi
for tool in memcheck racecheck initcheck synccheck; do
  if ! command -v compute-sanitizer >/dev/null; then
    echo "compute-sanitizer is not here: $tool left out"
    continue
  fi
  # Whole steps launch thousands of kernels: the sanitizers see each kind of them in the kernels' own tests.
  echo "== $tool"
  compute-sanitizer --tool "$tool" --error-exitcode 1 "$build/tests/test.cuda.gpu" \
    --test-case-exclude="*learn what the CPU learns*" || outcome=1
done
cd "$(mktemp -d)"
time "$build/examples/minimal_gpu" || outcome=1
exit "$outcome"
