#!/usr/bin/env bash
# `--device cuda` without CUDA, or without a GPU, ends with one error message that says what to do, before anything is
# written. With a GPU, a run that one device started can be resumed on the other, from the same files, and results do not
# depend on whether the images are in the GPU's memory or batches are copied to it.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/../support/programs.sh"
pretrain=("$PRETEXT_PROGRAMS/pretrain" simclr)
finetune=$PRETEXT_PROGRAMS/finetune
evaluate=$PRETEXT_PROGRAMS/evaluate
needs pretrain finetune evaluate
# refuses STATUS PATTERN COMMAND...: the command ends with the status and its output matches the pattern.
refuses() {
  ended "$1" "${@:3}"
  matches "$2"
}

small=(--images 48 --test-images 20 --batch 16 --threads 2)
"${pretrain[@]}" "${small[@]}" --epochs 1 --out run 2>log
refuses 105 "one of cpu, cuda, not gpu" "${pretrain[@]}" --device gpu --out nothing
"${pretrain[@]}" --help >help
grep -q -- "--device" help || die "--help does not name --device"

if [ "${PRETEXT_CUDA:-OFF}" != ON ]; then
  pattern="built without CUDA.*-DPRETEXT_CUDA=ON"
elif ! "${pretrain[@]}" "${small[@]}" --epochs 1 --device cuda --out first >output 2>&1; then
  pattern="there is no NVIDIA (GPU|driver)|the NVIDIA driver supports CUDA"
else
  pattern=
fi
if [ -n "$pattern" ]; then
  for method in $(methods); do
    # Methods may be left out of what is compiled for GPUs (PRETEXT_GPU_METHODS).
    refuses 1 "$pattern|built without CUDA.*-DPRETEXT_CUDA=ON" "$PRETEXT_PROGRAMS/pretrain" "$method" --device cuda --out nothing
  done
  refuses 1 "$pattern" "$evaluate" --run run --device cuda
  refuses 1 "$pattern" "$finetune" --run run --device cuda --out nothing
  [ ! -e nothing ] || die "a folder was created"
  [ ! -e run/report.html ]
  echo "one error message and status 1: $(tail -n 1 output)"
  exit 0
fi

# The program reports where the images are; the encoder does not depend on it.
grep -q "the images are in the GPU's memory" output || die "small images are not uploaded to the GPU"
grep -qx timed first/gpu_plans.txt || die "the plans of the GPU's libraries are not timed"
grep -q "^[0-9]* product " first/gpu_plans.txt || die "gpu_plans.txt has no choices"
"${pretrain[@]}" "${small[@]}" --epochs 1 --device cuda --load-batches --gpu-plans first/gpu_plans.txt --out loaded 2>output
grep -q "batches are loaded by the CPU.*--load-batches" output || die "it does not report that the CPU loads the batches"
cmp first/encoder.safetensors loaded/encoder.safetensors
cmp first/gpu_plans.txt loaded/gpu_plans.txt
"${pretrain[@]}" "${small[@]}" --epochs 1 --device cuda --gpu-plans first --out untimed 2>output
grep -qx first untimed/gpu_plans.txt || die "--gpu-plans first is ignored"
! grep -q "^[1-9][0-9]* product " untimed/gpu_plans.txt || die "a plan is not the first"
sed 's/^on .*$/on another GPU/' first/gpu_plans.txt >other.txt
"${pretrain[@]}" "${small[@]}" --epochs 1 --device cuda --gpu-plans other.txt --out anew 2>output
grep -q "^other.txt: these plans were chosen on another GPU, and this is .*, so that they are ignored" output ||
  die "it does not say that the plans of another GPU are ignored"
refuses 1 "first/recipe.json: line 1 is no choice of a plan: .; --gpu-plans takes" \
  "${pretrain[@]}" "${small[@]}" --device cuda --gpu-plans first/recipe.json --out nothing
[ ! -e nothing ] || die "a folder was created"

# Ctrl-C after the first checkpoint; the other device resumes.
for device in cpu cuda; do
  other=$([ $device = cpu ] && echo cuda || echo cpu)
  "${pretrain[@]}" "${small[@]}" --epochs 400 --checkpoint-seconds 0 --device $device --out started_$device 2>>log &
  while [ ! -e started_$device/checkpoint.safetensors ]; do sleep 0.1; done
  kill -INT $!
  wait $! || true
  before=$(wc -l <started_$device/metrics.csv)
  "${pretrain[@]}" --resume --device $other --threads 2 --out started_$device 2>>log &
  for _ in {1..1200}; do
    [ "$(wc -l <started_$device/metrics.csv)" -gt "$before" ] && break
    sleep 0.1
  done
  kill -INT $!
  wait $! || true
  [ "$(wc -l <started_$device/metrics.csv)" -gt "$before" ] || die "$other did not resume the run of $device"
done
"$evaluate" --run first --device cuda --linear-epochs 1 >on_gpu 2>>log
"$evaluate" --run first --device cpu --linear-epochs 1 >on_cpu 2>>log
"$finetune" --run first --device cuda --labels 0.5 --epochs 1 --batch 16 --out tuned >output 2>>log
grep -q '^result: ' output
for method in byol mae; do
  if "$PRETEXT_PROGRAMS/pretrain" "$method" "${small[@]}" --epochs 1 --device cuda --out "$method" 2>output; then :
  elif grep -q "built without CUDA" output; then continue # PRETEXT_GPU_METHODS leaves it out
  fi
  [ -s "$method/encoder.safetensors" ] || die "$method left no encoder"
done
echo "runs started on one device and resumed on the other"
