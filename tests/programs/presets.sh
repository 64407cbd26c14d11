#!/usr/bin/env bash
# A preset gives every option that the command line leaves out its value: the learning rate by optimizer and batch, the
# views by the kind of images. What was chosen is said and recorded, what is given stays.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/../support/programs.sh"
needs pretrain draw_inspection finetune
programs=$PRETEXT_PROGRAMS
small=(--images 48 --test-images 20 --epochs 2 --threads 2 --overwrite --out run)

# recorded KEY VALUE: run/recipe.json has this member.
recorded() { grep -qF "\"$1\": $2" run/recipe.json || die "recipe.json lacks $1 $2: $(cat run/recipe.json)"; }

# Every method of the program has presets, also those that are not compiled here.
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
for header in "$root"/examples/methods/*.hpp; do
  method=$(basename "$header" .hpp)
  grep -qF "\"$method\"" "$root/include/pretext/recipes/presets_by_name.hpp" || die "$method has no presets"
  grep -qE 'preset_field\(|view_method<' "$header" || die "$method has no option --preset"
done

ended 0 "$programs/pretrain" simclr "${small[@]}" --batch 16
says "preset small: sgd, learning rate 0.05 for 16 images a step"
says "6 steps are few: 200 teach more, by a smaller --batch or by --epochs 67"
recorded preset '"small"' && recorded learning_rate 0.05 && recorded warmup_epochs 0.15
! grep -q '"orientation"' run/recipe.json || die "the recipe has a member with its default value"
ended 0 "$programs/pretrain" simclr "${small[@]}" --batch 48
recorded learning_rate 0.15
ended 0 "$programs/pretrain" simclr "${small[@]}" --batch 16 --learning-rate 0.3 --orientation any
recorded learning_rate 0.3 && recorded orientation '"any"'
ended 0 "$programs/pretrain" simclr "${small[@]}" --batch 16 --preset paper
recorded optimizer '"lars"' && recorded learning_rate 0.3 && recorded temperature 0.1 && recorded initialisation '"official"'
! grep -q weight_decay run/metrics.csv || die "metrics.csv has a constant weight decay"
ended 0 "$programs/pretrain" simclr "${small[@]}" --batch 16 --weight-decay 0.001 --weight-decay-growth 10
recorded weight_decay_growth 10.0
[ "$(sed -n '1s/.*,//p' run/metrics.csv)" = weight_decay ] || die "metrics.csv lacks the weight decay"
awk -F, 'NR > 1 { if ($NF <= before || $NF > 0.01) exit 1; before = $NF } END { exit before < 0.005 }' run/metrics.csv ||
  die "the weight decay does not grow to ten times its value: $(cat run/metrics.csv)"
ended 0 "$programs/pretrain" byol "${small[@]}" --batch 16
recorded minimum_area 0.08 && recorded target_momentum 0.5
ended 0 "$programs/pretrain" byol "${small[@]}" --batch 16 --target-momentum 0.9
recorded target_momentum 0.9
ended 0 "$programs/pretrain" mae "${small[@]}" --batch 16 --preset paper
recorded optimizer '"adamw"' && recorded learning_rate 9.375e-06
says "6 steps are few: 500 teach more"

# Gray images have the preset for inspections, and fine-tuning turns them as well.
ended 0 "$programs/draw_inspection" --train 40 --test 20 --out surfaces
[ "$(find surfaces/train -name '*.png' | wc -l)" = 40 ] && [ -d surfaces/test/scratch ] || die "surfaces are missing"
ended 0 "$programs/pretrain" simclr --data surfaces --channels 1 "${small[@]}" --batch 20
says "preset inspection"
recorded preset '"inspection"' && recorded orientation '"any"'
ended 0 "$programs/finetune" --run run --epochs 1 --batch 20 --threads 2 --out tuned
grep -qF '"orientation": "any"' tuned/recipe.json || die "fine-tuning does not take the orientation"

# A resumed run keeps its preset.
ends 1 '--preset ("inspection" in the run, "small" given)' \
  "$programs/pretrain" simclr --resume --preset small --out run
ended 0 "$programs/pretrain" simclr --resume --out run
ended 0 "$programs/pretrain" simclr --help
says "inspection: sgd with"
grep -q -- "--learning-rate FLOAT=by preset" output || die "--help does not say where the learning rate comes from"
