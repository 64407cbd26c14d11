#!/usr/bin/env bash
# Fine-tuning starts from a run, from a file or from scratch; its classifier is the same, bit for bit, if it is killed and
# resumed, and on 1, 2 and 3 threads; wrong options end with an error message.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/../support/programs.sh"
finetune=$PRETEXT_PROGRAMS/finetune pretrain=("$PRETEXT_PROGRAMS/pretrain" simclr)
needs finetune pretrain
rm -rf run one two three killed scratch file frozen vit
sum() { sha256sum "$1/classifier.safetensors" | cut -d' ' -f1; }
same() { [ "$(sum one)" = "$(sum "$1")" ] || die "the classifier of '$1' differs"; }

"${pretrain[@]}" --images 400 --test-images 50 --epochs 1 --batch 64 --threads 2 --out run 2>log
all=(--mixup 0.8 --cutmix 1 --label-smoothing 0.1 --erasing 0.25 --rand-augment 9 --layer-decay 0.75 --optimizer adamw
  --learning-rate 0.002)
common=(--run run --labels 0.2 --epochs 6 --batch 20 --seed 3 --checkpoint-seconds 0.05 "${all[@]}")
"$finetune" "${common[@]}" --threads 1 --test-every 3 --out one >output 2>>log
grep -qE '^result: \{"method":"finetune","labels":0.2,"from_scratch":false,"accuracy":0\.[0-9]+,"top5":[01]\.[0-9]+,"balanced_accuracy":0\.[0-9]+,"auroc":0\.[0-9]+,"seconds":[0-9.]+\}$' output || die "$(cat output)"
grep -q '"balanced_accuracy": 0\.[0-9]' one/summary.json || die "summary.json lacks the test: $(cat one/summary.json)"
grep -q '<h2>Confusion matrix (test images)</h2>' one/report.html || die "the report lacks the confusion matrix"
[ "$(wc -l <one/labelled.txt)" -eq 80 ] || die "it used $(wc -l <one/labelled.txt) labels"
[ "$(sort -u one/labelled.txt | wc -l)" -eq 80 ]
head -1 one/metrics.csv | grep -qx "step,epoch,loss,learning_rate,images_per_second,accuracy"
"$finetune" "${common[@]}" --threads 2 --out two >output 2>>log
"$finetune" "${common[@]}" --threads 3 --out three >output 2>>log
same two
same three

RANDOM=5
"$finetune" "${common[@]}" --threads 2 --out killed >output 2>>log &
for kill in 1 2 3 4 5 6; do
  child=$!
  sleep "0.$((RANDOM % 60 + 10))"
  kill -9 "$child" 2>/dev/null || true
  wait "$child" 2>/dev/null || true
  if [ -e killed/checkpoint.safetensors ]; then resume=(--resume); else resume=("${common[@]}" --overwrite); fi
  "$finetune" "${resume[@]}" --threads 2 --out killed >output 2>>log &
done
wait $!
same killed

short=(--labels 0.2 --epochs 1 --batch 20 --threads 2)
"$finetune" --run run --from-scratch "${short[@]}" --out scratch >output 2>>log
grep -q '"from_scratch":true' output
"$finetune" --weights run/encoder.safetensors --images 400 --test-images 50 "${short[@]}" --out file >output 2>>log
grep -q '"from_scratch":false' output
"$finetune" --run run --freeze "${short[@]}" --out frozen >output 2>>log
cmp <(tail -c 2000000 run/encoder.safetensors) <(tail -c 2000000 frozen/encoder.safetensors) ||
  die "a frozen encoder has changed"
"$finetune" --from-scratch --encoder vit-micro --images 100 --test-images 20 --drop-path 0.1 --epochs 1 --batch 20 \
  --threads 2 --out vit >output 2>>log
grep -q '"layer_decay": 0.75' vit/recipe.json

fails "nothing to start from" "$finetune" --out nothing
fails "holds a run already" "$finetune" "${common[@]}" --out one
same one
fails "was made for another encoder" "$finetune" --weights run/encoder.safetensors --encoder vit-micro --out nothing
fails "nowhere" "$finetune" --run nowhere --out nothing
fails "choose a smaller batch" "$finetune" --run run --labels 0.01 --out nothing
fails "contains a run of simclr" "$finetune" --resume --out run
echo "from a run, a file and from scratch; 1, 2 and 3 threads; killed and resumed: all as expected"
