#!/usr/bin/env bash
# tests/fuzz/run.sh [SECONDS [TARGET...]]: fuzzes every reader of foreign bytes for SECONDS each (600 by default), with the
# address and undefined-behaviour sanitizers, starting from tests/fuzz/corpus. An input may take 10 seconds and one
# allocation 256 MiB. Needs clang++ with libFuzzer (Debian: clang and libclang-rt-dev). Prints a line per target; faults
# are files in build-fuzz/faults. New inputs that reach new code go to build-fuzz/corpus; --merge adds the few that
# matter to the committed corpus.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
build=$root/build-fuzz
merge=false
if [ "${1:-}" = --merge ]; then
  merge=true
  shift
fi
seconds=${1:-600}
if [ $# -gt 0 ]; then shift; fi

mkdir -p "$build/faults"
cmake -S "$root" -B "$build" -DCMAKE_CXX_COMPILER=clang++ -DCMAKE_BUILD_TYPE=RelWithDebInfo -DPRETEXT_FUZZ=ON \
  -DPRETEXT_SANITIZE=address,undefined,float-cast-overflow -DCMAKE_CXX_FLAGS="-fsanitize=fuzzer-no-link -O1" \
  -DPRETEXT_TESTS=ON -DPRETEXT_EXAMPLES=ON -DPRETEXT_CUDA=OFF >"$build/configure.log" 2>&1 || { cat "$build/configure.log" >&2; exit 1; }
targets=("$@")
if [ ${#targets[@]} -eq 0 ]; then
  for source in "$root"/tests/fuzz/*.cpp; do
    name=$(basename "$source" .cpp)
    if [ "$name" != replay ]; then targets+=("$name"); fi
  done
fi
# Readers whose libraries are missing here have no target.
built=$(cmake --build "$build" --target help)
for i in "${!targets[@]}"; do
  if ! grep -q "fuzz\.${targets[i]}\b" <<<"$built"; then
    echo "${targets[i]}: skipped, its library is missing"
    unset "targets[i]"
  fi
done
[ ${#targets[@]} -gt 0 ] || exit 0
cmake --build "$build" --parallel "$(nproc)" --target "${targets[@]/#/fuzz.}"

outcome=0
for name in "${targets[@]}"; do
  grown=$build/corpus/$name
  mkdir -p "$grown"
  committed=$root/tests/fuzz/corpus/$name
  program=$(find "$build" -type f -name "fuzz.$name" | sed -n 1p)
  if $merge; then
    rm -rf "$build/merged" && mkdir "$build/merged"
    "$program" -merge=1 -max_len=4096 "$build/merged" "$committed" "$grown" >"$build/$name.log" 2>&1
    find "$build/merged" -type f | sort | head -n 150 | xargs -r cp -n -t "$committed"
    echo "$name: $(find "$committed" -type f | wc -l) inputs"
    continue
  fi
  status=0
  "$program" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -malloc_limit_mb=256 -print_final_stats=1 \
    -artifact_prefix="$build/faults/$name-" "$grown" "$committed" >"$build/$name.log" 2>&1 || status=$?
  executions=$(sed -n 's/^stat::number_of_executed_units: *//p' "$build/$name.log")
  coverage=$(grep -oE 'cov: [0-9]+ ft: [0-9]+' "$build/$name.log" | tail -n 1 || true)
  if [ "$status" -eq 0 ]; then
    echo "$name: ${executions:-0} executions in $seconds s, ${coverage:-no coverage}, no fault"
  else
    echo "$name: a fault after ${executions:-few} executions, ${coverage:-no coverage}; see $build/$name.log" >&2
    grep -E "^SUMMARY|broken claim|no sentence" "$build/$name.log" >&2 || true
    outcome=1
  fi
done
exit "$outcome"
