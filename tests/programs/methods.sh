#!/usr/bin/env bash
# Every method of `pretrain` has a help page, takes steps with its defaults, and writes an encoder that `evaluate` reads.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/../support/programs.sh"
needs pretrain evaluate draw_builtin
programs=$PRETEXT_PROGRAMS
count=0
for method in $(methods); do
  ended 0 "$programs/pretrain" "$method" --help
  says "--learning-rate"
  ended 0 "$programs/pretrain" "$method" --images 128 --test-images 32 --epochs 2 --batch 64 --threads 2 --keep-going \
    --out "$method"
  [ -s "$method/encoder.safetensors" ] || die "$method has written no encoder"
  ended 0 "$programs/evaluate" --run "$method" --linear-epochs 0 --threads 2
  says "result: {"
  count=$((count + 1))
done
# One that learns labels says which image has none, and leaves no folder behind.
if [ -n "$(methods | sed -n /^supcon$/p)" ]; then
  "$programs/draw_builtin" --count 20 --out flat >log 2>&1
  fails "pretrain supcon learns from labels, and " "$programs/pretrain" supcon --data flat --batch 8 --out unlabelled
  [ ! -e unlabelled ] || die "a run without labels left a folder behind"
fi
[ "$count" -ge 3 ] || die "pretrain has $count methods"
