#!/usr/bin/env bash
# chapter.sh FOLDER: runs the commands of a chapter of docs/chapters in the current folder, where build/examples are the
# programs and out/ and photos/ are what the chapters before it made, and compares what they print with its expected.txt.
set -euo pipefail
export PRETEXT_CHAPTER=$1
name=$(basename "$1")
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
case $name in 01_*) rm -rf ./* ;; esac # what an earlier test has left
mkdir -p build
[ -e build/examples ] || ln -sfn "$PRETEXT_PROGRAMS" build/examples
[ -e build/cmake_install.cmake ] || ln -sfn "$PRETEXT_BUILD/cmake_install.cmake" build/cmake_install.cmake
# What run.sh says where it cannot run: "skip REASON".
skip() {
  echo "$name is skipped: $*" >&2
  exit 77
}
export name
export -f skip
status=0
bash -euo pipefail "$1/run.sh" >"$name.output" 2>"$name.log" || status=$?
if [ "$status" -ne 0 ]; then
  tail -n 20 "$name.log" "$name.output" >&2
  exit "$status"
fi
awk -f "$here/compare_output.awk" "$1/expected.txt" "$name.output" || {
  echo "$name printed:" >&2
  cat "$name.output" >&2
  exit 1
}
