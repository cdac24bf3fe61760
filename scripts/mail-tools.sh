#!/usr/bin/env bash
# Makes sure that the tests of mail have what they check us with: aiosmtpd, a mail server that the tests tell how to
# behave, and dkimpy, which verifies signatures with code that is not ours. Both go into a folder of their own below
# target/, nowhere else. Prints the Python that has them.
set -euo pipefail
cd "$(dirname "$0")/.."
tools="${1:-${CARGO_TARGET_DIR:-target}}/mail-tools"
python="$tools/bin/python3"
wanted='aiosmtpd==1.4.6 dkimpy==1.1.8'
if [ "$(cat "$tools/wanted" 2>/dev/null)" != "$wanted" ]; then
    command -v python3 >/dev/null || { echo "portcullis: python3 is missing; make test installs it" >&2; exit 3; }
    echo "portcullis: installing $wanted into $tools" >&2
    rm -rf "$tools"
    if ! python3 -m venv "$tools" >&2; then
        echo "portcullis: python3 cannot make a virtual environment; on Debian: apt-get install python3-venv" >&2
        exit 3
    fi
    # shellcheck disable=SC2086
    "$python" -m pip install --quiet --disable-pip-version-check $wanted >&2
    printf '%s' "$wanted" >"$tools/wanted"
fi
echo "$python"
