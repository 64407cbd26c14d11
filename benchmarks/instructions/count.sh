#!/usr/bin/env bash
# Counts the instructions that a statically linked program of another processor executes under qemu-user: every translated
# block is logged once with its instructions, and again, without them, whenever it runs.
#   benchmarks/instructions/count.sh aarch64 PROGRAM [ARGUMENT...]
set -euo pipefail
processor=$1
shift
qemu=$(command -v "qemu-$processor-static" || command -v "qemu-$processor") || { echo "This needs qemu-user-static" >&2; exit 1; }
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
mkfifo "$folder/log"
"$qemu" -d in_asm,exec,nochain -D "$folder/log" "$@" >/dev/null &
awk '
  /^IN:/ { block = ""; next }
  /^0x[0-9a-f]+:/ {
    if (block == "") { block = substr($1, 3, length($1) - 3); sub(/^0+/, "", block); count[block] = 0 }
    ++count[block]
    next
  }
  /^Trace/ {
    split(substr($0, index($0, "[") + 1), part, "/")
    sub(/^0+/, "", part[2])
    total += count[part[2]]
  }
  END { printf "%d\n", total }' "$folder/log"
wait $!
