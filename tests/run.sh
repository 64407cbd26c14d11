#!/usr/bin/env bash
# Installs what is missing, builds everything, passes every test; the last line is "N passed, N failed, N skipped".
# Arguments go to ctest: tests/run.sh -R augment. PRETEXT_WERROR=ON makes a warning an error.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
source "$root/cmake/install_dependencies.sh"

install_dependencies
build=$root/build
configure "$root" "$build" -DCMAKE_BUILD_TYPE=Release -DPRETEXT_TESTS=ON -DPRETEXT_EXAMPLES=ON -DPRETEXT_CUDA=ON \
  -DPRETEXT_WERROR="${PRETEXT_WERROR:-OFF}"

jobs=$(nproc 2>/dev/null || echo 2)
# A file that does not compile is one failed test, not the end of all of them.
keep_going=(-k)
if [ -e "$build/build.ninja" ]; then keep_going=(-k 0); fi
cmake --build "$build" --parallel "$jobs" -- "${keep_going[@]}" || echo "Something did not compile; its tests fail." >&2

results=$build/tests.xml
rm -f "$results"
outcome=0
ctest --test-dir "$build" --parallel "$jobs" --output-on-failure --no-tests=error --output-junit "$results" "$@" ||
  outcome=$?
if [ ! -e "$results" ]; then
  echo "ctest ended with code $outcome before it ran a test." >&2
  exit 1
fi

# ctest calls a test "skipped" that asked for it (SKIP_...), and also one whose program is not there: that one failed.
number() { sed -n "/<testsuite/,/>/s/^[[:space:]]*$1=\"\([0-9]*\)\".*/\1/p" "$results" | head -n 1; }
total=$(number tests)
skipped=$(grep -c '<skipped message="SKIP_' "$results" || true)
failed=$(($(number failures) + $(number disabled) + $(number skipped) - skipped))
echo "$((total - failed - skipped)) passed, $failed failed, $skipped skipped"
exit "$outcome"
