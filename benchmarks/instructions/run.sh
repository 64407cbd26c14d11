#!/usr/bin/env bash
# Instructions that another processor executes per vector multiply-add (four products of fp32), by this library and by Eigen:
# counted in qemu, exact and independent of the machine.
#   benchmarks/instructions/run.sh [aarch64|riscv64]
# Needs g++-aarch64-linux-gnu (or g++-riscv64-linux-gnu) and qemu-user-static, Debian's packages.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
processor=${1:-aarch64} eigen=${EIGEN:-/usr/include/eigen3}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
compiler=$processor-linux-gnu-g++
command -v "$compiler" >/dev/null || { echo "there is no $compiler on this machine" >&2 && exit 1; }
"$compiler" -std=c++20 -O2 -static -I "$here/../../include" -isystem "$eigen" "$here/product.cpp" -o "$work/product"
counted() { "$here/count.sh" "$processor" "$work/product" "$@"; }

echo "stored        M   N    K   pretext  Eigen    (instructions per four multiply-adds of fp32)"
while read -r stored m n k; do
  line=$(printf '%-9s %5d %3d %5d ' "$stored" "$m" "$n" "$k")
  without=$(counted none float "$m" "$n" "$k" "$stored")
  for library in ours eigen; do
    with=$(counted $library float "$m" "$n" "$k" "$stored")
    line+=$(awk -v count=$((with - without)) -v products=$((m * n * k)) 'BEGIN { printf "%8.2f", count / (products / 4) }')
  done
  echo "$line"
done <<'LIST'
plain 256 256 256
weights 256 256 256
gradient 256 256 256
plain 1024 64 64
plain 64 128 1152
gradient 64 64 4096
plain 1 128 512
LIST
