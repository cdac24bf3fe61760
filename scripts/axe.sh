#!/usr/bin/env bash
# Makes sure that the tests of the console have axe-core, which looks for what people with a screen reader, a keyboard or
# bad eyes stumble over. It comes inside a Python package that is not installed, only unpacked, below target/. Prints
# where axe.min.js is.
set -euo pipefail
cd "$(dirname "$0")/.."
tools="${1:-${CARGO_TARGET_DIR:-target}}/axe"
wanted='axe-playwright-python==0.1.8'
if [ "$(cat "$tools/wanted" 2>/dev/null)" != "$wanted" ]; then
    echo "portcullis: unpacking axe-core 4.12 from $wanted into $tools" >&2
    python3 -c 'import ensurepip' 2>/dev/null || scripts/need.sh 'python3-venv=python3-venv=fetches axe-core'
    rm -rf "$tools"
    python3 -m venv "$tools/venv" >&2
    "$tools/venv/bin/python3" -m pip download --quiet --disable-pip-version-check --no-deps --dest "$tools" "$wanted" >&2
    python3 -m zipfile -e "$tools"/*.whl "$tools/package"
    cp "$tools/package/axe_playwright_python/axe.min.js" "$tools/axe.min.js"
    rm -rf "$tools/venv"
    printf '%s' "$wanted" >"$tools/wanted"
fi
echo "$tools/axe.min.js"
