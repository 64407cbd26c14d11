#!/usr/bin/env bash
# Compiles and runs encoder_time.cpp.   benchmarks/masking/run.sh [rounds] [threads] [batch]
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
build=$(mktemp -d)
trap 'rm -rf "$build"' EXIT
g++ -std=c++20 -O3 -I "$here/../../include" -isystem /usr/include/eigen3 "$here/encoder_time.cpp" -o "$build/encoder_time" \
  -pthread
"$build/encoder_time" "$@"
