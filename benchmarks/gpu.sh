#!/usr/bin/env bash
# One command for a machine with a GPU: builds, runs the GPU's tests, runs compute-sanitizer's four tools over them, then
# times whole steps and parts beside PyTorch and prints a table with shares of the floor. Whatever hangs or is slow, it ends
# within nine minutes, with --tests within four.
#   benchmarks/gpu.sh [--tests | --times] [--build FOLDER] [--seconds N] [options of gpu/compare.py]
# --tests leaves the benchmark out, --times everything else; --build names a folder whose programs are used as they are.
# After --seconds (530, with --tests 230; ending what hangs takes a few more) what runs is cut off and nothing is begun, which
# is said of each phase: a build, a test or a benchmark that is not done has failed; of compute-sanitizer what it found counts.
# PEER_PYTHON is a Python with torch and torchvision (timm for MAE); without one our side is timed alone. What
# compute-sanitizer says goes to sanitizer.*.log in the build folder. Status 77: no GPU.
# Building takes CMake, CUDA 12 or newer, Eigen and doctest; cuDNN 9 is used where it is found.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
build=$root/build-gpu given=no seconds='' tests=yes times=yes words=()
while (($# > 0)); do
  case $1 in
    --tests) times=no ;;
    --times) tests=no ;;
    --build) build=$(cd "$2" && pwd) given=yes && shift ;;
    --seconds) seconds=$2 && shift ;;
    *) words+=("$1") ;;
  esac
  shift
done
if [ -z "$seconds" ]; then seconds=$([ "$times" = yes ] && echo 530 || echo 230); fi
if ! [[ $seconds =~ ^[1-9][0-9]{0,5}$ ]]; then
  echo "--seconds $seconds: name a whole number of seconds, from 1 on" >&2
  exit 1
fi
outcome=0

left() { echo $((seconds - SECONDS)); }

# Ends the processes that inherited a mark: other groups and sessions, ignored signals and a parent's death do not save them.
# Make and Ninja get a moment to remove half-written files. A process that the driver does not let go is not waited for.
end() {
  local signal processes
  for signal in TERM 0 0 KILL KILL; do
    mapfile -t processes < <(timeout -s KILL 1 grep -lsFz "PRETEXT_PHASE=$1" /proc/[0-9]*/environ | cut -d / -f 3)
    if ((${#processes[@]} == 0)); then return; fi
    kill -s "$signal" "${processes[@]}" 2>/dev/null || true
    sleep 0.4
  done
}
trap 'end "$$ "' EXIT

# within SECONDS NAME COMMAND...: the command's status, and nothing that it started is left; 124 and a sentence where the
# seconds, or those of all phases, are too few.
within() {
  local most=$1 name=$2 begun=$SECONDS status=0
  shift 2
  if ((most > seconds - SECONDS)); then most=$((seconds - SECONDS)); fi
  if ((most <= 0)); then
    echo "$name: not started, $SECONDS s of $seconds are over (--seconds gives it more)"
    return 124
  fi
  PRETEXT_PHASE="$$ $name" timeout --kill-after=2 "$most" "$@" &
  wait $! 2>/dev/null || status=$?
  end "$$ $name"
  # 137 is what timeout makes of a command that had to be killed, and what an ordinary one says that somebody else killed.
  if [ "$status" -eq 124 ] || { [ "$status" -eq 137 ] && ((SECONDS - begun >= most)); }; then
    echo "$name: not done after $most s, cut off (--seconds gives it more)"
    return 124
  fi
  return "$status"
}

# passes NAME COMMAND...: a phase that has to be done and to end well; without a GPU it is the last one.
passes() {
  local begun=$SECONDS status=0
  within "$(left)" "$@" || status=$?
  if [ "$status" -eq 77 ] && [ "$outcome" -eq 0 ]; then exit 77; fi
  case $status in
    0) echo "$1: done in $((SECONDS - begun)) s" && return ;;
    124) ;;
    *) echo "$1: status $status after $((SECONDS - begun)) s" ;;
  esac
  outcome=1
}

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
# For this GPU alone; where none answers, for Hopper, to see that everything compiles.
architectures=90a-real
if command -v nvidia-smi >/dev/null &&
  within $((1 + $(left) / 20)) nvidia-smi nvidia-smi --query-gpu=name,driver_version,memory.total --format=csv,noheader; then
  architectures=native
fi
if [ -n "$missing" ]; then
  source "$root/cmake/install_dependencies.sh"
  export -f configure
  passes configuring bash -c 'configure "$@"' bash "$root" "$build" -DCMAKE_BUILD_TYPE=Release -DPRETEXT_CUDA=ON \
    -DPRETEXT_BENCHMARKS=ON -DPRETEXT_TESTS=OFF -DPRETEXT_EXAMPLES=OFF -DCMAKE_CUDA_ARCHITECTURES="$architectures"
  if [ "$outcome" -ne 0 ]; then
    echo "Without a network Eigen and doctest must be here: name folders that hold them in CMAKE_PREFIX_PATH." >&2
    exit 1
  fi
  targets=()
  for program in "${programs[@]}"; do targets+=("$(basename "$program" .so)"); done
  passes building cmake --build "$build" --parallel "$(nproc)" --target "${targets[@]}"
  if [ "$outcome" -ne 0 ]; then exit 1; fi
fi

if [ "$tests" = yes ]; then
  passes test.cuda.gpu "$build/tests/test.cuda.gpu"
  # Where programs were built, too: one in plain C++, and the others with --device.
  if [ -x "$build/examples/minimal_gpu" ]; then
    passes minimal_gpu env --chdir="$(mktemp -d)" "$build/examples/minimal_gpu"
  fi
  there=yes
  for program in pretrain_simclr pretrain_byol pretrain_mae finetune evaluate; do
    if [ ! -x "$build/examples/$program" ]; then there=no; fi
  done
  if [ "$there" = yes ]; then
    passes device.sh env --chdir="$(mktemp -d)" PRETEXT_CUDA=ON PRETEXT_PROGRAMS="$build/examples" \
      bash "$root/tests/programs/device.sh"
  fi
  if command -v compute-sanitizer >/dev/null; then
    # All four at once: they wait for the host most of the time. Whole steps launch thousands of kernels; each kind of them
    # is seen in the kernels' own tests.
    most=$(left)
    if [ "$times" = yes ]; then most=$((most > 390 ? most - 260 : most / 3)); fi
    declare -A running
    for tool in memcheck racecheck initcheck synccheck; do
      within "$most" "$tool" compute-sanitizer --tool "$tool" --error-exitcode 1 "$build/tests/test.cuda.gpu" \
        --test-case-exclude="*learn what the CPU learns*" >"$build/sanitizer.$tool.log" 2>&1 &
      running[$tool]=$!
    done
    for tool in "${!running[@]}"; do
      log=$build/sanitizer.$tool.log status=0
      wait "${running[$tool]}" || status=$?
      case $status in
        0) echo "$tool: clean" ;;
        124)
          if grep -qE '^=+ .*(Invalid|Uninitialized|hazard|Barrier error|Program hit)' "$log"; then
            tail -n 15 "$log"
            outcome=1
          fi
          echo "$(tail -n 1 "$log"); see $log"
          ;;
        *) tail -n 15 "$log" && echo "$tool: status $status; see $log" && outcome=1 ;;
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
    if [ -n "$candidate" ] && within $((1 + $(left) / 3)) "asking $candidate for torch" \
      "$candidate" -c 'import torch, torchvision, timm, safetensors; assert torch.cuda.is_available()' 2>/dev/null; then
      python=$candidate && break
    fi
  done
  if [ -n "$python" ]; then
    # What it has begun may take some seconds longer than it was given, and its table comes last.
    passes compare.py "$python" -W ignore "$root/benchmarks/gpu/compare.py" --library "$build/benchmarks/gpu.surface.so" \
      --seconds $(($(left) - 15)) ${words[@]+"${words[@]}"}
  else
    echo "There is no Python here with torch, torchvision, timm and safetensors that finds a GPU (PEER_PYTHON names one):" \
      "our side alone."
    passes gpu.alone "$build/benchmarks/gpu.alone"
  fi
fi
echo "done after $SECONDS s"
exit "$outcome"
