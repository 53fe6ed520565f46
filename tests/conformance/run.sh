#!/usr/bin/env bash
# The official MCP conformance suite against the server of `bureau serve`.
#
#   tests/conformance/run.sh BINARY
#
# BINARY is built with `cargo build --example conformance`, which has the suite's fixture tools, resources and prompts on
# the same server. Both requirement sets have to pass whole; there is no baseline of expected failures. The
# older one asks for sessions and for requests that the server sends to the client, so that run has `--sessions`. Prints
# each run's summary and, last, `N passed, N failed` over the scored scenarios. Needs Node 20 or newer with npm;
# install.sh installs the suite and a Node 22 for it.
set -euo pipefail

[ $# -eq 1 ] || { echo "usage: tests/conformance/run.sh BINARY" >&2; exit 2; }
binary=$(realpath "$1")
cd "$(dirname "$0")"

./install.sh
PATH=$PWD/node_modules/.bin:$PATH
for newer in node_modules/node-*-*/bin; do
    [ ! -x "$newer/node" ] || PATH=$PWD/$newer:$PATH
done

folder=$(mktemp -d)
server=
stop() {
    if [ -n "$server" ]; then
        kill "$server" 2>/dev/null || true
        wait "$server" 2>/dev/null || true
        server=
    fi
}
trap 'stop; rm -rf "$folder"' EXIT
trap 'exit 130' INT TERM

# Prints how many of the scenarios that a requirement set scores passed and failed according to a log of the suite.
counts() { # LOG REQUIREMENTS
    awk '
        FILENAME == ARGV[1] { if (/^[a-z_]+:/) section = $1; if (section == "server:" && $1 == "-") scored[$2] = 1; next }
        /=== SUMMARY ===/ { summary = 1 }
        summary && ($1 == "✓" || $1 == "✗") {
            name = $2
            if (sub(/:$/, "", name) && name in scored) { if ($1 == "✓") passed++; else failed++ }
        }
        END { print passed + 0, failed + 0 }
    ' "node_modules/@modelcontextprotocol/conformance/requirements/$2.yaml" "$1"
}

passed=0 failed=0
run() { # NAME REQUIREMENTS SERVE_OPTIONS...
    local name=$1 requirements=$2 url='' status=0 p f
    shift 2
    printf '\n-- %s\n' "$name"
    : >"$folder/$name.server"
    "$binary" --listen 127.0.0.1:0 "$@" \
        --database "sqlite:$folder/$name.sqlite" --data-dir "$folder/$name.data" \
        >>"$folder/$name.server" 2>&1 </dev/null &
    server=$!
    for _ in $(seq 600); do
        url=$(grep -Eo 'http://127\.0\.0\.1:[0-9]+/mcp' "$folder/$name.server" | head -n 1) || true
        [ -z "$url" ] || break
        kill -0 "$server" 2>/dev/null || break
        sleep 0.1
    done
    if [ -z "$url" ]; then
        cat "$folder/$name.server" >&2
        failed=$((failed + 1))
        stop
        return
    fi
    # Scenarios that wait for a request of the server's would wait for half a minute each.
    conformance server --url "$url" --requirements "$requirements" --timeout 10000 \
        >"$folder/$name.log" 2>&1 || status=$?
    stop
    sed -n '/=== SUMMARY ===/,$p' "$folder/$name.log"
    read -r p f < <(counts "$folder/$name.log" "$requirements")
    # The suite's own verdict decides: a run that it fails has failed, whatever could be counted.
    if [ "$status" -ne 0 ]; then
        [ "$f" -gt 0 ] || f=1
        tail -n 40 "$folder/$name.log" >&2
    fi
    passed=$((passed + p)) failed=$((failed + f))
}

run stateless 2026-07-28
run handshake 2025-11-25 --sessions

printf '\n%d passed, %d failed\n' "$passed" "$failed"
[ "$failed" -eq 0 ]
