#!/usr/bin/env bash
# cross.sh aarch64|riscv64|windows: compiles examples and tests for another platform, runs the tests in an emulator and
# compares a feature with the one that this machine's program computes. On ARM64 also the sizes of the small program.
# Starts in an empty folder, with the variables that tests/platforms/CMakeLists.txt sets.
set -euo pipefail
platform=$1
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
source "$root/tests/support/programs.sh"
skip() {
  echo "SKIPPED: there is no $1 on this machine (Debian: $2)"
  exit 77
}
# find_emulator NAME...: the first one of these that is installed becomes `emulator`.
emulator=
find_emulator() {
  local name
  for name in "$@"; do
    if command -v "$name" >/dev/null; then emulator=$name && return; fi
  done
}

suffix=
examples=inference
case $platform in
  aarch64)
    find_emulator qemu-aarch64-static qemu-aarch64
    package=g++-aarch64-linux-gnu
    # Not the tests of Winograd's convolutions and of LARS, which take a minute and a half in the emulator: `inference`, whose
    # feature is compared below, runs the former forward, and SimCLR's reference the latter.
    tests=(core/bfloat16 kernels/cpu/gemm kernels/cpu/gemm/tile kernels/cpu/attention/softmax_columns layers/attention
      losses/cross_entropy augment/resampling encoders/resnet_reference methods/simclr_reference methods/mae_reference io/file io/safetensors
      runtime/folder_lock inference/inference_context)
    ;;
  riscv64)
    find_emulator qemu-riscv64-static qemu-riscv64
    package=g++-riscv64-linux-gnu
    tests=(kernels/cpu/gemm/tile augment/resampling losses/cross_entropy io/safetensors)
    ;;
  windows)
    find_emulator wine64 wine
    package=g++-mingw-w64-x86-64-posix
    suffix=.exe
    examples='inference;minimal'
    export WINEPREFIX=$PWD/wine WINEDEBUG=-all
    tests=(kernels/cpu/gemm/tile augment/resampling methods/simclr_reference io/file io/safetensors runtime/folder_lock
      runtime/interrupt)
    ;;
esac
compiler=$(sed -n 's/^set(CMAKE_CXX_COMPILER \(.*\))/\1/p' "$root/tests/platforms/$platform.cmake")
command -v "$compiler" >/dev/null || skip "$compiler" "$package"
[ -n "$emulator" ] || [ "$platform" != aarch64 ] || skip qemu-aarch64 qemu-user-static
needs inference pretrain

# Headers of this machine that are the same everywhere, without the others in /usr/include.
mkdir headers
ln -s "$PRETEXT_DOCTEST/doctest" "$PRETEXT_NLOHMANN_JSON/nlohmann" headers/
say_and_run() { "$@" >output 2>&1 || die "failed: $*"; }
say_and_run cmake -S "$root/tests/platforms/project" -B build --toolchain "$root/tests/platforms/$platform.cmake" \
  -DCMAKE_BUILD_TYPE=MinSizeRel -D root="$root" -D examples="$examples" -D tests="$(IFS=';' && echo "${tests[*]}")" -D headers="$PWD/headers" \
  -DPRETEXT_DOWNLOAD=ON -DFETCHCONTENT_SOURCE_DIR_EIGEN="$PRETEXT_EIGEN3"
say_and_run cmake --build build --parallel "$(nproc 2>/dev/null || echo 2)"
rm -f output
echo "compiled by $compiler: ${examples/;/ } and the tests ${tests[*]}"
if [ -z "$emulator" ]; then
  echo "Nothing was run: there is no emulator."
  exit
fi

for test in "${tests[@]}"; do
  "$emulator" "build/test.${test//\//.}$suffix" >output 2>&1 || die "$test fails on $platform"
  echo "$test: $(sed -n 's/.*test cases: *\([0-9]*\) .*/\1/p' output) test cases pass"
done

"$PRETEXT_PROGRAMS/pretrain" simclr --images 100 --test-images 10 --epochs 1 --batch 50 --out run >log 2>&1
{
  printf 'P6 40 30 255\n'
  head -c 3600 "$root/README.md"
} >picture.ppm
# feature FILE COMMAND...: the feature of the picture, a number per line.
feature() { "${@:2}" run/encoder.safetensors picture.ppm | tr -d '\r' | tr ' ' '\n' | tail -n +2 >"$1"; }
feature here.txt "$PRETEXT_PROGRAMS/inference"
compare() {
  [ "$(wc -l <"$1")" -eq 128 ] || die "the feature has $(wc -l <"$1") values"
  paste here.txt "$1" | awk '{ d = $1 - $2; if (d < 0) d = -d; if (d > most) most = d; if (d > 1e-5 * (1 + $1)) bad = 1 }
    END { printf "largest difference of the feature to this machine'\''s: %.1g\n", most; exit bad }' ||
    die "the feature on $platform differs from this machine's"
}
feature there.txt "$emulator" "build/inference$suffix"
compare there.txt

# The small program of docs/using.md.
if [ "$platform" = aarch64 ]; then
  small=(-std=c++20 -Os -flto=auto -ffunction-sections -fdata-sections -Wl,--gc-sections -s -isystem "$PRETEXT_EIGEN3")
  "$compiler" "${small[@]}" -I "$root/include" -c "$root/examples/inference.cpp" -o inference.o
  "$compiler" "${small[@]}" inference.o -pthread -o dynamic
  "$compiler" "${small[@]}" inference.o -pthread -o static -static -Wl,-z,norelro -Wl,-z,noseparate-code -Wl,--build-id=none
  stat -c '%n: %s bytes' dynamic static
  feature small.txt "$emulator" ./static
  compare small.txt
fi
