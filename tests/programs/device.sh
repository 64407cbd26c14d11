#!/usr/bin/env bash
# `--device cuda` without CUDA, or without a GPU, ends in one sentence that says what to do, before anything is written.
# With a GPU, a run that one device began is gone on with by the other, from the same files; images that the GPU keeps
# and batches that it is sent give the same.
set -euo pipefail
pretrain=$PRETEXT_PROGRAMS/pretrain_simclr
finetune=$PRETEXT_PROGRAMS/finetune
evaluate=$PRETEXT_PROGRAMS/evaluate
for program in pretrain_simclr pretrain_byol pretrain_mae finetune evaluate; do
  [ -x "$PRETEXT_PROGRAMS/$program" ] || exit 77
done
die() {
  echo "$*" >&2
  exit 1
}
# ends STATUS WORDS COMMAND...: the command ends with the status and says the words.
ends() {
  local expected=$1 words=$2 status=0
  shift 2
  "$@" >said 2>&1 || status=$?
  [ "$status" -eq "$expected" ] && grep -qE -- "$words" said || die "\"$words\", status $expected? $status: $(cat said)"
}

small=(--images 48 --test-images 20 --batch 16 --threads 2)
"$pretrain" "${small[@]}" --epochs 1 --out run 2>log
ends 105 "gpu.*not in" "$pretrain" --device gpu --out nothing
"$pretrain" --help | grep -q -- "--device" || die "--help does not name --device"

if [ "${PRETEXT_CUDA:-OFF}" != ON ]; then
  words="built without CUDA.*-DPRETEXT_CUDA=ON"
elif ! "$pretrain" "${small[@]}" --epochs 1 --device cuda --out first >said 2>&1; then
  words="there is no NVIDIA (GPU|driver)|the NVIDIA driver supports CUDA"
else
  words=
fi
if [ -n "$words" ]; then
  for program in "$PRETEXT_PROGRAMS"/pretrain_*; do
    if [ -x "$program" ] && [ -f "$program" ]; then ends 1 "$words" "$program" --device cuda --out nothing; fi
  done
  ends 1 "$words" "$evaluate" --run run --device cuda
  ends 1 "$words" "$finetune" --run run --device cuda --out nothing
  [ ! -e nothing ] || die "a folder was left behind"
  [ ! -e run/report.html ]
  echo "one sentence and status 1: $(tail -n 1 said)"
  exit 0
fi

# Where the images are it says; what is learned does not depend on it.
grep -q "the images are in the GPU's memory" said || die "small images are not kept on the GPU: $(cat said)"
"$pretrain" "${small[@]}" --epochs 1 --device cuda --load-batches --out loaded 2>said
grep -q "batches are loaded by the CPU.*--load-batches" said || die "it does not say who loads: $(cat said)"
cmp first/encoder.safetensors loaded/encoder.safetensors

# Ctrl-C after the first checkpoint, and on with the other device.
for device in cpu cuda; do
  other=$([ $device = cpu ] && echo cuda || echo cpu)
  "$pretrain" "${small[@]}" --epochs 400 --checkpoint-seconds 0 --device $device --out begun_$device 2>>log &
  while [ ! -e begun_$device/checkpoint.safetensors ]; do sleep 0.1; done
  kill -INT $!
  wait $! || true
  "$pretrain" --resume --device $other --threads 2 --out begun_$device 2>>log &
  sleep 2
  kill -INT $!
  wait $! || true
  [ "$(wc -l <begun_$device/metrics.csv)" -ge 2 ] || die "the $other did not go on with the run of the $device"
done
"$evaluate" --run first --device cuda --linear-epochs 1 >on_gpu 2>>log
"$evaluate" --run first --device cpu --linear-epochs 1 >on_cpu 2>>log
"$finetune" --run first --device cuda --labels 0.5 --epochs 1 --batch 16 --out tuned >said 2>>log
grep -q '^result: ' said
for method in byol mae; do
  "$PRETEXT_PROGRAMS/pretrain_$method" "${small[@]}" --epochs 1 --device cuda --out "$method" 2>>log
  [ -s "$method/encoder.safetensors" ] || die "pretrain_$method left no encoder"
done
echo "runs begun on one device and gone on with on the other"
