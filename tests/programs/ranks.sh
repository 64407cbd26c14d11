#!/usr/bin/env bash
# A training on several ranks by MPI: the encoder has the same bytes for 1, 2 and 4 ranks, also after one of them was killed
# and after stops by signals; what goes wrong is one sentence and ends all ranks. Skipped without mpirun.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/../support/programs.sh"
needs pretrain finetune evaluate draw_builtin
command -v mpirun >/dev/null || { echo "skipped: there is no mpirun here (Debian: openmpi-bin)"; exit 77; }
pretrain=$PRETEXT_PROGRAMS/pretrain
methods | grep -qx simclr || { echo "skipped: SimCLR was not compiled"; exit 77; }
# Of Open MPI: as root in a container, more ranks than cores, on this host alone.
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 OMPI_MCA_rmaps_base_oversubscribe=1 OMPI_MCA_plm=isolated \
  OMPI_MCA_mpi_yield_when_idle=1 OMPI_MCA_hwloc_base_binding_policy=none ASAN_OPTIONS=detect_leaks=0 # it leaks

images=(--data builtin --images 96 --test-images 20 --batch 32 --seed 3 --threads 1)
if ! mpirun -n 2 "$pretrain" simclr "${images[@]}" --epochs 1 --out short >output 2>&1; then
  ! grep -F "it was built without MPI" output || { echo "skipped: pretrain was built without MPI"; exit 77; }
  die "two ranks fail"
fi
[ "$(grep -cF "3 steps of 32 images" output)" -eq 1 ] || die "a message is there for every rank"
grep -qF '"shards": 2' short/recipe.json || die "the number of ranks is not the number of shards"
! grep -qF 'shards' <("$pretrain" simclr "${images[@]}" --epochs 1 --out alone 2>&1; cat alone/recipe.json) ||
  die "a run of one process speaks of shards"

same() { cmp -s "$1/encoder.safetensors" "$2/encoder.safetensors" || die "the encoder of $2 differs from that of $1"; }

# The same bytes for 1, 2 and 4 ranks, and for one process that was not started by mpirun.
for method in $(methods); do
  own=("${images[@]}")
  if [ "$method" = distillation ]; then own+=(--teacher short); fi
  "$pretrain" "$method" "${own[@]}" --epochs 2 --shards 4 --out "$method" >log 2>&1 || die "$method fails with four shards"
  for n in 1 2 4; do
    mpirun -n "$n" "$pretrain" "$method" "${own[@]}" --epochs 2 --shards 4 --out "$method$n" >log 2>&1 ||
      die "$method fails on $n ranks with status $?"
    same "$method" "$method$n"
  done
done

# kNN between epochs: the shards share it. Loss and kNN of each row that has one.
evaluated=("${images[@]}" --epochs 2 --shards 4 --knn-every 1)
knn_of() { awk -F, 'NR > 1 && $8 != "" {print $3, $8}' "$1/metrics.csv"; }
"$pretrain" simclr "${evaluated[@]}" --out knn >log 2>&1
[ "$(head -n 1 knn/metrics.csv | cut -d, -f8)" = knn ] && [ "$(knn_of knn | wc -l)" -eq 2 ] || die "kNN was not measured"
for n in 2 4; do
  mpirun -n "$n" "$pretrain" simclr "${evaluated[@]}" --out "knn$n" >log 2>&1 || die "an evaluation fails on $n ranks"
  [ "$(knn_of knn)" = "$(knn_of "knn$n")" ] || die "kNN is another one on $n ranks: $(knn_of "knn$n")"
done

# `evaluate` on ranks: the same results, written once.
result_of() { grep '^result: ' output | sed 's/,"seconds".*//'; }
ended 0 "$PRETEXT_PROGRAMS/evaluate" --run knn --linear-epochs 2 --threads 1
alone=$(result_of)
cp knn/summary.json summary
for n in 2 3; do
  ended 0 mpirun -n "$n" "$PRETEXT_PROGRAMS/evaluate" --run knn --linear-epochs 2 --threads 1
  [ "$(result_of)" = "$alone" ] && [ "$(grep -c '^report: ' output)" -eq 1 ] || die "$n ranks evaluate otherwise"
  cmp summary knn/summary.json || die "$n ranks write other figures"
done

# A longer run, whose ranks change: after six kills, a stop by SIGUSR1 and one that hangs.
long=("${images[@]}" --epochs 24 --shards 4 --checkpoint-seconds 0.2)
"$pretrain" simclr "${long[@]}" --out whole >log 2>&1

# begins RANKS OPTION...: starts simclr in the background and waits for the next checkpoint; sets `launcher`.
begins() {
  local n=$1 waited
  shift
  touch before
  mpirun -n "$n" "$pretrain" simclr "$@" >output 2>&1 &
  launcher=$!
  for ((waited = 0; waited < 600; ++waited)); do
    if [ changing/checkpoint.safetensors -nt before ]; then return; fi
    kill -0 "$launcher" 2>/dev/null || die "the run has ended before its first checkpoint"
    sleep 0.05
  done
  die "there is no checkpoint"
}
# ended_with STATUS: the launcher ends with this status, or with any but 0, and soon.
ended_with() {
  local status=0 began=$SECONDS
  wait "$launcher" || status=$?
  [ "$status" -ne 0 ] && { [ "$1" = failure ] || [ "$status" -eq "$1" ]; } || die "the launcher ended with $status"
  [ $((SECONDS - began)) -lt "${2:-30}" ] || die "the ranks needed $((SECONDS - began)) s to end"
  [ -z "$(find changing -name '*.partial*')" ] || die "temporary files are left: $(ls changing)"
}
rank_of_launcher() { pgrep -P "$launcher" | tail -n 1; }

begins 4 "${long[@]}" --out changing
for next in 2 1 4 2 4 end; do
  kill -KILL "$(rank_of_launcher)"
  ended_with failure
  grep -qiE "signal 9|killed" output || die "nothing says that a rank was killed"
  [ $next = end ] || begins $next --resume --threads 1 --checkpoint-seconds 0.2 --out changing
done

begins 2 --resume --threads 1 --checkpoint-seconds 0.2 --out changing
kill -USR1 "$launcher"
ended_with 130
says "everything is saved, resume with: pretrain simclr --resume --out changing"

# A rank that hangs: the others say so and end.
rows() { wc -l <changing/metrics.csv; }
mpirun -n 4 "$pretrain" simclr --resume --threads 1 --patience 2 --out changing >output 2>&1 &
launcher=$!
for ((waited = 0, first = $(rows); waited < 600 && $(rows) < first + 4; ++waited)); do sleep 0.05; done
kill -STOP "$(rank_of_launcher)"
ended_with 75 120
matches "pretrain simclr: rank [0-3] \(.*\) waited [0-9.]+ s for the other ranks in step [0-9]+: one of them has died"

mpirun -n 1 "$pretrain" simclr --resume --threads 1 --out changing >output 2>&1 || die "the last resume fails"
same whole changing

# Open MPI passes SIGTERM on after this many seconds, and kills after as many again.
rm -rf changing
export OMPI_MCA_odls_base_sigkill_timeout=5
begins 2 "${images[@]}" --epochs 1000 --knn-every 500 --checkpoint-seconds 0.2 --out changing
kill -TERM "$launcher"
ended_with failure
says "everything is saved, resume with: pretrain simclr --resume --out changing --knn-every 500"
unset OMPI_MCA_odls_base_sigkill_timeout

# Sentences, once each.
fails_once() {
  fails "$@"
  [ "$(grep -cF -- "$1" output)" -eq 1 ] || die "said several times: $1"
}
fails_once "8 shards can be held by 1, 2, 4 or 8 ranks, not by 3" mpirun -n 3 "$pretrain" simclr "${images[@]}" --shards 8 --out none
fails_once "a batch of 32 images cannot be cut into 3 shards; choose 30 or 33" \
  mpirun -n 3 "$pretrain" simclr "${images[@]}" --out none
fails_once "leave out --shards (4 in the run, 2 given)" mpirun -n 2 "$pretrain" simclr --resume --shards 2 --out simclr
fails_once "simclr holds a run already" mpirun -n 2 "$pretrain" simclr "${images[@]}" --out simclr
fails_once "has another value of seed: 4 where rank 0" mpirun -n 1 "$pretrain" simclr "${images[@]}" --out none : \
  -n 1 "$pretrain" simclr "${images[@]/%3/4}" --out none
"$PRETEXT_PROGRAMS/draw_builtin" --count 40 --out photos >log
"$PRETEXT_PROGRAMS/draw_builtin" --count 39 --out fewer >log
# Training images that are alike, at another path, and test images that are not.
"$PRETEXT_PROGRAMS/draw_builtin" --count 40 --classes --out set/train >log
"$PRETEXT_PROGRAMS/draw_builtin" --count 20 --seed 8 --classes --out set/test >log
cp -r set copy
"$pretrain" simclr --data set --batch 32 --threads 1 --epochs 1 --out of_set >log 2>&1
two=("$PRETEXT_PROGRAMS/evaluate" --run of_set --linear-epochs 1 --threads 1)
ended 0 mpirun -n 1 "${two[@]}" : -n 1 "${two[@]}" --data copy
fails_once "has another value of --neighbours: 3 where rank 0" mpirun -n 1 "${two[@]}" : -n 1 "${two[@]}" --neighbours 3
find copy/test -name '*.png' | head -n 1 | xargs rm
fails_once "has another test set: 19 images" mpirun -n 1 "${two[@]}" : -n 1 "${two[@]}" --data copy
two=("$pretrain" simclr --batch 32 --threads 1 --epochs 1 --out none --knn-every)
fails_once "has another test set: 19 images" mpirun -n 1 "${two[@]}" 1 --data set : -n 1 "${two[@]}" 1 --data copy
fails_once "has another value of --knn-every: 0 where rank 0" mpirun -n 1 "${two[@]}" 1 --data set : \
  -n 1 "${two[@]}" 0 --data set
fails_once "has another data set" mpirun -n 1 "$pretrain" simclr --data photos --batch 32 --threads 1 --out none : \
  -n 1 "$pretrain" simclr --data fewer --batch 32 --threads 1 --out none
fails_once "has another instruction set: portable where rank 0" mpirun -n 1 "$pretrain" simclr "${images[@]}" --out none : \
  -n 1 env PRETEXT_ISA=portable "$pretrain" simclr "${images[@]}" --out none
# An image that rank 1 reads in the first step.
head -c 100 photos/000002.png >short.png && mv short.png photos/000002.png
fails "photos/000002.png: damaged PNG" mpirun -n 2 "$pretrain" simclr --data photos --batch 40 --epochs 2 --threads 1 --out damaged
says "pretrain simclr: rank 1 ("
fails_once "the loss became" mpirun -n 2 "$pretrain" simclr "${images[@]}" --learning-rate 1e30 --epochs 2 --keep-going --out high
fails_once "not expected" mpirun -n 2 "$pretrain" simclr "${images[@]}" --out none --ranks 2
fails "rank 1: The following arguments were not expected: 2 --ranks" \
  mpirun -n 1 "$pretrain" simclr "${images[@]}" --out none : -n 1 "$pretrain" simclr "${images[@]}" --out none --ranks 2
fails_once "evaluate: none/recipe.json: cannot be opened" mpirun -n 2 "$PRETEXT_PROGRAMS/evaluate" --run none
fails_once "several ranks evaluate on CPUs" mpirun -n 2 "$PRETEXT_PROGRAMS/evaluate" --run knn --device cuda
fails "cannot write the file: File too large" mpirun -n 1 bash -c 'ulimit -f 100; exec "$@"' limited \
  "$pretrain" simclr "${images[@]}" --epochs 1 --out full : -n 1 "$pretrain" simclr "${images[@]}" --epochs 1 --out full
RANK=0 WORLD_SIZE=4 fails "torchrun has started pretrain simclr 4 times, but on CPUs ranks are connected by MPI alone" \
  "$pretrain" simclr "${images[@]}" --out none
PMI_RANK=0 PMI_SIZE=4 fails "this program was started 4 times by MPICH's mpiexec, but is built with" \
  "$pretrain" simclr "${images[@]}" --out none
alone() { fails "Open MPI's mpirun has started $1 2 times, but it does not divide its work among ranks" mpirun -n 2 "$PRETEXT_PROGRAMS/$@"; }
alone finetune --from-scratch --data builtin --out none
[ ! -x "$PRETEXT_PROGRAMS/pack" ] || alone pack --data builtin --out none
[ ! -e none ] || die "a run that was refused has left a folder"
echo "the same encoders on 1, 2 and 4 ranks"
