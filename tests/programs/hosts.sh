#!/usr/bin/env bash
# A training on two hosts by MPI over TCP: the encoder has the bytes of one process, also when the network between the hosts
# fails for a moment; when it fails for good, the ranks of both hosts end by themselves, and a run that is resumed on one host
# ends with the same bytes. The hosts are network namespaces that a virtual cable joins, each with a hostname and a /dev/shm,
# without which Open MPI takes them for one host. Skipped where these cannot be made.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/../support/programs.sh"
skip() { echo "skipped: $*"; exit 77; }
needs pretrain
pretrain=$PRETEXT_PROGRAMS/pretrain
methods | grep -qx simclr || skip "SimCLR was not compiled"
[ "$(id -u)" -eq 0 ] || skip "only root makes network namespaces"
for tool in mpirun ip unshare; do
  command -v "$tool" >/dev/null || skip "there is no $tool here (Debian: openmpi-bin iproute2 util-linux)"
done
mpirun --version | grep -qF "(Open MPI) 4." || skip "mpirun is not that of Open MPI 4, whose settings are used"

export hosts=pretext-$$
# on HOST COMMAND...: replaces the calling (sub)shell by the command on this host.
on() {
  exec ip netns exec "$hosts-$1" unshare --uts --mount \
    bash -c 'hostname "$0" && mount -t tmpfs none /dev/shm && exec "$@"' "$@"
}
export -f on
# What runs on a host: all processes, or those of pretrain.
processes_on() { ip netns pids "$hosts-$1"; }
ranks_on() {
  local process
  for process in $(processes_on "$1"); do
    [ "$(cat "/proc/$process/comm" 2>/dev/null)" != pretrain ] || echo "$process"
  done
}
stop_host() {
  local process
  for process in $(processes_on "$1" 2>/dev/null); do kill -KILL "$process" 2>/dev/null || true; done
}
remove_hosts() {
  trap - ERR
  local host
  for host in b a; do # mpirun, on a, reaps its child, the daemon of b
    stop_host $host
    ip netns del "$hosts-$host" 2>/dev/null || true # with its end of the cable
  done
}
trap remove_hosts EXIT
can() { ("$@") >log 2>&1 || skip "network namespaces cannot be used here: $(tail -n 1 log)"; }
for host in a b; do can ip netns add "$hosts-$host"; done
can ip link add cable netns "$hosts-a" type veth peer name cable netns "$hosts-b"
can ip -n "$hosts-a" address add 10.0.0.1/24 dev cable
can ip -n "$hosts-b" address add 10.0.0.2/24 dev cable
for host in a b; do
  for interface in lo cable; do can ip -n "$hosts-$host" link set $interface up; done
  can on $host true
done
cable() { ip -n "$hosts-b" link set cable "$1"; }

# Open MPI, as root, starts its daemon on the other host by a script in place of ssh.
cat >agent <<'END'
#!/usr/bin/env bash
[ "$1" = 10.0.0.2 ] && on b bash -c "${*:2}"
END
# A rank's exit status goes to a file, and so does what it says on b: mpirun gets neither from a host that is cut off.
cat >rank <<'END'
#!/usr/bin/env bash
trap : TERM # from the daemon, when the rank aborts
status=0
if [ "$OMPI_COMM_WORLD_RANK" = 1 ]; then exec 2>said_by_b; fi
"$@" || status=$?
echo $status >"status_of_$OMPI_COMM_WORLD_RANK"
exit $status
END
chmod +x agent rank
mkdir session
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 OMPI_MCA_plm_rsh_agent=$PWD/agent OMPI_MCA_btl=tcp,self \
  OMPI_MCA_mpi_yield_when_idle=1 OMPI_MCA_hwloc_base_binding_policy=none \
  OMPI_MCA_orte_tmpdir_base=$PWD/session ASAN_OPTIONS=detect_leaks=0 # it leaks
# begins FOLDER COMMAND...: starts it with a rank on each host, and waits until the run in the folder has four more rows;
# sets `launcher`.
rows() { if [ -e "$folder/metrics.csv" ]; then wc -l <"$folder/metrics.csv"; else echo 0; fi; }
begins() {
  local folder=$1 first waited
  shift
  first=$(rows)
  on a mpirun --host 10.0.0.1:1,10.0.0.2:1 "$@" --out "$folder" >output 2>&1 &
  launcher=$!
  for ((waited = 0; waited < 1200 && $(rows) < first + 4; ++waited)); do
    kill -0 "$launcher" 2>/dev/null || break
    sleep 0.05
  done
  if ! kill -0 "$launcher" 2>/dev/null; then
    ! grep -F "it was built without MPI" output || skip "pretrain was built without MPI"
    die "the run has ended before step 4"
  fi
}
same() { cmp -s whole/encoder.safetensors "$1/encoder.safetensors" || die "the encoder of $1 differs from that of one process"; }

images=(--data builtin --images 96 --test-images 20 --batch 32 --epochs 12 --seed 3 --threads 1)
"$pretrain" simclr "${images[@]}" --shards 2 --out whole >log 2>&1 || die "one process fails"

# Two hosts, and a network that fails for a moment.
begins two "$pretrain" simclr "${images[@]}"
cable down
sleep 0.5
cable up
wait "$launcher" || die "two hosts fail with status $?"
same two
grep -qF '"shards": 2' two/recipe.json || die "the number of hosts is not the number of shards"
gradients=$((36 * $(stat -c %s two/encoder.safetensors)))
received=$( (on b cat /sys/class/net/cable/statistics/rx_bytes))
[ "$received" -gt "$gradients" ] || die "host b received $received bytes, less than the gradients of its steps, $gradients"

# A signal stops both hosts.
begins changing "$pretrain" simclr "${images[@]}"
kill -USR1 "$launcher"
status=0
wait "$launcher" || status=$?
[ "$status" -eq 130 ] || die "after a signal mpirun ended with $status"
says "everything is saved, resume with: pretrain simclr --resume --out changing"
cp -r changing saved

# resumed OPTION...: the run that was saved goes on with a rank on each host, and the network fails while nothing is saved;
# sets `cut`.
resumed() {
  rm -rf changing
  cp -r saved changing
  begins changing "$PWD/rank" "$pretrain" simclr --resume --threads 1 --checkpoint-seconds 3600 "$@"
  cable down
  cut=$SECONDS
  [ "$(ranks_on a | wc -l) $(ranks_on b | wc -l)" = "1 1" ] || die "there is not one rank on each host"
}
# left_unchanged: the folder of the run holds what it held when it was saved.
left_unchanged() {
  [ -z "$(find changing -name '*.partial*')" ] || die "temporary files are left: $(ls changing)"
  cmp -s {saved,changing}/checkpoint.safetensors || die "the checkpoint was changed"
}

# Then it fails for good, and both ranks lose patience. mpirun waits for the daemon of b, which is cut off, too.
OMPI_MCA_odls_base_sigkill_timeout=10 resumed --patience 2 # mpirun leaves the ranks alone until they have ended
while [ -n "$(ranks_on a)$(ranks_on b)" ]; do
  [ $((SECONDS - cut)) -lt 120 ] || die "two minutes later there are the ranks $(ranks_on a) on a and $(ranks_on b) on b"
  sleep 0.1
done
took=$((SECONDS - cut))
stop_host b
kill -KILL "$launcher" 2>/dev/null || true
wait "$launcher" 2>/dev/null || true
sentence="waited ([0-9]+)[.0-9]* s for the other ranks in step [0-9]+: one of them has died, hangs or is cut off"
matches "pretrain simclr: rank 0 \(a\) $sentence"
grep -qE "pretrain simclr: rank 1 \(b\) $sentence" said_by_b || die "rank 1 said instead: $(cat said_by_b)"
patience=$(cat output said_by_b | sed -nE "s/.*$sentence.*/\1/p" | sort -n | tail -n 1)
[ "$took" -le $((patience + 60)) ] || die "ranks with a patience of $patience s ended after $took s"
for rank in 0 1; do
  [ "$(cat status_of_$rank)" = 75 ] || die "rank $rank ended with status $(cat status_of_$rank)"
done
left_unchanged

# Where Open MPI looks after its connections, mpirun notices that b is lost and everything ends.
cable up
export OMPI_MCA_oob_tcp_keepalive_time=2 OMPI_MCA_oob_tcp_keepalive_intvl=1 OMPI_MCA_oob_tcp_keepalive_probes=2
resumed
while [ -n "$(processes_on a)$(processes_on b)" ]; do
  [ $((SECONDS - cut)) -lt 120 ] || die "two minutes later there are the processes $(processes_on a) on a and $(processes_on b) on b"
  sleep 0.1
done
status=0
wait "$launcher" || status=$?
[ "$status" -ne 0 ] || die "mpirun did not fail"
says "has lost communication with a remote daemon"
left_unchanged

"$pretrain" simclr --resume --threads 1 --out changing >log 2>&1 || die "the resume on one host fails"
same changing
echo "the same encoder on one host, on two, and after the loss of one; its ranks ended after $took s, $patience s of them patience"
