#!/usr/bin/env bash
# `pretrain --init` starts from the encoder of a file, whatever its prefix: every method says what it took, records the file
# and resumes without it. What does not fit is refused before anything is written.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/../support/programs.sh"
needs pretrain finetune
pretrain=$PRETEXT_PROGRAMS/pretrain
small=(--images 64 --test-images 20 --batch 32 --threads 2 --epochs 1)

ended 0 "$pretrain" simclr "${small[@]}" --out resnet
ended 0 "$pretrain" mae "${small[@]}" --out vit
# begins METHOD OPTION...: the learning rate is zero, so the run ends with the weights that it began with.
begins() { ended 0 "$pretrain" "$1" "${small[@]}" --learning-rate 0 --init "$2" --out "from_$1" "${@:3}"; }

begins byol resnet/encoder.safetensors
says "weights of resnet/encoder.safetensors: 100 tensors taken; left: \"bn1.num_batches_tracked\""
grep -qF '"init": "resnet/encoder.safetensors"' from_byol/recipe.json || die "the recipe lacks the file"
begins mae vit/encoder.safetensors --init-report
says "  blocks.5.mlp.fc2.weight [128, 512]: taken"
says "  cls_token [1, 1, 128]: taken"
cmp <(tail -c 4000000 vit/encoder.safetensors) <(tail -c 4000000 from_mae/encoder.safetensors) || die "MAE began with other weights"
if grep -q "normalised" output; then die "the same normalisation is reported"; fi
begins simclr resnet/encoder.safetensors --normalise cifar
says "the images of resnet/encoder.safetensors were normalised by mean 0 0 0 and deviation 1 1 1, these by 0.4914"

# A resumed run needs the file only if it has no checkpoint yet, and then it begins with the same weights.
mv resnet moved
ended 0 "$pretrain" byol --resume --epochs 2 --out from_byol
ends 1 "a resumed run keeps its settings; leave out --init" "$pretrain" byol --resume --init other --out from_byol
rm from_byol/checkpoint.safetensors from_byol/encoder.safetensors
fails "resnet/encoder.safetensors" "$pretrain" byol --resume --out from_byol

fails "nowhere.safetensors" "$pretrain" simclr "${small[@]}" --init nowhere.safetensors --out nothing
fails "of the encoder's 100 tensors" "$pretrain" simclr "${small[@]}" --init vit/encoder.safetensors --out nothing
fails "has shape" "$pretrain" simclr "${small[@]}" --channels 1 --init moved/encoder.safetensors --out nothing
fails "--init-report requires --init" "$pretrain" simclr --init-report --out nothing
[ ! -e nothing ] || die "a folder was created"
echo "every method begins with the weights of a file"
