#!/usr/bin/env bash
# Measures compilation: processor time, peak memory and stripped size of each program with g++ and clang++ at -O3, and of
# dlib's only self-supervised network if dlib is installed. Prints a table, or with --json one JSON line per case.
#   benchmarks/compile/run.sh [--json] [ENCODERS]
# ENCODERS is a list as CMake's PRETEXT_ENCODERS, by default that of the programs.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
[ -x /usr/bin/time ] || { echo "This needs GNU time: apt-get install time" >&2; exit 1; }
build=$(mktemp -d)
trap 'rm -rf "$build"' EXIT
echo '#include <pretext/pretext.hpp>
int main() {}' >"$build/vocabulary_only.cpp"

# measure <compiler> <source> <flag>...
measure() {
  local compiler=$1 source=$2 program seconds kilobytes size
  shift 2
  program=$(basename "$source" .cpp)
  if ! /usr/bin/time -f '%U %M' -o "$build/cost" "$compiler" -O3 "$source" -o "$build/program" "$@" 2>"$build/errors"; then
    echo "$compiler $program: does not compile: $(grep -m 1 error "$build/errors")" >&2
    return
  fi
  read -r seconds kilobytes < <(tail -n 1 "$build/cost")
  strip "$build/program"
  size=$(stat -c %s "$build/program")
  if [ "${json:-}" ]; then
    printf '{"compiler":"%s","program":"%s","seconds":%s,"memory_mb":%d,"stripped_kb":%d}\n' \
      "$compiler" "$program" "$seconds" $((kilobytes / 1000)) $((size / 1000))
  else
    printf '| %s | %s | %s s | %d MB | %d kB |\n' "$program" "$compiler" "$seconds" $((kilobytes / 1000)) $((size / 1000))
  fi
}

if [ "${1:-}" = --json ]; then
  json=yes
  shift
fi
cmake -S "$root" -B "$build/programs" -D PRETEXT_TESTS=OFF -D PRETEXT_EXAMPLES=ON -D PRETEXT_CUDA=OFF -D PRETEXT_DOWNLOAD=ON \
  ${1:+"-DPRETEXT_ENCODERS=$1"} >/dev/null
stamped=$build/programs/examples/stamped
[ "${json:-}" ] || printf '| program | compiler | processor time | peak memory | stripped |\n|---|---|---|---|---|\n'
for compiler in g++ clang++; do
  command -v "$compiler" >/dev/null || continue
  flags=(-std=c++20 -I "$root/include" -isystem /usr/include/eigen3 -ljpeg -lpng -pthread)
  measure "$compiler" "$build/vocabulary_only.cpp" "${flags[@]}"
  measure "$compiler" "$root/examples/minimal.cpp" "${flags[@]}"
  for source in "$here"/*.cpp; do
    [[ $source == */dlib_* ]] || measure "$compiler" "$source" "${flags[@]}"
  done
  # The trainers of the programs, with the encoders of the list, as examples/CMakeLists.txt stamps them.
  for factory in simclr byol mae finetune_classifier; do
    measure "$compiler" "$stamped/${factory}_on_cpu.cpp" -std=c++20 -D PRETEXT_CHANNELS=3 -I "$root/include" \
      -I "$root/examples" -I "$stamped" -isystem /usr/include/eigen3 -c
  done
  if [ -e /usr/include/dlib/dnn.h ]; then
    measure "$compiler" "$here/dlib_barlow_twins.cpp" -std=c++17 -ldlib -lblas -llapack -pthread
  fi
done
