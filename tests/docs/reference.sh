#!/usr/bin/env bash
# reference.sh OUT: every public name is documented, and Doxygen builds the API reference without a warning.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
command -v doxygen >/dev/null && command -v python3 >/dev/null || exit 77
export PYTHONDONTWRITEBYTECODE=1
exec "$root/docs/site/reference.sh" "$1"
