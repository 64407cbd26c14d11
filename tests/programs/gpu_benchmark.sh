#!/usr/bin/env bash
# benchmarks/gpu.sh on played programs, without a GPU: whatever hangs, it ends when its --seconds are over, says which phase
# was cut off, fails unless that was a sanitizer, and leaves no process behind. What fails, fails it; without a GPU it is 77.
set -euo pipefail
source=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
[ -d /proc/self ] && command -v setsid >/dev/null || exit 77
unset PEER_PYTHON
export TMPDIR=$PWD
die() {
  echo "$*" >&2
  exit 1
}
# play FILE TEXT: a program that does what the text says. Those that hang sleep for a time by which they are found.
play() {
  mkdir -p "$(dirname "$1")"
  printf '#!/usr/bin/env bash\n%s\n' "$2" >"$1"
  chmod +x "$1"
}
sleeps="sleep 1000.$$"
stubborn="trap '' TERM; $sleeps & setsid $sleeps & $sleeps"
printf '%s\n' "1000.$$" "$PWD/played/" >marks
processes() { grep -lsFz -f marks /proc/[0-9]*/cmdline | cut -d / -f 3; }
trap 'kill -KILL $(processes) 2>/dev/null || true' EXIT
none_is_left() {
  for _ in {1..50}; do
    if [ -z "$(processes)" ]; then return; fi
    sleep 0.1
  done
  die "$*: left behind: $(for process in $(processes); do tr '\0' ' ' <"/proc/$process/cmdline"; done)"
}
# A machine on which all is well, with a build folder.
all_is_well() {
  local program python
  rm -rf played
  mkdir -p played/benchmarks/gpu played/cmake
  cp "$source/benchmarks/gpu.sh" played/benchmarks/
  cp "$source/cmake/install_dependencies.sh" played/cmake/
  play played/tests/programs/device.sh '[ "$PRETEXT_CUDA" = ON ] && [ -x "$PRETEXT_PROGRAMS/finetune" ] && echo devices'
  play played/built/tests/test.cuda.gpu 'echo tests'
  play played/built/examples/minimal_gpu 'echo minimal'
  for program in pretrain_simclr pretrain_byol pretrain_mae finetune evaluate; do play played/built/examples/$program ''; done
  play played/built/benchmarks/gpu.alone 'echo alone'
  play played/built/benchmarks/gpu.surface.so ''
  play played/path/nvidia-smi 'echo a played GPU'
  play played/path/compute-sanitizer 'echo "========= ERROR SUMMARY: 0 errors"'
  for python in python3 python; do play played/path/$python 'exit 1'; done
}
# ends STATUS SECONDS OPTIONS...: gpu.sh ends with the status, long before what hangs would, and nothing that it started is
# left; `says` looks at its words.
ends() {
  local expected=$1 seconds=$2 status=0
  shift 2
  called="gpu.sh --seconds $seconds $*"
  PATH=$PWD/played/path:$PATH timeout --kill-after=5 60 played/benchmarks/gpu.sh --seconds "$seconds" "$@" >said 2>&1 ||
    status=$?
  [ "$status" -ne 124 ] && [ "$status" -ne 137 ] || die "$called did not end within 60 s: $(cat said)"
  [ "$status" -eq "$expected" ] || die "$called: status $expected? $status: $(cat said)"
  none_is_left "$called"
}
says() {
  for words in "$@"; do grep -qE -- "$words" said || die "$called: \"$words\"? $(cat said)"; done
}
says_not() { ! grep -qE -- "$1" said || die "$called: not \"$1\"! $(cat said)"; }
more="\(--seconds gives it more\)"

# What a phase leaves behind does not disturb the next ones.
all_is_well
play played/built/examples/minimal_gpu "echo minimal; setsid $sleeps & sleep 0.5"
echo "1000.$$" >left
play played/built/benchmarks/gpu.alone "grep -qsFzf '$PWD/left' /proc/[0-9]*/cmdline || echo alone"
ends 0 50 --build played/built
says "a played GPU" "^tests$" "test.cuda.gpu: done" "^minimal$" "minimal_gpu: done" "^devices$" "device.sh: done" \
  "memcheck: clean" "racecheck: clean" "initcheck: clean" "synccheck: clean" "our side alone" "^alone$" "gpu.alone: done"
says_not "not done|not started|Killed|Terminated"
ends 0 50 --build played/built --tests
says_not "alone"
ends 0 50 --build played/built --times
says_not "tests|memcheck"
play played/path/python3 'if [ "$1" != -c ]; then echo "asked $*"; fi'
ends 0 50 --build played/built --times --case mae
says "^asked .*gpu/compare.py --library .*/played/built/benchmarks/gpu.surface.so --seconds [1-3][0-9] --case mae$"
says_not "alone"

# What fails, fails all of it, and the rest is run.
all_is_well
play played/built/tests/test.cuda.gpu 'exit 3'
ends 1 50 --build played/built
says "test.cuda.gpu: status 3" "^devices$" "memcheck: clean" "^alone$"
for program in built/examples/minimal_gpu tests/programs/device.sh built/benchmarks/gpu.alone; do
  all_is_well
  play played/$program 'kill -SEGV $$'
  ends 1 50 --build played/built
  says "${program##*/}: status 139"
done
all_is_well
play played/path/compute-sanitizer 'case $* in *synccheck*) echo "========= Barrier error"; exit 1 ;; esac'
ends 1 50 --build played/built
says "memcheck: clean" "Barrier error" "synccheck: status 1; see .*/sanitizer.synccheck.log"
all_is_well
play played/built/tests/test.cuda.gpu 'exit 77'
ends 77 50 --build played/built
play played/built/benchmarks/gpu.alone 'exit 77'
ends 77 50 --build played/built --times
ends 1 soon --build played/built
says "--seconds soon: name a whole number"
rm played/built/benchmarks/gpu.alone
ends 1 50 --build played/built
says "/played/built has no benchmarks/gpu.alone: build it there"

# Tests that hang are cut off, and what would come after them is named.
all_is_well
play played/built/tests/test.cuda.gpu "$stubborn"
ends 1 3 --build played/built
says "test.cuda.gpu: not done after [123] s.*$more" "minimal_gpu: not started.*$more" "device.sh: not started" \
  "memcheck: not started" "synccheck: not started" "gpu.alone: not started.*$more"
says_not "Killed|Terminated"
all_is_well
play played/tests/programs/device.sh "$sleeps & $sleeps"
ends 1 5 --build played/built --tests
says "minimal_gpu: done" "device.sh: not done after [1-5] s.*$more"

# Sanitizers that hang leave time to the benchmark, and have failed only if they had found something.
all_is_well
play played/path/compute-sanitizer "case \$* in *racecheck*) $sleeps ;; esac"
ends 0 9 --build played/built
says "memcheck: clean" "racecheck: not done after [123] s.*$more; see .*/sanitizer.racecheck.log" "^alone$" "gpu.alone: done"
play played/path/compute-sanitizer "echo '========= Invalid __global__ read of size 4'; $sleeps"
ends 1 5 --build played/built --tests
says "Invalid __global__ read" "memcheck: not done after" "racecheck: not done after" "initcheck: not done after"

# A benchmark that hangs has failed; nvidia-smi or a Python that hangs leaves time to it.
all_is_well
play played/built/benchmarks/gpu.alone "$sleeps"
ends 1 3 --build played/built --times
says "gpu.alone: not done after [123] s.*$more"
all_is_well
play played/path/python3 "if [ \"\$1\" != -c ]; then $sleeps; fi"
ends 1 3 --build played/built --times
says "compare.py: not done after [123] s.*$more"
all_is_well
play played/path/nvidia-smi "$sleeps"
play played/path/python3 "$sleeps"
ends 0 9 --build played/built --times
says "nvidia-smi: not done after [1-9] s" "asking python3 for torch: not done after [1-9] s.*$more" "^alone$"

# Without --build it builds first, and goes on only with what was built.
all_is_well
play played/path/cmake "case \$* in *--build*) cp -r '$PWD/played/built' '$PWD/played/build-gpu' ;; esac"
ends 0 50
says "configuring: done" "building: done" "test.cuda.gpu: done" "gpu.alone: done"
all_is_well
play played/path/cmake 'echo "there is no Eigen"; exit 1'
ends 1 50
says "there is no Eigen" "configuring: status 1" "Eigen and doctest must be here"
play played/path/cmake "case \$* in *--build*) $sleeps & $sleeps ;; esac"
ends 1 3
says "configuring: done" "building: not done after [123] s.*$more"
says_not "test.cuda.gpu"

# Ended from outside, it takes with it what it has started.
all_is_well
play played/built/tests/test.cuda.gpu "touch begun; $stubborn"
PATH=$PWD/played/path:$PATH played/benchmarks/gpu.sh --build played/built --seconds 50 >said 2>&1 &
for _ in {1..300}; do [ -e begun ] || sleep 0.1; done
kill -TERM $!
status=0
wait $! || status=$?
[ "$status" -eq 143 ] || die "gpu.sh after SIGTERM: status 143? $status: $(cat said)"
none_is_left "gpu.sh after SIGTERM"
echo "whatever hangs, benchmarks/gpu.sh ends in time, says what is not done and leaves nothing behind"
