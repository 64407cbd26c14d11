#!/usr/bin/env bash
# Instructions that ARM64 executes per vector multiply-add (four products of fp32), by this library and by Eigen: counted in
# qemu, exact and independent of the machine. Needs g++-aarch64-linux-gnu and qemu-user, Debian's packages; the second, not
# qemu-user-static, loads plugins.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
eigen=${EIGEN:-/usr/include/eigen3}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
for program in aarch64-linux-gnu-g++ qemu-aarch64; do
  command -v "$program" >/dev/null || { echo "there is no $program on this machine" >&2 && exit 1; }
done
"${CC:-cc}" -O2 -shared -fPIC "$here/count.c" -o "$work/count.so"
aarch64-linux-gnu-g++ -std=c++20 -O2 -static -I "$here/../../include" -isystem "$eigen" "$here/products.cpp" -o "$work/products"
counted() { qemu-aarch64 -plugin "$work/count.so" "$work/products" "$@" 2>&1 >/dev/null; }

echo "operands   M   N    K   pretext  Eigen    (instructions per four multiply-adds)"
while read -r operands m n k; do
  line=$(printf '%-8s %4d %3d %4d ' "$operands" "$m" "$n" "$k")
  for library in ours eigen; do # one call is the difference of two calls and one
    read -r twice _ < <(counted $library "$operands" "$m" "$n" "$k" 2)
    read -r once _ < <(counted $library "$operands" "$m" "$n" "$k" 1)
    line+=$(awk -v count=$((twice - once)) -v products=$((m * n * k)) 'BEGIN { printf "%8.2f", count / (products / 4) }')
  done
  echo "$line"
done <<'LIST'
nn 256 256 256
nt 256 256 256
tn 256 256 256
nn 1024 64 64
nn 64 128 1152
tn 64 64 4096
nn 1 128 512
LIST
