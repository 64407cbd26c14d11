#!/usr/bin/env bash
# Every method of `pretrain` has a help page, takes steps with its defaults, and writes an encoder that `evaluate` reads.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/../support/programs.sh"
needs pretrain evaluate
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
[ "$count" -ge 3 ] || die "pretrain has $count methods"
