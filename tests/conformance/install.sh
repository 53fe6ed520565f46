#!/usr/bin/env bash
# Installs the suite that run.sh runs, and a Node 22 for it, beside this file at the pinned versions.
set -euo pipefail

cd "$(dirname "$0")"

# Installs again only when what is pinned has changed; the copy is written last, so a broken install is not taken for one.
if ! cmp -s package-lock.json node_modules/.installed; then
    npm ci --ignore-scripts --no-fund --no-audit --loglevel=error
    cp package-lock.json node_modules/.installed
fi
