#!/usr/bin/env bash
# The documentation's pages name only what exists and link only to files that exist. Needs Python 3, nothing else.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
command -v python3 >/dev/null || exit 77
export PYTHONDONTWRITEBYTECODE=1
python3 "$root/docs/site/check_names.py" "$root"
python3 "$root/docs/site/stage.py" "$root" "$root"
