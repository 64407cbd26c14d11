#!/usr/bin/env bash
# Every method with multi-crop learns from small crops, too: their number is in the recipe and in the network, a run with
# them resumes, and its encoder is read as one without them. A number that was not compiled is refused with the command that
# compiles it.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/../support/programs.sh"
needs pretrain evaluate
programs=$PRETEXT_PROGRAMS
small=(--images 64 --test-images 32 --batch 16 --threads 2 --keep-going)
# loss RUN: the last loss in metrics.csv.
loss() { tail -n 1 "$1/metrics.csv" | cut -d, -f3; }

count=0
for method in $(methods); do
  "$programs/pretrain" "$method" --help >help
  grep -q -- --local-crops help || continue
  count=$((count + 1))
  ended 0 "$programs/pretrain" "$method" "${small[@]}" --epochs 2 --local-crops 6 --out "$method"
  grep -qF '"local_crops": 6' "$method/recipe.json" || die "recipe.json lacks the number of small crops"
  ended 0 "$programs/evaluate" --run "$method" --linear-epochs 0 --threads 2
  says "result: {"
  ended 0 "$programs/pretrain" "$method" "${small[@]}" --epochs 2 --out "$method-large"
  ! grep -q local_crops "$method-large/recipe.json" || die "recipe.json has a number of small crops that is not there"
  [ "$(loss "$method")" != "$(loss "$method-large")" ] || die "$method: small crops change nothing"

  ended 0 "$programs/pretrain" "$method" "${small[@]}" --epochs 1 --local-crops 6 --out "$method-resumed"
  ended 0 "$programs/pretrain" "$method" --resume --epochs 2 --threads 2 --keep-going --out "$method-resumed"
  ends 1 '--local-crops (6 in the run, 0 given)' "$programs/pretrain" "$method" --resume --local-crops 0 --out "$method"

  fails "this program can make 0 or 6 local crops, not 7" "$programs/pretrain" "$method" --local-crops 7 --out none
  says "'-DPRETEXT_LOCAL_CROPS=6;7'"
  fails "--local-minimum-area 0.9 must be at most --minimum-area 0.5" "$programs/pretrain" "$method" --local-crops 6 \
    --local-minimum-area 0.9 --minimum-area 0.5 --out none
  [ ! -e none ] || die "a run without its crops left a folder behind"
done
[ "$count" -gt 0 ] || exit 77
echo "$count methods with small crops"
