#!/usr/bin/env bash
# A training on several ranks with a GPU each: the encoder has the same bytes for 1 and 2 ranks, started by mpirun or with
# torchrun's variables, and wherever the batches are made; a run goes on with fewer ranks; what goes wrong is one sentence.
# Needs a program for GPUs whose NCCL can connect ranks on this machine: that of the tests, in an interpreter.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/../support/programs.sh"
needs pretrain
[ "${PRETEXT_CUDA:-OFF}" = ON ] || { echo "skipped: there is no CUDA compiler"; exit 77; }
command -v mpirun >/dev/null || { echo "skipped: there is no mpirun here (Debian: openmpi-bin)"; exit 77; }
pretrain=$PRETEXT_PROGRAMS/pretrain
methods | grep -qx simclr || { echo "skipped: SimCLR was not compiled"; exit 77; }
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 OMPI_MCA_rmaps_base_oversubscribe=1 OMPI_MCA_plm=isolated \
  OMPI_MCA_mpi_yield_when_idle=1 OMPI_MCA_hwloc_base_binding_policy=none ASAN_OPTIONS=detect_leaks=0

run=(simclr --device cuda --data builtin --images 16 --test-images 8 --batch 8 --seed 3 --threads 1 --keep-going)
if ! mpirun -n 2 "$pretrain" "${run[@]}" --epochs 1 --out two >output 2>&1; then
  ! grep -E "there is no NVIDIA|supports CUDA|need NCCL|built without MPI|has GPU|start one rank" output || exit 77
  die "two ranks fail"
fi
says "2 shards of each batch on 2 ranks"
says "the images are in the GPU's memory; the GPU makes the batches"
[ "$(grep -cF "2 steps of 8 images" output)" -eq 1 ] || die "a message is there for every rank"

same() { cmp -s "$1/encoder.safetensors" "$2/encoder.safetensors" || die "the encoder of $2 differs from that of $1"; }

# One rank that holds both shards.
"$pretrain" "${run[@]}" --epochs 1 --shards 2 --out one >output 2>&1 || die "one rank fails"
same two one

# The variables of torchrun, whose ranks meet at an address; batches that the host loads.
as_torchrun='export RANK=$OMPI_COMM_WORLD_RANK WORLD_SIZE=$OMPI_COMM_WORLD_SIZE LOCAL_RANK=$OMPI_COMM_WORLD_LOCAL_RANK
  export LOCAL_WORLD_SIZE=$OMPI_COMM_WORLD_LOCAL_SIZE; unset OMPI_COMM_WORLD_RANK OMPI_COMM_WORLD_SIZE; exec "$@"'
MASTER_ADDR=127.0.0.1 MASTER_PORT=29500 mpirun -n 2 bash -c "$as_torchrun" torchrun "$pretrain" "${run[@]}" --epochs 1 \
  --load-batches --out torch >output 2>&1 || die "ranks of torchrun fail"
says "batches are loaded by the CPU and copied to the GPU: --load-batches was given"
same two torch

# A run that two ranks begin, a signal stops and one rank ends.
"$pretrain" "${run[@]}" --epochs 2 --shards 2 --out whole >log 2>&1 || die "two epochs fail"
mpirun -n 2 "$pretrain" "${run[@]}" --epochs 2 --checkpoint-seconds 0.1 --out changing >output 2>&1 &
launcher=$!
for ((waited = 0; waited < 2400; ++waited)); do
  if [ -e changing/checkpoint.safetensors ]; then break; fi
  sleep 0.05
done
kill -USR1 "$launcher"
status=0
wait "$launcher" || status=$?
[ "$status" -eq 130 ] || die "the launcher ended with $status"
says "everything is saved, resume with: pretrain simclr --resume --out changing"
"$pretrain" simclr --resume --device cuda --threads 1 --out changing >output 2>&1 || die "the resume on one rank fails"
same whole changing

# Sentences.
RANK=0 WORLD_SIZE=2 fails "RANK and WORLD_SIZE are set, but not MASTER_ADDR" "$pretrain" "${run[@]}" --out none
RANK=0 WORLD_SIZE=2 fails "on CPUs ranks are connected by MPI alone" "$pretrain" "${run[@]/cuda/cpu}" --out none
fails "3 shards" "$pretrain" "${run[@]}" --shards 3 --out none
PRETEXT_MOCK_NCCL=duplicate fails "start one rank per GPU" mpirun -n 2 "$pretrain" "${run[@]}" --out none
[ ! -e none ] || die "a run that was refused has left a folder"
echo "the same encoders on 1 and 2 ranks with GPUs"
