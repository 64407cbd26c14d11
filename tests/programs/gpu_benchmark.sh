#!/usr/bin/env bash
# benchmarks/gpu.sh with mock programs, without a GPU. Whichever phase hangs, the script ends when its --seconds have passed,
# reports the phase that it killed, fails unless that was a sanitizer, and leaves no process behind. A failing phase fails the
# script; without a GPU it returns 77.
set -euo pipefail
source=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
[ -d /proc/self ] && command -v setsid >/dev/null || exit 77
unset PEER_PYTHON
export TMPDIR=$PWD
die() {
  echo "$*" >&2
  exit 1
}
# mock FILE TEXT: creates a shell script. Hanging ones sleep for a duration that identifies their processes.
mock() {
  mkdir -p "$(dirname "$1")"
  printf '#!/usr/bin/env bash\n%s\n' "$2" >"$1"
  chmod +x "$1"
}
sleeps="sleep 1000.$$"
stubborn="trap '' TERM; $sleeps & setsid $sleeps & $sleeps"
printf '%s\n' "1000.$$" "$PWD/mocks/" >marks
processes() { grep -lsFz -f marks /proc/[0-9]*/cmdline | cut -d / -f 3; }
trap 'kill -KILL $(processes) 2>/dev/null || true' EXIT
no_process_is_left() {
  for _ in {1..50}; do
    if [ -z "$(processes)" ]; then return; fi
    sleep 0.1
  done
  die "$*: left behind: $(for process in $(processes); do tr '\0' ' ' <"/proc/$process/cmdline"; done)"
}
# A machine where everything works, with a build folder.
working_machine() {
  local program python
  rm -rf mocks
  mkdir -p mocks/benchmarks/gpu mocks/cmake
  cp "$source/benchmarks/gpu.sh" mocks/benchmarks/
  cp "$source/cmake/install_dependencies.sh" mocks/cmake/
  mock mocks/tests/programs/device.sh '[ "$PRETEXT_CUDA" = ON ] && [ -x "$PRETEXT_PROGRAMS/finetune" ] && echo devices'
  mock mocks/built/tests/test.cuda.gpu 'echo tests'
  mock mocks/built/examples/minimal_gpu 'echo minimal'
  for program in pretrain finetune evaluate; do mock mocks/built/examples/$program ''; done
  mock mocks/built/benchmarks/gpu.standalone 'echo standalone'
  mock mocks/built/benchmarks/gpu.c_api.so ''
  mock mocks/path/nvidia-smi 'echo a mock GPU'
  mock mocks/path/compute-sanitizer 'echo "========= ERROR SUMMARY: 0 errors"'
  for python in python3 python; do mock mocks/path/$python 'exit 1'; done
}
# returns STATUS SECONDS OPTIONS...: gpu.sh returns the status long before a hanging program would end, and leaves no process;
# `prints` searches its output.
returns() {
  local expected=$1 seconds=$2 status=0
  shift 2
  called="gpu.sh --seconds $seconds $*"
  PATH=$PWD/mocks/path:$PATH timeout --kill-after=5 60 mocks/benchmarks/gpu.sh --seconds "$seconds" "$@" >output 2>&1 ||
    status=$?
  [ "$status" -ne 124 ] && [ "$status" -ne 137 ] || die "$called did not end within 60 s: $(cat output)"
  [ "$status" -eq "$expected" ] || die "$called: status $expected? $status: $(cat output)"
  no_process_is_left "$called"
}
prints() {
  for words in "$@"; do grep -qE -- "$words" output || die "$called: \"$words\"? $(cat output)"; done
}
prints_not() { ! grep -qE -- "$1" output || die "$called: not \"$1\"! $(cat output)"; }
more="\(--seconds sets a longer limit\)"

# Processes that a phase leaves behind do not disturb the next ones.
working_machine
mock mocks/built/examples/minimal_gpu "echo minimal; setsid $sleeps & sleep 0.5"
echo "1000.$$" >left
mock mocks/built/benchmarks/gpu.standalone "grep -qsFzf '$PWD/left' /proc/[0-9]*/cmdline || echo standalone"
returns 0 50 --build mocks/built
prints "a mock GPU" "^tests$" "test.cuda.gpu: done" "^minimal$" "minimal_gpu: done" "^devices$" "device.sh: done" \
  "memcheck: clean" "racecheck: clean" "initcheck: clean" "synccheck: clean" "only pretext is timed" "^standalone$" "gpu.standalone: done"
prints_not "not finished|not started|Killed|Terminated"
returns 0 50 --build mocks/built --tests
prints_not "standalone"
returns 0 50 --build mocks/built --times
prints_not "tests|memcheck"
mock mocks/path/python3 'if [ "$1" != -c ]; then echo "asked $*"; fi'
returns 0 50 --build mocks/built --times --case mae
prints "^asked .*gpu/compare.py --library .*/mocks/built/benchmarks/gpu.c_api.so --seconds [1-3][0-9] --case mae$"
prints_not "standalone"

# A failing phase fails the script, and the remaining phases run.
working_machine
mock mocks/built/tests/test.cuda.gpu 'exit 3'
returns 1 50 --build mocks/built
prints "test.cuda.gpu: status 3" "^devices$" "memcheck: clean" "^standalone$"
for program in built/examples/minimal_gpu tests/programs/device.sh built/benchmarks/gpu.standalone; do
  working_machine
  mock mocks/$program 'kill -SEGV $$'
  returns 1 50 --build mocks/built
  prints "${program##*/}: status 139"
done
working_machine
mock mocks/path/compute-sanitizer 'case $* in --help) echo "--kernel-name arg"; exit ;; *"kernel_substring=pretext"*) ;; *) exit 5 ;; esac
case $* in *synccheck*) echo "========= Barrier error"; exit 1 ;; esac'
returns 1 50 --build mocks/built
prints "memcheck: clean" "Barrier error" "synccheck: status 1; see .*/sanitizer.synccheck.log"
working_machine
mock mocks/built/tests/test.cuda.gpu 'exit 77'
returns 77 50 --build mocks/built
mock mocks/built/benchmarks/gpu.standalone 'exit 77'
returns 77 50 --build mocks/built --times
returns 1 soon --build mocks/built
prints "--seconds soon: not a positive whole number"
rm mocks/built/benchmarks/gpu.standalone
returns 1 50 --build mocks/built
prints "/mocks/built has no benchmarks/gpu.standalone: build it there"

# Hanging tests are killed, and the phases after them are reported.
working_machine
mock mocks/built/tests/test.cuda.gpu "$stubborn"
returns 1 3 --build mocks/built
prints "test.cuda.gpu: not finished after [123] s.*$more" "minimal_gpu: not started.*$more" "device.sh: not started" \
  "memcheck: not started" "synccheck: not started" "gpu.standalone: not started.*$more"
prints_not "Killed|Terminated"
working_machine
mock mocks/tests/programs/device.sh "$sleeps & $sleeps"
returns 1 5 --build mocks/built --tests
prints "minimal_gpu: done" "device.sh: not finished after [1-5] s.*$more"

# The benchmark comes before the sanitizers; those that hang count as failed only if they have found an error.
working_machine
mock mocks/path/compute-sanitizer "case \$* in *racecheck*) $sleeps ;; esac"
returns 0 9 --build mocks/built
prints "memcheck: clean" "racecheck: not finished after [123] s.*$more; see .*/sanitizer.racecheck.log" "^standalone$" "gpu.standalone: done"
mock mocks/path/compute-sanitizer "case \$* in --help) ;; *) echo '========= Invalid __global__ read of size 4'; $sleeps ;; esac"
returns 1 8 --build mocks/built --tests
prints "Invalid __global__ read" "memcheck: not finished after" "racecheck: not finished after" "initcheck: not finished after"

# A hanging benchmark has failed; a hanging nvidia-smi or Python leaves time for it.
working_machine
mock mocks/built/benchmarks/gpu.standalone "$sleeps"
returns 1 3 --build mocks/built --times
prints "gpu.standalone: not finished after [123] s.*$more"
working_machine
mock mocks/path/python3 "if [ \"\$1\" != -c ]; then $sleeps; fi"
returns 1 3 --build mocks/built --times
prints "compare.py: not finished after [123] s.*$more"
working_machine
mock mocks/path/nvidia-smi "$sleeps"
mock mocks/path/python3 "$sleeps"
returns 0 9 --build mocks/built --times
prints "nvidia-smi: not finished after [1-9] s" "looking for torch in python3: not finished after [1-9] s.*$more" "^standalone$"

# Without --build it builds first, and stops if that fails.
working_machine
mock mocks/path/cmake "case \$* in *--build*) cp -r '$PWD/mocks/built' '$PWD/mocks/build-gpu' ;; esac"
returns 0 50
prints "configuring: done" "building: done" "test.cuda.gpu: done" "gpu.standalone: done"
working_machine
mock mocks/path/cmake 'echo "there is no Eigen"; exit 1'
returns 1 50
prints "there is no Eigen" "configuring: status 1" "Eigen, doctest and cuDNN 9 are needed"
mock mocks/path/cmake "case \$* in *--build*) $sleeps & $sleeps ;; esac"
returns 1 3
prints "configuring: done" "building: not finished after [123] s.*$more"
prints_not "test.cuda.gpu"

# Terminated from outside, it kills what it has started.
working_machine
mock mocks/built/tests/test.cuda.gpu "touch begun; $stubborn"
PATH=$PWD/mocks/path:$PATH mocks/benchmarks/gpu.sh --build mocks/built --seconds 50 >output 2>&1 &
for _ in {1..300}; do [ -e begun ] || sleep 0.1; done
kill -TERM $!
status=0
wait $! || status=$?
[ "$status" -eq 143 ] || die "gpu.sh after SIGTERM: status 143? $status: $(cat output)"
no_process_is_left "gpu.sh after SIGTERM"
echo "benchmarks/gpu.sh ends in time whichever phase hangs, reports it and leaves no process behind"
