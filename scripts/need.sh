#!/usr/bin/env bash
# Makes sure that commands exist, and installs the Debian package that brings one when it does not, saying so.
#
#   scripts/need.sh 'COMMAND=PACKAGE=why it is needed' ...
#
# Nothing is printed, and apt is not called, when every command is there.
set -euo pipefail

# Debian keeps servers in sbin, which is not on everybody's PATH.
PATH="$PATH:/usr/local/sbin:/usr/sbin:/sbin"

missing=()
for line in "$@"; do
    IFS='=' read -r command package why <<<"$line"
    command -v "$command" >/dev/null 2>&1 && continue
    echo "portcullis: '$command' is missing ($why); it is in the Debian package '$package'" >&2
    missing+=("$package")
done
[ "${#missing[@]}" -gt 0 ] || exit 0

if ! command -v apt-get >/dev/null 2>&1; then
    echo "portcullis: there is no apt-get here: please install ${missing[*]} yourself, then try again" >&2
    exit 3
fi
become=()
if [ "$(id -u)" -ne 0 ]; then
    if ! command -v sudo >/dev/null 2>&1; then
        echo "portcullis: not root, and no sudo: please run 'apt-get install ${missing[*]}' as root, then try again" >&2
        exit 3
    fi
    become=(sudo)
fi

export DEBIAN_FRONTEND=noninteractive
echo "portcullis: installing ${missing[*]} with apt-get" >&2
# stdout stays clean: what apt says is progress, not data.
"${become[@]}" apt-get update -qq >&2
"${become[@]}" apt-get install -y -qq --no-install-recommends "${missing[@]}" </dev/null >&2
