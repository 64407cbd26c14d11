#!/usr/bin/env bash
# A run that is killed and resumed many times ends with the encoder of an uninterrupted run, bit for bit, and so do runs on
# 1, 2 and 3 threads: for SimCLR, BYOL and MAE, and as a long test for every method. KILLS sets the number of kills.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/../support/programs.sh"
needs pretrain

if [ "${PRETEXT_LONG_TESTS:-ON}" = ON ]; then epochs=8 simclr_kills=8 other_kills=4; else epochs=6 simclr_kills=4 other_kills=2; fi

sum() { sha256sum "$1/encoder.safetensors" | cut -d' ' -f1; }
same() {
  if [ "$(sum uninterrupted)" != "$(sum "$1")" ]; then
    echo "$method: the encoder of '$1' differs from that of the uninterrupted run" >&2
    exit 1
  fi
}

# survives METHOD KILLS OPTION...
survives() {
  method=$1 kills=$2
  shift 2
  local pretrain=("$PRETEXT_PROGRAMS/pretrain" "$method") done_kills=0 child status=0 resume kill
  local common=(--data builtin --images 160 --test-images 20 --epochs "$epochs" --batch 32 --seed 3 --checkpoint-seconds 0.2 "$@")
  rm -rf uninterrupted two three killed stopped

  "${pretrain[@]}" "${common[@]}" --threads 1 --out uninterrupted 2>log
  "${pretrain[@]}" "${common[@]}" --threads 2 --out two 2>>log
  "${pretrain[@]}" "${common[@]}" --threads 3 --out three 2>>log
  same two
  same three

  RANDOM=7
  "${pretrain[@]}" "${common[@]}" --threads 2 --out killed 2>>log &
  for ((kill = 0; kill < kills; ++kill)); do
    child=$!
    sleep "0.$((RANDOM % 80 + 10))"
    if kill -9 "$child" 2>/dev/null; then done_kills=$((done_kills + 1)); fi
    wait "$child" 2>/dev/null || true
    if [ -e killed/checkpoint.safetensors ]; then resume=(--resume --out killed); else resume=("${common[@]}" --overwrite --out killed); fi
    "${pretrain[@]}" "${resume[@]}" --threads 2 2>>log &
  done
  wait $!
  same killed
  [ "$done_kills" -gt 0 ]

  # Ctrl-C saves and exits; the next run resumes there.
  "${pretrain[@]}" "${common[@]}" --threads 2 --out stopped 2>>log &
  child=$!
  sleep 1
  kill -INT "$child" 2>/dev/null || true
  wait "$child" || status=$?
  if [ "$status" -ne 0 ]; then
    [ "$status" -eq 130 ]
    "${pretrain[@]}" --resume --out stopped --threads 2 2>>log
  fi
  same stopped
  echo "$method: $done_kills kills, 1, 2 and 3 threads: the same encoder"
}

tried="simclr byol mae"
if [ "${PRETEXT_LONG_TESTS:-ON}" = ON ]; then tried=$(methods); fi
for one in $tried; do
  case $one in
    simclr) survives simclr "${KILLS:-$simclr_kills}" ;;
    byol) survives byol "${KILLS:-$other_kills}" --optimizer lars --learning-rate 1 ;;
    # Its default rate of 5e-4 collapses in 40 steps of 32 images, which ends the run.
    ibot) survives ibot "${KILLS:-$other_kills}" --learning-rate 1e-4 ;;
    distillation)
      "$PRETEXT_PROGRAMS/pretrain" simclr --images 64 --test-images 20 --epochs 1 --batch 32 --out teacher 2>log
      survives distillation "${KILLS:-$other_kills}" --teacher teacher
      ;;
    *) survives "$one" "${KILLS:-$other_kills}" ;;
  esac
done
