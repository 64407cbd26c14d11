#!/usr/bin/env bash
# --on-bad-image skip holds for everything that reads images: training, kNN, pictures, evaluate, finetune. What was skipped
# is counted and named. Whatever fails after the last step leaves the encoder.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/../support/programs.sh"
pretrain=("$PRETEXT_PROGRAMS/pretrain" simclr) mae=("$PRETEXT_PROGRAMS/pretrain" mae)
finetune=$PRETEXT_PROGRAMS/finetune evaluate=$PRETEXT_PROGRAMS/evaluate draw=$PRETEXT_PROGRAMS/draw_builtin
needs pretrain finetune evaluate draw_builtin

# The first image of each part is damaged, and one in the middle.
"$draw" --count 100 --classes --out photos/train 2>log
"$draw" --count 50 --seed 8 --classes --out photos/test 2>log
class=$(ls photos/train | sed -n 1p)
for part in train test; do
  for image in "$(ls photos/$part/"$class"/* | sed -n 1p)" "$(ls photos/$part/*/* | tail -n 7 | sed -n 1p)"; do
    head -c 40 "$image" >half && mv half "$image"
  done
done
damaged=$(ls photos/train/"$class"/* | sed -n 1p)
common=(--data photos --batch 16 --epochs 2 --threads 2 --knn-every 1)

ended 1 "${pretrain[@]}" "${common[@]}" --out stopping
matches "damaged PNG.*--on-bad-image skip goes on"
# Resumed with another policy: a run that stopped at a bad image goes on.
ends 0 'on_bad_image: "skip" instead of "stop"' "${pretrain[@]}" --resume --on-bad-image skip --out stopping
for method in simclr mae; do
  ends 0 "2 images could not be read and were replaced" "$PRETEXT_PROGRAMS/pretrain" "$method" "${common[@]}" --on-bad-image skip --out $method
  grep -q "$damaged" output || die "the image is not named"
  [ -s $method/encoder.safetensors ] && [ -s $method/pictures.safetensors ] || die "files are missing: $(ls $method)"
  [ "$(grep -c "photos/train.*\.png\": " $method/summary.json)" -eq 2 ] || die "$(cat $method/summary.json)"
  [ "$(tail -n 1 $method/metrics.csv | cut -d, -f"$(head -n 1 $method/metrics.csv | tr , '\n' | grep -n '^knn$' | cut -d: -f1)")" != "" ] || die "kNN was not measured"
  ends 0 "4 images could not be read and were left out" "$evaluate" --run $method --linear-epochs 1
  grep -q "98 training and 48 test images" output || die "wrong counts"
  grep -q "were left out of the evaluation" $method/report.html
done
ends 1 "$damaged" "$evaluate" --run simclr --on-bad-image stop --linear-epochs 1
ends 0 "2 images could not be read and were left out of the test" "$finetune" --run simclr --labels 0.9 --epochs 1 --batch 16 --threads 2 --test-every 1 --out tuned
[ -s tuned/classifier.safetensors ]

# What was skipped before a pause is still in the summary.
"${pretrain[@]}" --data photos --batch 16 --epochs 300 --threads 2 --on-bad-image skip --out 'paused run' 2>log &
child=$!
while [ "$( (wc -l <'paused run/metrics.csv') 2>/dev/null || echo 0)" -lt 4 ]; do # three epochs
  kill -0 $child || die "the run has ended: $(cat log)"
  sleep 0.1
done
kill -INT $child
wait $child || true
grep -q -e "resume with: pretrain simclr --resume --out 'paused run' --threads 2\$" log || die "$(cat log)"
steps=$(grep -o 'step [0-9]* of' log | grep -o '[0-9]*' | tail -n 1)
ends 0 "were replaced by others" "${pretrain[@]}" --resume --epochs $((steps / 6 + 1)) --out 'paused run'
[ "$(grep -c "photos/train.*\.png\": " 'paused run/summary.json')" -eq 2 ] || die "$(cat 'paused run/summary.json')"

# The policy is to stop, and a test image is damaged: the kNN after the last epoch fails alone.
rm "$damaged" && cp -r photos tests_damaged
for image in $(ls tests_damaged/train/*/* | tail -n 7 | sed -n 1p); do rm "$image"; done
ends 1 "but the evaluation after the last epoch failed" "${pretrain[@]}" --data tests_damaged --batch 16 --epochs 1 --threads 2 --knn-every 1 --out alone
[ -s alone/encoder.safetensors ] && [ -s alone/summary.json ] || die "the encoder is lost"
# Pictures that cannot be written.
mkdir -p blocked
"${pretrain[@]}" --images 48 --test-images 20 --batch 16 --epochs 1 --threads 2 --out blocked 2>log
rm blocked/pictures.safetensors && mkdir blocked/pictures.safetensors
ends 1 "the encoder is in blocked/encoder.safetensors, but making the pictures" "${pretrain[@]}" --resume --epochs 2 --out blocked
grep -q '"steps": 6' blocked/summary.json
echo "bad images were skipped by every reader, and no encoder was lost"
