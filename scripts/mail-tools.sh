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
    # Debian keeps this part of Python in a package of its own, and it brings no command.
    python3 -c 'import ensurepip' 2>/dev/null || scripts/need.sh 'python3-venv=python3-venv=the tests keep Python packages in a folder of their own'
    rm -rf "$tools"
    python3 -m venv "$tools" >&2
    # shellcheck disable=SC2086
    "$python" -m pip install --quiet --disable-pip-version-check $wanted >&2
    printf '%s' "$wanted" >"$tools/wanted"
fi
echo "$python"
