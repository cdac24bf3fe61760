#!/usr/bin/env bash
# Shows an archive of a capture to two readers of others, and to one that needs nothing but Python.
#
#   scripts/warc.sh [FILE.warc.gz ...]
#
# Without a file it only installs them.
# The readers are warcio and FastWARC, from PyPI, in a virtual environment under target/warc.
set -euo pipefail
work="$(dirname "$0")/../target/warc"

if [ ! -x "$work/bin/fastwarc" ]; then
    # Debian keeps what makes environments in a package without a command of its own.
    python3 -c 'import ensurepip' 2>/dev/null || "$(dirname "$0")/need.sh" 'ensurepip=python3-venv=installs readers of WARC files'
    echo "portcullis: installing warcio and FastWARC (readers of WARC files) into target/warc" >&2
    python3 -m venv "$work" >&2
    "$work/bin/pip" install --quiet --disable-pip-version-check 'warcio==1.8.1' 'fastwarc==2.0.1' >&2
fi
for file in "$@"; do
    "$work/bin/warcio" check -v "$file" >"$work/said"
    if grep -q 'no digest' "$work/said"; then
        echo "portcullis: a record of $file has no digest" >&2
        exit 1
    fi
    # It says what is wrong, and ends with 0 all the same.
    "$work/bin/fastwarc" check --verify-payloads "$file" >"$work/said" 2>&1
    if grep -qiE 'corrupt|invalid|fail' "$work/said"; then
        cat "$work/said" >&2
        exit 1
    fi
    python3 "$(dirname "$0")/warc.py" "$file"
done
