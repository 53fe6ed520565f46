#!/usr/bin/env bash
# Bureau's e-invoices against the validators of others: XML Schema and Schematron of EN 16931 in UBL, CII and Factur-X.
#
#   tests/einvoice/run.sh SAMPLES
#
# SAMPLES is the built example `samples` of bureau-documents, which writes the e-invoices that are looked at. Prints a line
# per check and ends with `N passed, N failed`. Needs Python 3.11 or newer with venv; install.sh installs the
# validators.
set -euo pipefail

[ $# -eq 1 ] || { echo "usage: tests/einvoice/run.sh SAMPLES" >&2; exit 2; }
samples=$(realpath "$1")
cd "$(dirname "$0")"
tools=${BUREAU_TEST_TOOLS:-$PWD/../../target/tools}
./install.sh
venv=$(realpath "$tools")/einvoice-python

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
trap 'exit 130' INT TERM

"$samples" "$folder"

# A validator that ends badly has failed once more than it said: it may have said nothing.
touch "$folder/results"
status=0
timeout 600 "$venv/bin/python" validate.py "$folder" </dev/null | tee "$folder/results" || status=$?
passed=$(grep -c '^ok ' "$folder/results" || true)
failed=$(grep -c '^FAIL ' "$folder/results" || true)
if [ "$status" -ne 0 ] && [ "$failed" -eq 0 ]; then
    echo "FAIL validate.py: ended with status $status"
    failed=1
fi
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
