#!/usr/bin/env bash
# reference.sh OUT: the API reference, OUT/html and OUT/xml. Fails on a warning of Doxygen or an undocumented public name.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
out=$1
rm -rf "$out"
mkdir -p "$out"
{
  cat "$root/docs/site/Doxyfile"
  echo "INPUT = \"$root/include/pretext\" \"$root/docs/site/mainpage.dox\""
  echo "STRIP_FROM_PATH = \"$root/include\""
  echo "STRIP_FROM_INC_PATH = \"$root/include\""
  echo "OUTPUT_DIRECTORY = \"$out\""
  echo "WARN_LOGFILE = \"$out/warnings.log\""
} >"$out/Doxyfile"
doxygen "$out/Doxyfile"
if [ -s "$out/warnings.log" ]; then
  cat "$out/warnings.log" >&2
  exit 1
fi
python3 "$root/docs/site/check_api.py" "$out/xml"
