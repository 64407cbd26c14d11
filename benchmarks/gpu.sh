#!/usr/bin/env bash
# One command for a machine with a GPU: builds, runs the GPU's tests, runs compute-sanitizer's four tools over them, then
# times whole steps and parts beside PyTorch and prints a table with shares of the floor. Everything in nine minutes.
#   benchmarks/gpu.sh [--tests | --times] [--build FOLDER] [--seconds N] [options of gpu/compare.py]
# --tests leaves the benchmark out, --times everything else; --build names a folder whose programs are used as they are;
# --seconds is how long all of it may take. PEER_PYTHON is a Python with torch and torchvision (timm for MAE); without one
# our side is timed alone. What compute-sanitizer says goes to sanitizer.*.log in the build folder. Status 77: no GPU.
# Building takes CMake, CUDA 12 or newer, Eigen and doctest; cuDNN 9 is used where it is found.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
build=$root/build-gpu given=no seconds=530 tests=yes times=yes words=()
while (($# > 0)); do
  case $1 in
    --tests) times=no seconds=230 ;;
    --times) tests=no ;;
    --build) build=$(cd "$2" && pwd) given=yes && shift ;;
    --seconds) seconds=$2 && shift ;;
    *) words+=("$1") ;;
  esac
  shift
done
left() { echo $((seconds - SECONDS)); }
outcome=0

programs=()
if [ "$tests" = yes ]; then programs+=(tests/test.cuda.gpu); fi
if [ "$times" = yes ]; then programs+=(benchmarks/gpu.alone benchmarks/gpu.surface.so); fi
missing=
for program in "${programs[@]}"; do
  if [ ! -e "$build/$program" ]; then missing=$program; fi
done
if [ -n "$missing" ] && [ "$given" = yes ]; then
  echo "$build has no $missing: build it there, or leave --build out" >&2
  exit 1
fi
if [ -n "$missing" ]; then
  source "$root/cmake/install_dependencies.sh"
  # For this GPU alone; where there is none, for Hopper, to see that everything compiles.
  architectures=native
  if ! command -v nvidia-smi >/dev/null || ! nvidia-smi >/dev/null 2>&1; then architectures=90a-real; fi
  configure "$root" "$build" -DCMAKE_BUILD_TYPE=Release -DPRETEXT_CUDA=ON -DPRETEXT_BENCHMARKS=ON -DPRETEXT_TESTS=OFF \
    -DPRETEXT_EXAMPLES=OFF -DCMAKE_CUDA_ARCHITECTURES="$architectures" || {
    echo "Without a network Eigen and doctest must be here: name folders that hold them in CMAKE_PREFIX_PATH." >&2
    exit 1
  }
  targets=()
  for program in "${programs[@]}"; do targets+=("$(basename "$program" .so)"); done
  cmake --build "$build" --parallel "$(nproc)" --target "${targets[@]}"
  echo "built in $SECONDS s"
fi
command -v nvidia-smi >/dev/null && nvidia-smi --query-gpu=name,driver_version,memory.total --format=csv,noheader || true

if [ "$tests" = yes ]; then
  "$build/tests/test.cuda.gpu" || outcome=$?
  if [ "$outcome" -eq 77 ]; then exit 77; fi
  # Where programs were built, too: one in plain C++, and the others with --device.
  if [ -x "$build/examples/minimal_gpu" ]; then (cd "$(mktemp -d)" && "$build/examples/minimal_gpu") || outcome=1; fi
  if [ -x "$build/examples/pretrain_simclr" ]; then
    (cd "$(mktemp -d)" && PRETEXT_CUDA=ON PRETEXT_PROGRAMS="$build/examples" bash "$root/tests/programs/device.sh") || outcome=1
  fi
  echo "tests done after $SECONDS s"
  if command -v compute-sanitizer >/dev/null; then
    # All four at once: they wait for the host most of the time. Whole steps launch thousands of kernels; each kind of them
    # is seen in the kernels' own tests.
    most=$(left)
    if [ "$times" = yes ]; then most=$((most < 300 ? 100 : most - 260)); fi
    if [ "$most" -lt 30 ]; then most=30; fi
    declare -A running
    for tool in memcheck racecheck initcheck synccheck; do
      timeout "$most" compute-sanitizer --tool "$tool" --error-exitcode 1 "$build/tests/test.cuda.gpu" \
        --test-case-exclude="*learn what the CPU learns*" >"$build/sanitizer.$tool.log" 2>&1 &
      running[$tool]=$!
    done
    for tool in "${!running[@]}"; do
      status=0
      wait "${running[$tool]}" || status=$?
      case $status in
        0) echo "$tool: clean" ;;
        124)
          if grep -qE '^=+ .*(Invalid|Uninitialized|hazard|Barrier error|Program hit)' "$build/sanitizer.$tool.log"; then
            tail -n 15 "$build/sanitizer.$tool.log"
            outcome=1
          fi
          echo "$tool: not done after $most s (--seconds gives it more); what it found until then is in $build/sanitizer.$tool.log"
          ;;
        *) tail -n 15 "$build/sanitizer.$tool.log" && echo "$tool: status $status; see $build/sanitizer.$tool.log" && outcome=1 ;;
      esac
    done
    echo "compute-sanitizer done after $SECONDS s"
  else
    echo "compute-sanitizer is not here: its tools are left out"
  fi
fi

if [ "$times" = yes ]; then
  python=
  for candidate in "${PEER_PYTHON:-}" python3 python; do
    if [ -n "$candidate" ] && "$candidate" -c 'import torch, torchvision, timm, safetensors; assert torch.cuda.is_available()' \
      2>/dev/null; then python=$candidate && break; fi
  done
  status=0
  if [ -n "$python" ]; then
    "$python" -W ignore "$root/benchmarks/gpu/compare.py" --library "$build/benchmarks/gpu.surface.so" --seconds "$(left)" \
      ${words[@]+"${words[@]}"} || status=$?
  else
    echo "There is no Python here with torch, torchvision, timm and safetensors that finds a GPU (PEER_PYTHON names one):" \
      "our side alone."
    "$build/benchmarks/gpu.alone" || status=$?
  fi
  if [ "$status" -eq 77 ] && [ "$outcome" -eq 0 ]; then exit 77; fi
  if [ "$status" -ne 0 ]; then outcome=1; fi
fi
echo "done after $SECONDS s"
exit "$outcome"
