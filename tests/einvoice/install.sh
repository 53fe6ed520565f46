#!/usr/bin/env bash
# Installs the validators that run.sh asks, at the pinned versions, below target/tools.
set -euo pipefail

cd "$(dirname "$0")"
tools=${BUREAU_TEST_TOOLS:-$PWD/../../target/tools}
mkdir -p "$tools"

# Installs again only when what is pinned has changed; the copy is written last, so a broken install is not taken for one.
venv=$tools/einvoice-python
if ! cmp -s requirements.txt "$venv/.installed"; then
    rm -rf "$venv"
    python3 -m venv "$venv"
    "$venv/bin/pip" install --quiet --disable-pip-version-check --no-input --no-compile -r requirements.txt
    cp requirements.txt "$venv/.installed"
fi
