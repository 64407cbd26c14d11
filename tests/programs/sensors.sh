#!/usr/bin/env bash
# Gray images of 16 bits from files: levels and normalisation are measured once, kept in the recipe and stored with the
# weights; evaluation and fine-tuning use them. Five channels train in `spectral`.
set -euo pipefail
programs=$PRETEXT_PROGRAMS
fail() { echo "failed: $1" >&2; exit 1; }

"$programs/draw_sensors" --train 120 --test 36 --out cells
"$programs/pretrain_simclr" --data cells --channels 1 --levels data --normalise data --epochs 1 --batch 40 --threads 2 \
  --out run 2>said
levels=$(sed -n 's/^levels of the training images: --levels //p' said)
normalisation=$(sed -n 's/^mean and deviation of the training images: --normalise //p' said)
[[ $levels == *:* && $normalisation == */* ]] || fail "levels and normalisation are not said: $(cat said)"
grep -qF "\"levels\": \"$levels\"" run/recipe.json || fail "the recipe lacks the levels $levels"
grep -qF "\"normalisation\": \"$normalisation\"" run/recipe.json || fail "the recipe lacks $normalisation"
for key in '"level_rule":"window"' "\"level_low\":\"${levels%:*}\"" '"input_channels":"1"' \
  "\"mean\":\"${normalisation%/*}\"" "\"std\":\"${normalisation#*/}\""; do
  head -c 20000 run/encoder.safetensors | grep -aqF "$key" || fail "the encoder file does not record $key"
done
"$programs/evaluate" --run run --linear-epochs 0 --threads 2 >said || fail "evaluate: $(cat said)"
grep -q '"knn_untrained"' said || fail "evaluate prints no accuracy of the untrained encoder"

"$programs/pretrain_simclr" --data cells --out three --epochs 1 --batch 40 --threads 2 2>said ||
  fail "gray images of 16 bits do not train an RGB network: $(cat said)"
! grep -q '"levels"\|"channels"' three/recipe.json || fail "the recipe of a run with default levels has new members"

for wrong in "--levels 5:5" "--levels 99%:1%" "--levels a:b" "--normalise 0.5/0" "--normalise 0.5,0.5/1,1" \
  "--normalise imagenet" "--channels 2"; do
  # shellcheck disable=SC2086
  "$programs/pretrain_simclr" --data cells --channels 1 --out wrong $wrong 2>said && fail "$wrong is accepted"
  grep -q -- "${wrong%% *}\|channels" said || fail "the message about $wrong does not name it: $(cat said)"
  [ ! -e wrong ] || fail "$wrong leaves a folder"
done

"$programs/spectral" --train 100 --test 30 --epochs 1 --threads 2 >said || fail "spectral: $(cat said)"
grep -q 'channel 4: mean' said || fail "spectral does not measure five channels"
grep -q 'untrained 0\.' said || fail "spectral prints no accuracy"
