#!/usr/bin/env bash
# tests/run.sh [--all] [ctest arguments]: installs what is missing, builds, and runs the tests.
# Without --all it runs the everyday tests, which need no CUDA compiler. --all adds the long ones: every instruction set,
# every header alone, sanitizers, the optional components (TIFF, WebP and DICOM files, videos), other platforms in
# emulators, and, where nvcc is installed, the CUDA code and its tests on an interpreter.
# Other arguments go to ctest: tests/run.sh -R augment. PRETEXT_WERROR=ON turns warnings into errors.
# The last line is "N passed, N failed, N skipped".
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
source "$root/cmake/install_dependencies.sh"

long=OFF
arguments=()
for argument in "$@"; do
  if [ "$argument" = --all ]; then long=ON; else arguments+=("$argument"); fi
done

install_dependencies
if [ "$long" = ON ]; then install_optional_dependencies; fi
build=$root/build
# The GPU programs are compiled to PTX only, which every GPU since Ampere accepts: translating them for each GPU, too, takes
# nvcc most of its time. The targets that check that translation name their GPUs themselves.
# A method takes a compiler a minute with each encoder, and nvcc several: the programs' tests have the methods that the
# README shows, one of them for GPUs, and one with small crops, with small encoders. What all methods are made of has tests of
# its own (tests/methods).
configure "$root" "$build" -DCMAKE_BUILD_TYPE=Release -DCMAKE_CUDA_ARCHITECTURES=80-virtual -DPRETEXT_TESTS=ON -DPRETEXT_EXAMPLES=ON \
  -DPRETEXT_METHODS="simclr;byol;mae;distillation;ibot" -DPRETEXT_TEACHERS=resnet18-thin@32 -DPRETEXT_GPU_METHODS=simclr \
  -DPRETEXT_ENCODERS="resnet18-thin@32;resnet18-thin@32:1;vit-micro@32" \
  -DPRETEXT_LONG_TESTS="$long" -DPRETEXT_CUDA="$long" -DPRETEXT_WERROR="${PRETEXT_WERROR:-OFF}"

jobs=$(nproc 2>/dev/null || echo 2)
# A file that does not compile is one failed test; the build continues with the others.
keep_going=(-k)
if [ -e "$build/build.ninja" ]; then keep_going=(-k 0); fi
cmake --build "$build" --parallel "$jobs" -- "${keep_going[@]}" || echo "Some files did not compile; their tests fail." >&2

results=$build/tests.xml
rm -f "$results"
outcome=0
ctest --test-dir "$build" --parallel "$jobs" --output-on-failure --no-tests=error --output-junit "$results" \
  ${arguments[@]+"${arguments[@]}"} || outcome=$?
if [ ! -e "$results" ]; then
  echo "ctest ended with code $outcome before it ran a test." >&2
  exit 1
fi

# ctest reports as "skipped" both tests that skip themselves (SKIP_...) and tests whose program is missing: the latter failed.
attribute() { sed -n "/<testsuite/,/>/s/^[[:space:]]*$1=\"\([0-9]*\)\".*/\1/p" "$results" | sed -n 1p; }
total=$(attribute tests)
skipped=$(grep -c '<skipped message="SKIP_' "$results" || true)
failed=$(($(attribute failures) + $(attribute disabled) + $(attribute skipped) - skipped))
echo "$((total - failed - skipped)) passed, $failed failed, $skipped skipped"
exit "$outcome"
