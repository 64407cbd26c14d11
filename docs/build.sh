#!/usr/bin/env bash
# Builds the documentation: pages with MkDocs, the API reference with Doxygen; result: build/docs/site/index.html.
# Installs what is missing: Doxygen with apt-get, MkDocs with pip in a virtual environment below build/docs.
# Fails on a warning of MkDocs, a dead link, an undocumented public name, or a name in the pages that does not exist.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
out=$root/build/docs

missing=()
command -v doxygen >/dev/null || missing+=(doxygen)
python3 -c 'import venv, ensurepip' 2>/dev/null || missing+=(python3-venv)
if ((${#missing[@]} > 0)); then
  as_root=()
  if ! command -v apt-get >/dev/null; then
    echo "This machine lacks ${missing[*]} (Debian's names) and has no apt-get: install them and start again." >&2
    exit 1
  fi
  if [ "$(id -u)" -ne 0 ]; then
    if ! command -v sudo >/dev/null; then
      echo "Missing packages; run as root: apt-get install ${missing[*]}" >&2
      exit 1
    fi
    as_root=(sudo)
  fi
  echo "Installing ${missing[*]}"
  ${as_root[@]+"${as_root[@]}"} apt-get update -qq
  ${as_root[@]+"${as_root[@]}"} env DEBIAN_FRONTEND=noninteractive \
    apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
fi

mkdir -p "$out"
requirements=$root/docs/site/requirements.txt
if ! cmp -s "$requirements" "$out/venv/installed.txt"; then
  echo "Installing MkDocs in $out/venv"
  rm -rf "$out/venv"
  python3 -m venv "$out/venv"
  if ! "$out/venv/bin/pip" install -q --disable-pip-version-check -r "$requirements"; then
    echo "pip could not install the packages of $requirements: the first build needs PyPI." >&2
    exit 1
  fi
  cp "$requirements" "$out/venv/installed.txt"
fi

rm -rf "$out/staged" "$out/site"
outcome=0
"$root/docs/site/reference.sh" "$out/api" || outcome=1
python3 "$root/docs/site/check_names.py" "$root" || outcome=1
python3 "$root/docs/site/stage.py" "$root" "$out/staged" "$out/api" || outcome=1
if ((outcome != 0)); then exit "$outcome"; fi

PRETEXT_DOCS_STAGED=$out/staged PRETEXT_DOCS_SITE=$out/site NO_MKDOCS_2_WARNING=1 \
  "$out/venv/bin/mkdocs" build --strict --quiet --clean -f "$root/docs/site/mkdocs.yml"
python3 "$root/docs/site/check_links.py" "$out/site"
echo "$out/site/index.html"
