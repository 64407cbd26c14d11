#!/usr/bin/env bash
# The C interface of examples/c_api, used by a program in plain C: the same features and classes as in C++, from two threads
# that share a model, and a sentence for every misuse. The library exports nothing but this interface.
set -euo pipefail
library=$PRETEXT_PROGRAMS/libpretext_encoder.so inference=$PRETEXT_PROGRAMS/inference
[ -e "$library" ] && [ -x "$inference" ] && [ -x "$PRETEXT_PROGRAMS/finetune" ] || exit 77
command -v cc >/dev/null || exit 77
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
header=$here/../../examples/c_api
cc -std=c99 -O1 -Wall -Wextra -Wpedantic -Werror -I "$header" "$here/c_api.c" "$library" -Wl,-rpath,"$PRETEXT_PROGRAMS" \
  -pthread -lm -o c_api
"$PRETEXT_PROGRAMS/pretrain" simclr --images 200 --test-images 20 --epochs 1 --batch 50 --out run >log 2>&1
"$PRETEXT_PROGRAMS/finetune" --run run --labels 0.5 --epochs 1 --batch 20 --out tuned >>log 2>&1
{
  printf 'P6 40 30 255\n'
  head -c 3600 "$here/c_api.c"
} >picture.ppm
./c_api run/encoder.safetensors picture.ppm >features
"$inference" run/encoder.safetensors picture.ppm | tr ' ' '\n' | tail -n +2 >expected
paste features expected | awk '{ d = $1 - $2; if (d * d > 1e-8 * (1 + $1 * $1)) exit 1 } END { exit NR != 128 }' ||
  { echo "C and C++ give other features" >&2; exit 1; }
./c_api tuned/classifier.safetensors picture.ppm >class
"$inference" tuned/classifier.safetensors picture.ppm | cut -d' ' -f2- >expected
diff class expected

# Templates of the standard library are weak and unique symbols that g++ exports whatever the visibility.
nm -D --defined-only "$library" | awk '$2 == "T" { print $3 }' | sort >exported
grep -vx 'pretext_[a-z_]*' exported && { echo "these symbols are no part of the interface" >&2; exit 1; }
[ "$(grep -c . exported)" -eq "$(grep -c '^PRETEXT_API' "$header/pretext_encoder.h")" ]
echo "features, classes, threads and errors in C: as expected"
