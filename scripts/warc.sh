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
said="$work/said"
for file in "$@"; do
    # warcio is content with a record that has no digest.
    if ! "$work/bin/warcio" check -v "$file" >"$said" 2>&1 || grep -q 'no digest' "$said" ||
        ! "$work/bin/fastwarc" check --verify-payloads --quiet "$file" >"$said" 2>&1; then
        echo "portcullis: $file is refused:" >&2
        cat "$said" >&2
        exit 1
    fi
    python3 "$(dirname "$0")/warc.py" "$file"
done
