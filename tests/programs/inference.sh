#!/usr/bin/env bash
# The example inference computes the features of a run's encoder and the classes of a fine-tuned one, by their names, from
# the files alone; wrong pictures and files end with a sentence.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/../support/programs.sh"
inference=$PRETEXT_PROGRAMS/inference
needs inference finetune pretrain
"$PRETEXT_PROGRAMS/pretrain" simclr --images 200 --test-images 20 --epochs 1 --batch 50 --out run >log 2>&1
"$PRETEXT_PROGRAMS/finetune" --run run --labels 0.5 --epochs 1 --batch 20 --out tuned >>log 2>&1
{
  printf 'P6 # a comment\n40 30\n255\n'
  head -c 3600 "$inference" # any bytes
} >picture.ppm
"$inference" run/encoder.safetensors picture.ppm picture.ppm >output
[ "$(wc -l <output)" -eq 2 ] && [ "$(head -1 output | wc -w)" -eq 129 ] || die "$(cat output)"
[ "$(sort -u output | wc -l)" -eq 1 ] || die "one picture has two features: $(cat output)"
"$inference" tuned/classifier.safetensors picture.ppm >output
grep -qE '^picture\.ppm [a-z][a-z0-9 _-]* [01]\.[0-9]{3}$' output || die "expected the name of a class: $(cat output)"

ends 1 "nowhere.safetensors" "$inference" nowhere.safetensors picture.ppm
ends 1 "is no complete PPM" "$inference" run/encoder.safetensors run/encoder.safetensors
head -c 100 picture.ppm >short.ppm
ends 1 "short.ppm: is no complete PPM" "$inference" run/encoder.safetensors short.ppm
ends 1 "usage" "$inference"
echo "features and classes from the files of the programs: as expected"
