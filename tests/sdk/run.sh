#!/usr/bin/env bash
# The official client SDKs, TypeScript and Python, current and previous major, against a built Bureau, over stdio and HTTP; and
# what frameworks make of its tools for the models that they speak to; the
# programs in examples/, and the configurations that the pages show.
#
#   tests/sdk/run.sh BINARY
#
# Prints a line per check and ends with `N passed, N failed`. Needs Node 20 or newer, npm, and Python 3.11 or newer with
# venv; install.sh installs the SDKs themselves.
set -euo pipefail

[ $# -eq 1 ] || { echo "usage: tests/sdk/run.sh BINARY" >&2; exit 2; }
binary=$(realpath "$1")
cd "$(dirname "$0")"
tools=${BUREAU_TEST_TOOLS:-$PWD/../../target/tools}
./install.sh
tools=$(realpath "$tools")

# --- the server -----------------------------------------------------------------------------------------------------

folder=$(mktemp -d)
server=
demo=
beside=
stop() {
    for group in $demo $beside; do
        kill -- "-$group" 2>/dev/null || true
        wait "$group" 2>/dev/null || true
    done
    if [ -n "$server" ]; then
        kill "$server" 2>/dev/null || true
        wait "$server" 2>/dev/null || true
    fi
    rm -rf "$folder"
}
trap stop EXIT
trap 'exit 130' INT TERM

where=(--database "sqlite:$folder/http.sqlite" --data-dir "$folder/http.data")
SDK_TEST_KEY=$("$binary" key create --name sdk --preset full --json "${where[@]}" |
    python3 -c 'import json, sys; print(json.load(sys.stdin)["key"])')
export SDK_TEST_KEY

"$binary" serve --listen 127.0.0.1:0 --features=contacts "${where[@]}" >/dev/null 2>"$folder/server.log" </dev/null &
server=$!
url=
for _ in $(seq 600); do
    url=$(grep -Eo 'http://127\.0\.0\.1:[0-9]+/mcp' "$folder/server.log" | head -n 1) || true
    [ -z "$url" ] || break
    kill -0 "$server" 2>/dev/null || break
    sleep 0.1
done
if [ -z "$url" ]; then
    echo "the server did not say where it listens:" >&2
    cat "$folder/server.log" >&2
    echo "0 passed, 1 failed"
    exit 1
fi

# --- the clients ----------------------------------------------------------------------------------------------------

# A client that ends badly has failed once more than it said: it may have said nothing.
run() {
    local before status=0
    before=$(grep -c '^FAIL ' "$results" || true)
    timeout 180 "$@" "$binary" "$folder" "$url" </dev/null 2>"$results.log" | tee -a "$results" || status=$?
    if [ "$status" -ne 0 ]; then
        [ "$(grep -c '^FAIL ' "$results" || true)" -gt "$before" ] ||
            echo "FAIL $*: ended with status $status" | tee -a "$results"
        tail -n 20 "$results.log" >&2
    fi
}

results=$folder/results
touch "$results" "$folder/beside"

# Beside the others: the demo firm for owner.py, whose two years take a while to be made; and what needs no server from here.
# Each is a group of processes, so that it can be stopped as one.
set -m
"$binary" demo --database "sqlite:$folder/demo.sqlite" --data-dir "$folder/demo.data" >/dev/null 2>"$folder/demo.log" </dev/null &
demo=$!
(
    results=$folder/beside
    run "$tools/sdk-python-current/bin/python" guides.py
    run node examples.mjs
    run "$tools/sdk-python-adapters-current/bin/python" examples.py
    run "$tools/sdk-python-adapters-previous/bin/python" examples.py
) >/dev/null 2>"$folder/beside.errors" &
beside=$!
set +m

run node current.mjs
run node previous.mjs
run "$tools/sdk-python-current/bin/python" current.py
run "$tools/sdk-python-previous/bin/python" previous.py
run "$tools/sdk-python-current/bin/python" day.py
run "$tools/sdk-python-current/bin/python" money.py
run "$tools/sdk-python-current/bin/python" configurations.py
run node adapters.mjs
run "$tools/sdk-python-adapters-current/bin/python" adapters.py
run "$tools/sdk-python-adapters-previous/bin/python" adapters.py
wait "$demo" || cat "$folder/demo.log" >&2
demo=
run "$tools/sdk-python-current/bin/python" owner.py
wait "$beside" || true
beside=
cat "$folder/beside.errors" >&2
tee -a "$results" <"$folder/beside"

passed=$(grep -c '^ok ' "$results" || true)
failed=$(grep -c '^FAIL ' "$results" || true)
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
