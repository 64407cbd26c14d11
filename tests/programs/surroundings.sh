#!/usr/bin/env bash
# Whatever surrounds a run (signals, closed pipes, limits of files, threads and memory, pipes named like pictures, damaged
# leftovers) ends with saved results or with one sentence and a documented exit status, never with an abort or std:: text.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/../support/programs.sh"
pretrain=("$PRETEXT_PROGRAMS/pretrain" simclr) evaluate=$PRETEXT_PROGRAMS/evaluate draw=$PRETEXT_PROGRAMS/draw_builtin
needs pretrain evaluate draw_builtin
small=(--images 64 --test-images 20 --epochs 1 --batch 32 --threads 2)
long=(--images 64 --test-images 20 --epochs 5000 --batch 32 --threads 2)

# SIGINT, SIGTERM and SIGHUP save and end with 130; under nohup SIGHUP is ignored.
for signal in INT TERM HUP; do
  "${pretrain[@]}" "${long[@]}" --out "run_$signal" >output 2>&1 &
  while [ ! -e "run_$signal/metrics.csv" ]; do sleep 0.1; done
  sleep 0.5
  kill -"$signal" $!
  status=0
  wait $! || status=$?
  [ "$status" -eq 130 ] && [ -e "run_$signal/checkpoint.safetensors" ] && grep -q "everything is saved" output ||
    die "SIG$signal: status $status"
done
(trap '' HUP && exec "${pretrain[@]}" "${long[@]}" --out run_nohup) >output 2>&1 &
while [ ! -e run_nohup/metrics.csv ]; do sleep 0.1; done
kill -HUP $!
sleep 1
kill -0 $! || die "SIGHUP ended a run that ignores it"
kill -INT $!
wait $! || true

# Progress on a file has neither carriage returns nor escape sequences.
ends 0 "the encoder is in" "${pretrain[@]}" "${small[@]}" --out run
! grep -q $'[\r\033]' output || die "control characters in a file"

# A pipe without a reader, and closed descriptors, change nothing.
status=0
{ "${pretrain[@]}" "${small[@]}" --out piped || echo $? >failed; } 2>&1 | true
[ ! -e failed ] || die "a closed pipe ended the run with $(cat failed)"
"${pretrain[@]}" "${small[@]}" --out closed <&- >&- 2>&-
for other in piped closed; do
  cmp <(tail -c 1000000 run/encoder.safetensors) <(tail -c 1000000 $other/encoder.safetensors) || die "$other: another encoder"
done
if [ -e /dev/full ]; then
  status=0
  "$evaluate" --run run --linear-epochs 0 >/dev/full 2>output || status=$?
  [ "$status" -eq 1 ] && grep -q "could not be written to stdout" output || die "a full stdout: status $status"
fi

# A file that may not grow (quotas answer alike): the sentence names it, and the old one stays.
before=$(sha256sum run_INT/checkpoint.safetensors)
(ulimit -f 100 && ends 1 "run_INT/checkpoint.safetensors" "${pretrain[@]}" --resume --checkpoint-seconds 0 --out run_INT)
grep -q "File too large" output || die "no reason"
[ "$before" = "$(sha256sum run_INT/checkpoint.safetensors)" ] || die "the old checkpoint is gone"

# Memory and threads that the system does not give.
if [ -z "${ASAN_OPTIONS+x}${TSAN_OPTIONS+x}" ] && [ "$(uname)" = Linux ]; then
  # Enough address space to load the program and its libraries (those of CUDA are large), too little for the batch.
  limit=200000
  until (ulimit -v "$limit" && "${pretrain[@]}" --help >/dev/null 2>&1); do
    limit=$((limit + 200000))
    [ "$limit" -lt 8000000 ] || die "the program does not start in 8 GB of address space"
  done
  (ulimit -v "$limit" && ends 1 "not enough memory" "${pretrain[@]}" --images 4000 --batch 2048 --epochs 1 \
    --threads 2 --out no_memory)
fi
unprivileged=(setpriv --reuid 65534 --regid 65534 --clear-groups)
mkdir threads && chmod 777 threads
if [ "$(id -u)" -eq 0 ] && "${unprivileged[@]}" test -x "${pretrain[0]}" -a -w threads 2>/dev/null; then
  (ulimit -u 40 && ends 1 "ask for fewer threads" "${unprivileged[@]}" "${pretrain[@]}" --images 64 --test-images 20 --epochs 1 \
    --batch 32 --threads 300 --out threads/run)
fi

# A pipe named like a picture is no picture, and nothing waits for it.
mkdir pictures black
"$draw" --count 40 --out pictures
mkfifo pictures/pipe.png
ends 1 "pipe.png: this is not a regular file" "${pretrain[@]}" --data pictures --batch 40 --epochs 1 --threads 2 --out fifo

# Pictures of one kind are named as the cause of a collapse; a batch of two or three is not called collapsed.
for i in 0 1 2 3 4 5 6 7 8 9; do cp pictures/000000.png black/$i.png; done
ends 1 "The pictures are the cause" "${pretrain[@]}" --data black --batch 10 --epochs 3 --minimum-area 1 --jitter 0 --threads 2 --out alike
rm pictures/pipe.png
for batch in 2 3; do
  ends 0 "the encoder is in" "${pretrain[@]}" --data pictures --batch $batch --epochs 1 --threads 2 --out "batch_$batch"
done

# A damaged file of pictures, or damaged metrics, costs the report a section and not the evaluation.
head -c 300 run/pictures.safetensors >cut && mv cut run/pictures.safetensors
echo garbage >run/metrics.csv
ends 0 "the report has no pictures of the run: run/pictures.safetensors" "$evaluate" --run run --linear-epochs 0
grep -q "the report has no curves: run/metrics.csv" output && grep -q '^result: {' output || die "the evaluation is lost"
grep -q "the report has no pictures of the run" run/report.html
echo "every surrounding was answered with results or with a sentence"
