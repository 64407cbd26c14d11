#!/usr/bin/env bash
# Bad input ends with one error message that names the cause, with a nonzero exit status, and destroys nothing.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/../support/programs.sh"
pretrain=("$PRETEXT_PROGRAMS/pretrain" simclr)
byol=("$PRETEXT_PROGRAMS/pretrain" byol)
evaluate=$PRETEXT_PROGRAMS/evaluate
needs pretrain evaluate
rm -rf run byol broken photos empty

small=(--images 64 --test-images 20 --epochs 1 --batch 32 --threads 2)
fails "there is no such folder" "${pretrain[@]}" --data nowhere --out run
fails "was not compiled into this program" "${pretrain[@]}" --encoder resnet34 --out run
matches "cmake '-DPRETEXT_ENCODERS=resnet18-thin@32;.*;resnet34@32' .* && cmake --build .* --target pretrain"
fails "at 32 pixels and 2 channels was not" "${pretrain[@]}" --channels 2 --out run
says ";resnet18-thin@32:2'"
fails "there is no encoder resnet19; known are resnet18-thin, resnet18," "${pretrain[@]}" --encoder resnet19 --out run
fails "encoder resnet18 is a convolutional network, and only a vision transformer" "$PRETEXT_PROGRAMS/pretrain" mae --encoder resnet18 --out run
fails "there is no method simclrr; choose barlow_twins, byol, " "$PRETEXT_PROGRAMS/pretrain" simclrr --out run
fails "name a method first, barlow_twins, byol, " "$PRETEXT_PROGRAMS/pretrain" --out run
fails "name a method first, barlow_twins, byol, " "$PRETEXT_PROGRAMS/pretrain"
ended 0 "$PRETEXT_PROGRAMS/pretrain" --help
matches "^  simclr +SimCLR \(Chen et al. 2020\): NT-Xent"
ends 0 "Usage: pretrain simclr [OPTIONS]" "${pretrain[@]}" --help
fails "choose a smaller batch" "${pretrain[@]}" --images 8 --batch 32 --out run
fails "pretrain simclr --out" "$evaluate" --run nothing_here
fails "recipe.json" "${pretrain[@]}" --resume --out nothing_here
fails "pretrain byol --out nothing_here" "${byol[@]}" --resume --out nothing_here
fails "Value 1.5 not in range: it must be from 0 to 1" "${byol[@]}" --target-momentum 1.5 --out run
fails "name another std::ratio" "$PRETEXT_PROGRAMS/pretrain" mae --mask-ratio 0.5 --out run
mkdir empty
fails "empty" "${pretrain[@]}" --data empty --out run

"${pretrain[@]}" "${small[@]}" --out run 2>log
before=$(sha256sum run/checkpoint.safetensors)
fails "holds a run already" "${pretrain[@]}" "${small[@]}" --out run
[ "$before" = "$(sha256sum run/checkpoint.safetensors)" ]

# Only the program that started a run can resume it, and a recipe of an earlier version, with fewer members, is accepted.
fails "resume it with pretrain simclr --resume --out run" "${byol[@]}" --resume --out run
"${byol[@]}" "${small[@]}" --out byol 2>log
fails "resume it with pretrain byol --resume --out byol" "${pretrain[@]}" --resume --out byol
grep -v '"beta1"\|"layer_decay"\|"mask_ratio"' byol/recipe.json >older && mv older byol/recipe.json
"$evaluate" --run byol --linear-epochs 1 >log
grep -q '"method":"byol"' log
grep -q "Grill et al. 2020" byol/report.html && grep -q "Momentum of the target" byol/report.html

# A truncated checkpoint or encoder is rejected with its name.
cp -r run broken
head -c 5000 run/checkpoint.safetensors >broken/checkpoint.safetensors
fails "broken/checkpoint.safetensors" "${pretrain[@]}" --resume --out broken
cp run/checkpoint.safetensors broken/
head -c 5000 run/encoder.safetensors >broken/encoder.safetensors
fails "broken/encoder.safetensors" "$evaluate" --run broken

# An unreadable image is named; with --on-bad-image skip the run continues without it and lists it.
mkdir -p photos/train/a photos/train/b
"$PRETEXT_PROGRAMS/draw_builtin" --count 70 --out photos/train/a 2>log
cp photos/train/a/0000*.png photos/train/b/
echo "not an image" >photos/train/a/broken.jpg
fails "broken.jpg" "${pretrain[@]}" --data photos --epochs 1 --batch 32 --threads 2 --out skipping
"${pretrain[@]}" --data photos --epochs 3 --batch 32 --threads 2 --on-bad-image skip --overwrite --out skipping 2>log
grep -q "broken.jpg" skipping/summary.json

# A learning rate that makes the loss infinite or NaN ends the run; what was saved remains.
fails "try a smaller learning rate" "${pretrain[@]}" --images 64 --test-images 20 --batch 32 --threads 2 --epochs 10 \
  --learning-rate 1e30 --warmup-epochs 0 --out diverged
[ -e diverged/recipe.json ]
echo "every mistake was answered with an error message"
