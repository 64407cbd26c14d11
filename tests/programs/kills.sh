#!/usr/bin/env bash
# Trainings of five kinds (SimCLR, BYOL, MAE, fine-tuning of a ResNet and of a ViT) are killed at random moments, from the
# first instruction to the last file, and resumed: each ends with the bits of an uninterrupted run and leaves no
# temporary file. KILLS, without which it is skipped, is the number of kills per training: 40 make 200.
set -euo pipefail
[ -n "${KILLS:-}" ] || exit 77 # it takes long: on request only
kills=$KILLS
source "$(dirname "${BASH_SOURCE[0]}")/../support/programs.sh"
needs pretrain finetune
total=0
RANDOM=${SEED:-11}

# survives NAME RESULT COMMAND OPTION...: RESULT is the file that the training ends with; COMMAND is "pretrain METHOD" or
# "finetune".
survives() {
  local name=$1 result=$2 program done=0 finished=0 child status began length
  read -ra program <<<"$3"
  program[0]=$PRETEXT_PROGRAMS/${program[0]}
  shift 3
  local common=(--epochs 8 --seed 3 --threads 2 --checkpoint-seconds 0.1 "$@")
  rm -rf whole killed
  began=$(date +%s%N)
  "${program[@]}" "${common[@]}" --out whole >>log 2>&1 || die "$name: the uninterrupted run failed"
  length=$((($(date +%s%N) - began) / 1000000))
  while [ "$done" -lt "$kills" ] || [ -d killed ]; do
    if [ -e killed/checkpoint.safetensors ]; then
      "${program[@]}" --resume --threads 2 --checkpoint-seconds 0.1 --out killed >>log 2>&1 &
    else
      "${program[@]}" "${common[@]}" --overwrite --out killed >>log 2>&1 &
    fi
    child=$!
    if [ "$done" -lt "$kills" ]; then
      # Uniform up to the length of a whole run, so that the writing of results is hit as well.
      sleep "$(awk -v most="$length" -v r="$RANDOM" 'BEGIN { printf "%.3f", r / 32768 * most / 1000 }')"
      kill -KILL "$child" 2>/dev/null || true
    fi
    status=0
    wait "$child" 2>/dev/null || status=$?
    if [ "$status" -eq 137 ]; then
      done=$((done + 1))
    elif [ "$done" -lt "$kills" ]; then # it ended first: the machine has become faster
      length=$((length * 3 / 4))
    fi
    if [ "$status" -ne 0 ] && [ "$status" -ne 137 ]; then die "$name: a resumed run ended with status $status"; fi
    if [ "$status" -eq 0 ]; then
      cmp -s "whole/$result" "killed/$result" || die "$name: $result differs from that of the uninterrupted run"
      [ -z "$(find killed -name '*.partial*')" ] || die "$name: temporary files are left: $(ls killed)"
      finished=$((finished + 1))
      rm -rf killed
    fi
  done
  total=$((total + done))
  echo "$name: $done kills, $finished runs ended, each with the same $result"
}

pictures=(--data builtin --images 160 --test-images 20 --batch 32)
survives simclr encoder.safetensors "pretrain simclr" "${pictures[@]}"
survives byol encoder.safetensors "pretrain byol" "${pictures[@]}" --optimizer lars --learning-rate 1
survives mae encoder.safetensors "pretrain mae" "${pictures[@]}"
for of in simclr mae; do
  "$PRETEXT_PROGRAMS/pretrain" "$of" --images 160 --test-images 50 --epochs 1 --batch 32 --threads 2 --out "$of" >>log 2>&1
  survives "finetune of $of" classifier.safetensors finetune --run "$of" --batch 20
done
echo "$total kills"
