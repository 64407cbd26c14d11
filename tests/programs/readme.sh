#!/usr/bin/env bash
# The first program in the README is examples/minimal.cpp, and its encoder tells the built-in images apart.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
[ -x "$PRETEXT_PROGRAMS/minimal" ] || exit 77
sed -n '/^```cpp$/,/^```$/{p;/^```$/q}' "$root/README.md" | sed '1d;$d' >in_readme.cpp
tail -n +2 "$root/examples/minimal.cpp" >in_examples.cpp
diff in_readme.cpp in_examples.cpp
"$PRETEXT_PROGRAMS/minimal" >output
grep -q "^step 320  loss [0-9.]*$" output
grep -q "^a feature of 128 values" output
[ -s minimal.safetensors ]
first=$(sed -n 's/^step  40  loss //p' output) last=$(sed -n 's/^step 320  loss //p' output)
awk -v a="$first" -v b="$last" 'BEGIN { exit !(b < a - 0.3) }' || { echo "the loss went from $first to $last" >&2; exit 1; }
accuracy=$(sed -n 's/^accuracy of kNN on unseen images: //p' output)
awk -v a="$accuracy" 'BEGIN { exit !(a > 0.8) }' || { echo "the accuracy of kNN is $accuracy" >&2; exit 1; }
