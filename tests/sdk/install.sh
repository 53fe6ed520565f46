#!/usr/bin/env bash
# Installs the SDKs and adapters that run.sh tests, at the pinned versions: below target/tools, and beside this file (node_modules).
set -euo pipefail

cd "$(dirname "$0")"
tools=${BUREAU_TEST_TOOLS:-$PWD/../../target/tools}
mkdir -p "$tools"

# Installs again only when what is pinned has changed; the copy is written last, so a broken install is not taken for one.
if ! cmp -s package-lock.json node_modules/.installed; then
    npm ci --ignore-scripts --no-fund --no-audit --loglevel=error
    cp package-lock.json node_modules/.installed
fi
for major in current previous adapters-current adapters-previous; do
    venv=$tools/sdk-python-$major
    if ! cmp -s "requirements-$major.txt" "$venv/.installed"; then
        rm -rf "$venv"
        python3 -m venv "$venv"
        "$venv/bin/pip" install --quiet --disable-pip-version-check --no-input --no-compile -r "requirements-$major.txt"
        cp "requirements-$major.txt" "$venv/.installed"
    fi
done
