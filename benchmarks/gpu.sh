#!/usr/bin/env bash
# Everything for a machine with a GPU: builds, runs the GPU tests, times whole steps and parts next to PyTorch and prints a
# table with shares of the roofline, then runs the tests under compute-sanitizer's four tools, one after the other. It ends
# within nine minutes (with --tests within four), even if a phase hangs.
#   benchmarks/gpu.sh [--tests | --times] [--build FOLDER] [--seconds N] [options of gpu/compare.py]
# --tests skips the benchmark, --times skips everything else; --build uses the programs of a folder as they are.
# After --seconds (530, with --tests 230; killing a hanging phase takes a few more) the running phase is killed and no other
# one starts; each such phase is reported. An unfinished build, test or benchmark counts as failed; an unfinished
# compute-sanitizer only if it has found an error. PEER_PYTHON is a Python with torch and torchvision (timm for MAE); without
# one only pretext is timed. compute-sanitizer's output goes to sanitizer.*.log in the build folder. Status 77: no GPU.
# Building needs CMake, CUDA 12 or newer, Eigen, doctest and cuDNN 9; PRETEXT_CUDNN=OFF in the environment times our own
# convolutions. Libraries of CUDA in the peer's Python packages are found by programs that were built elsewhere.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
build=$root/build-gpu given=no seconds='' tests=yes times=yes options=()
while (($# > 0)); do
  case $1 in
    --tests) times=no ;;
    --times) tests=no ;;
    --build) build=$(cd "$2" && pwd) given=yes && shift ;;
    --seconds) seconds=$2 && shift ;;
    *) options+=("$1") ;;
  esac
  shift
done
if [ -z "$seconds" ]; then seconds=$([ "$times" = yes ] && echo 530 || echo 230); fi
if ! [[ $seconds =~ ^[1-9][0-9]{0,5}$ ]]; then
  echo "--seconds $seconds: not a positive whole number of seconds" >&2
  exit 1
fi
outcome=0

left() { echo $((seconds - SECONDS)); }

# Kills all processes that inherited a marker in their environment, including those in other groups or sessions, with ignored
# signals or dead parents. Make and Ninja get a moment to remove half-written files. Processes stuck in the driver are not
# waited for.
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

# within SECONDS NAME COMMAND...: runs the command, kills everything that it started, and returns its status; returns 124 with
# a message if its seconds, or those of all phases, have run out.
within() {
  local limit=$1 name=$2 begun=$SECONDS status=0
  shift 2
  if ((limit > seconds - SECONDS)); then limit=$((seconds - SECONDS)); fi
  if ((limit <= 0)); then
    echo "$name: not started, $SECONDS s of $seconds have passed (--seconds sets a longer limit)"
    return 124
  fi
  PRETEXT_PHASE="$$ $name" timeout --kill-after=2 "$limit" "$@" &
  wait $! 2>/dev/null || status=$?
  end "$$ $name"
  # 137: timeout had to kill the command, or something else did.
  if [ "$status" -eq 124 ] || { [ "$status" -eq 137 ] && ((SECONDS - begun >= limit)); }; then
    echo "$name: not finished after $limit s, killed (--seconds sets a longer limit)"
    return 124
  fi
  return "$status"
}

# require NAME COMMAND...: runs a phase that has to succeed. Without a GPU it is the last phase.
require() {
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
if [ "$times" = yes ]; then programs+=(benchmarks/gpu.standalone benchmarks/gpu.c_api.so); fi
missing=
for program in "${programs[@]}"; do
  if [ ! -e "$build/$program" ]; then missing=$program; fi
done
if [ -n "$missing" ] && [ "$given" = yes ]; then
  echo "$build has no $missing: build it there, or omit --build" >&2
  exit 1
fi
# Compile for this GPU; without one for Hopper, to check that everything compiles.
architectures=90a-real
if command -v nvidia-smi >/dev/null &&
  within $((1 + $(left) / 20)) nvidia-smi nvidia-smi --query-gpu=name,driver_version,memory.total --format=csv,noheader; then
  architectures=native
fi
if [ -n "$missing" ]; then
  source "$root/cmake/install_dependencies.sh"
  export -f configure
  require configuring bash -c 'configure "$@"' bash "$root" "$build" -DCMAKE_BUILD_TYPE=Release -DPRETEXT_CUDA=ON \
    -DPRETEXT_BENCHMARKS=ON -DPRETEXT_TESTS=OFF -DPRETEXT_EXAMPLES=OFF -DCMAKE_CUDA_ARCHITECTURES="$architectures" -DPRETEXT_CUDNN="${PRETEXT_CUDNN:-ON}"
  if [ "$outcome" -ne 0 ]; then
    echo "Eigen, doctest and cuDNN 9 are needed: without a network, add their folders to CMAKE_PREFIX_PATH." >&2
    exit 1
  fi
  targets=()
  for program in "${programs[@]}"; do targets+=("$(basename "$program" .so)"); done
  require building cmake --build "$build" --parallel "$(nproc)" --target "${targets[@]}"
  if [ "$outcome" -ne 0 ]; then exit 1; fi
fi

# Programs that were built elsewhere find CUDA's libraries in the peer's packages, such as nvidia/cudnn/lib.
for candidate in "${PEER_PYTHON:-}" python3; do
  if [ -z "$candidate" ]; then continue; fi
  folders=$(within $((1 + $(left) / 20)) "looking for CUDA's libraries in $candidate" "$candidate" -c '
import glob, nvidia
print(":".join(folder for path in nvidia.__path__ for folder in glob.glob(path + "/*/lib")))' 2>/dev/null) || continue
  case $folders in
    /*) export LD_LIBRARY_PATH="${LD_LIBRARY_PATH:+$LD_LIBRARY_PATH:}$folders" && break ;;
  esac
done

if [ "$tests" = yes ]; then
  require test.cuda.gpu "$build/tests/test.cuda.gpu"
  # If the example programs were built, run them too: one in plain C++, the others with --device.
  if [ -x "$build/examples/minimal_gpu" ]; then
    require minimal_gpu env --chdir="$(mktemp -d)" "$build/examples/minimal_gpu"
  fi
  all_built=yes
  for program in pretrain finetune evaluate; do
    if [ ! -x "$build/examples/$program" ]; then all_built=no; fi
  done
  if [ "$all_built" = yes ]; then
    require device.sh env --chdir="$(mktemp -d)" PRETEXT_CUDA=ON PRETEXT_PROGRAMS="$build/examples" \
      bash "$root/tests/programs/device.sh"
  fi
fi

if [ "$times" = yes ]; then
  python=
  for candidate in "${PEER_PYTHON:-}" python3 python; do
    if [ -n "$candidate" ] && within $((1 + $(left) / 3)) "looking for torch in $candidate" \
      "$candidate" -c 'import torch, torchvision, timm, safetensors; assert torch.cuda.is_available()' 2>/dev/null; then
      python=$candidate && break
    fi
  done
  if [ -n "$python" ]; then
    # A case that has started may exceed the limit by some seconds, and the table comes last. The sanitizers get a quarter.
    reserve=15
    if [ "$tests" = yes ]; then reserve=$((reserve + $(left) / 4)); fi
    require compare.py "$python" -W ignore "$root/benchmarks/gpu/compare.py" --library "$build/benchmarks/gpu.c_api.so" \
      --seconds $(($(left) - reserve)) ${options[@]+"${options[@]}"}
  else
    echo "No Python with torch, torchvision, timm and safetensors finds a GPU (set PEER_PYTHON to one):" \
      "only pretext is timed."
    require gpu.standalone "$build/benchmarks/gpu.standalone"
  fi
fi

if [ "$tests" = yes ] && command -v compute-sanitizer >/dev/null; then
  # One after the other: two tests compare the free memory of the GPU, which another process would change. Whole steps are
  # excluded: they launch thousands of kernels, each of which has a test of its own. Kernels of cuBLASLt and cuDNN are, too,
  # where the tool can choose: initcheck and racecheck report some of them falsely.
  only_ours=()
  if within $((1 + $(left) / 20)) "compute-sanitizer --help" compute-sanitizer --help 2>/dev/null | grep -q -- --kernel-name; then
    only_ours=(--kernel-name kernel_substring=pretext)
  fi
  tools=(memcheck racecheck initcheck synccheck)
  for i in "${!tools[@]}"; do
    tool=${tools[i]} log=$build/sanitizer.${tools[i]}.log status=0 limit=$(($(left) / (${#tools[@]} - i)))
    within "$limit" "$tool" compute-sanitizer --tool "$tool" ${only_ours[@]+"${only_ours[@]}"} --error-exitcode 1 \
      "$build/tests/test.cuda.gpu" --test-case-exclude="*learn what the CPU learns*" >"$log" 2>&1 || status=$?
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
elif [ "$tests" = yes ]; then
  echo "compute-sanitizer was not found: skipped"
fi
echo "done after $SECONDS s"
exit "$outcome"
