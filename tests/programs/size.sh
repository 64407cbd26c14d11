#!/usr/bin/env bash
# examples/inference.cpp, with a ResNet-18 of width 16, becomes a static program of less than 1 MiB that computes the same
# features as the dynamic one.
set -euo pipefail
[ "${PRETEXT_LONG_TESTS:-OFF}" = ON ] || exit 77
[ -x "$PRETEXT_PROGRAMS/inference" ] && [ -x "$PRETEXT_PROGRAMS/pretrain" ] || exit 77
command -v g++ >/dev/null && [ "$(uname -m)" = x86_64 ] || exit 77
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
small=(-std=c++20 -Os -flto=auto -ffunction-sections -fdata-sections -Wl,--gc-sections -s)
g++ "${small[@]}" -I "$root/include" -c "$root/examples/inference.cpp" -o inference.o
build() { g++ "${small[@]}" inference.o -pthread -o "$@"; }
build dynamic
build static -static -Wl,-z,norelro -Wl,-z,noseparate-code -Wl,--build-id=none
stat -c '%n: %s bytes' dynamic static
for program in dynamic:307200 static:1048576; do
  [ "$(stat -c %s "${program%:*}")" -lt "${program#*:}" ] || { echo "${program%:*} has ${program#*:} bytes or more" >&2; exit 1; }
done
"$PRETEXT_PROGRAMS/pretrain" simclr --images 100 --test-images 10 --epochs 1 --batch 50 --out run >log 2>&1
{
  printf 'P6 40 30 255\n'
  head -c 3600 "$root/README.md"
} >picture.ppm
for program in "$PRETEXT_PROGRAMS/inference" ./dynamic ./static; do
  "$program" run/encoder.safetensors picture.ppm | tr ' ' '\n' | tail -n +2 >"$(basename "$program").txt"
done
[ "$(wc -l <static.txt)" -eq 128 ]
for other in dynamic static; do
  paste inference.txt $other.txt | awk '{ d = $1 - $2; if (d * d > 1e-8 * (1 + $1 * $1)) exit 1 }' ||
    { echo "the features of the $other program differ" >&2; exit 1; }
done
