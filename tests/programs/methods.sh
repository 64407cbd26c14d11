#!/usr/bin/env bash
# Every method of `pretrain` has a help page, takes steps with its defaults, and writes an encoder that `evaluate` reads and
# `finetune` starts from.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/../support/programs.sh"
needs pretrain evaluate finetune draw_builtin
programs=$PRETEXT_PROGRAMS
count=0
for method in $(methods | sed '/^distillation$/d') $(methods | sed -n '/^distillation$/p'); do
  own=()
  if [ "$method" = distillation ]; then own=(--teacher simclr); fi # which has taken its steps before
  ended 0 "$programs/pretrain" "$method" --help
  says "--learning-rate"
  ended 0 "$programs/pretrain" "$method" --images 128 --test-images 32 --epochs 2 --batch 64 --threads 2 --keep-going \
    ${own[@]+"${own[@]}"} --out "$method"
  says "preset small: "
  [ -s "$method/encoder.safetensors" ] || die "$method has written no encoder"
  ended 0 "$programs/evaluate" --run "$method" --linear-epochs 0 --threads 2
  says "result: {"
  ended 0 "$programs/finetune" --run "$method" --labels 0.5 --epochs 1 --batch 32 --threads 2 --out "$method-tuned"
  says '"method":"finetune"'
  count=$((count + 1))
done
# One that learns labels says which image has none, and leaves no folder behind.
if [ -n "$(methods | sed -n /^supcon$/p)" ]; then
  "$programs/draw_builtin" --count 20 --out flat >log 2>&1
  fails "pretrain supcon learns from labels, and " "$programs/pretrain" supcon --data flat --batch 8 --out unlabelled
  [ ! -e unlabelled ] || die "a run without labels left a folder behind"
fi
# Distillation says what is wrong with its teacher.
if [ -n "$(methods | sed -n /^distillation$/p)" ]; then
  fails "distillation needs a teacher: give --teacher" "$programs/pretrain" distillation --out no_teacher
  fails "is of an encoder of images of 32 pixels and 3 channels, and this run has 32 and 1" "$programs/pretrain" distillation \
    --teacher simclr --channels 1 --out no_teacher
  fails "its images were normalised with mean 0 0 0" "$programs/pretrain" distillation --teacher simclr --normalise cifar \
    --out no_teacher
  fails "teacher vit-tiny at 32 pixels was not compiled into this program; it has" "$programs/pretrain" distillation \
    --teacher simclr --teacher-encoder vit-tiny --out no_teacher
  says "'-DPRETEXT_TEACHERS=resnet18-thin@32"
  [ ! -e no_teacher ] || die "a run without a teacher left a folder behind"
  cp simclr/encoder.safetensors teacher.safetensors
  "$programs/pretrain" simclr --images 128 --test-images 32 --epochs 1 --batch 64 --seed 2 --keep-going --overwrite --out simclr 2>log
  fails "simclr/encoder.safetensors: the teacher of this run was changed" "$programs/pretrain" \
    distillation --resume --epochs 3 --out distillation
  mv teacher.safetensors simclr/encoder.safetensors
  ended 0 "$programs/pretrain" distillation --resume --epochs 3 --out distillation
  # A run of an earlier version, which did not record its teacher, still has none recorded when it was resumed.
  recorded=$(sed -n 's/.*"teacher_checksum": "\([0-9a-f]\{16\}\)".*/\1/p' distillation/recipe.json)
  [ -n "$recorded" ] || die "no checksum of the teacher in recipe.json"
  sed -i "s/$recorded//" distillation/recipe.json
  LC_ALL=C sed -i "s/$recorded\(\\\\\"\)/\1                /" distillation/checkpoint.safetensors # of the same length
  for epochs in 4 5; do
    ended 0 "$programs/pretrain" distillation --resume --epochs $epochs --out distillation
    grep -q '"teacher_checksum": ""' distillation/recipe.json || die "the resumed run has recorded its teacher"
  done
fi
[ "$count" -ge 3 ] || die "pretrain has $count methods"
