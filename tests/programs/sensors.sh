#!/usr/bin/env bash
# Gray images of 16 bits from files: levels and normalisation are measured once, kept in the recipe and stored with the
# weights; evaluation and fine-tuning use them, and a resumed run ends with the bits of an uninterrupted one. Five channels
# train in `spectral`.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/../support/programs.sh"
needs draw_sensors pretrain evaluate finetune spectral
programs=$PRETEXT_PROGRAMS

"$programs/draw_sensors" --train 120 --test 36 --out cells
touch cells/train/notes.txt
gray=(--data cells --channels 1 --levels data --normalise data --epochs 4 --batch 20 --seed 5 --threads 2 --knn-every 0)
ended 0 "$programs/pretrain" simclr "${gray[@]}" --out run
[ "$(grep -c "left out" output)" -eq 1 ] || die "what was left out is not said once"
levels=$(sed -n 's/^levels of the training images: --levels //p' output)
normalisation=$(sed -n 's/^mean and deviation of the training images: --normalise //p' output)
[[ $levels == *:* && $normalisation == */* ]] || die "levels and normalisation are not said"
grep -qF "\"levels\": \"$levels\"" run/recipe.json || die "the recipe lacks the levels $levels"
grep -qF "\"normalisation\": \"$normalisation\"" run/recipe.json || die "the recipe lacks $normalisation"
for key in '"level_rule":"window"' "\"level_low\":\"${levels%:*}\"" '"input_channels":"1"' \
  "\"mean\":\"${normalisation%/*}\"" "\"std\":\"${normalisation#*/}\""; do
  head -c 20000 run/encoder.safetensors | grep -aF "$key" >/dev/null || die "the encoder file does not record $key"
done
ended 0 "$programs/evaluate" --run run --linear-epochs 0 --threads 2
says '"knn_untrained"'

# Stopped after its first checkpoint and resumed: nothing is measured again, and the encoder is the same.
"$programs/pretrain" simclr "${gray[@]}" --checkpoint-seconds 0 --out resumed 2>log &
while [ ! -e resumed/checkpoint.safetensors ]; do sleep 0.02; done
kill -INT $!
wait $! && die "the run was not stopped" || [ $? -eq 130 ]
ended 0 "$programs/pretrain" simclr --resume --knn-every 0 --out resumed
! grep -q "of the training images" output || die "a resumed run measures its images"
cmp run/encoder.safetensors resumed/encoder.safetensors

# Fine-tuning takes channels, levels and normalisation from the run.
ends 0 "result: " "$programs/finetune" --run run --epochs 1 --batch 20 --threads 2 --out tuned
grep -qF "\"levels\": \"$levels\"" tuned/recipe.json && grep -q '"channels": 1' tuned/recipe.json ||
  die "the recipe of the fine-tuning lacks levels or channels"
# Without a run they are measured here, too.
ends 0 "result: " "$programs/finetune" --from-scratch "${gray[@]:0:8}" --epochs 1 --batch 20 --threads 2 --out scratch
grep -qF "\"levels\": \"$levels\"" scratch/recipe.json || die "fine-tuning measures other levels: $(cat scratch/recipe.json)"

ended 0 "$programs/pretrain" simclr --data cells --out three --epochs 1 --batch 40 --threads 2 --knn-every 0
! grep -q '"levels"\|"channels"' three/recipe.json || die "the recipe of a run with default levels has new members"

for wrong in "--levels 5:5" "--levels 99%:1%" "--levels a:b" "--normalise 0.5/0" "--normalise 0.5,0.5/1,1" \
  "--normalise imagenet" "--channels 2"; do
  # shellcheck disable=SC2086
  "$programs/pretrain" simclr --data cells --channels 1 --out wrong $wrong >output 2>&1 && die "$wrong is accepted"
  matches "${wrong%% *}|channels"
  [ ! -e wrong ] || die "$wrong leaves a folder"
done

ended 0 "$programs/spectral" --train 100 --test 30 --epochs 1 --threads 2
says 'channel 4: mean'
says 'untrained 0.'
