#!/usr/bin/env bash
# The tests of tenancy, contacts, deals, issuing, receipts, settings, members and distribution on a PostgreSQL whose rows lie on
# several machines.
#
#   tests/citus/run.sh [TEST...]
#
# Where Citus is installed beside Debian's PostgreSQL, that is a coordinator with two workers on loopback. Where it is not, it says
# so, and what Bureau does on such a server is done on one machine.
set -euo pipefail
cd "$(dirname "$0")/../.."

[ $# -gt 0 ] || set -- tenancy:: contacts:: deals:: issuing:: receipts:: settings:: members:: distributed::
library=$(compgen -G '/usr/lib/postgresql/*/lib/citus.so' | tail -n 1 || true)
if [ -n "$library" ]; then
    export BUREAU_TEST_POSTGRES=citus
    if grep -q ' DatumGetHeapTupleHeader$' <<<"$(nm -D --undefined-only "$library")"; then
        folder=$(mktemp -d)
        trap 'rm -rf "$folder"' EXIT
        # Whoever runs the servers has to read it.
        chmod 755 "$folder"
        cc -shared -fPIC -o "$folder/missing.so" tests/citus/missing.c
        export BUREAU_TEST_PRELOAD=$folder/missing.so
    fi
else
    echo 'left out: Citus is not installed, so these tests run on one machine with the statements for several'
    export BUREAU_TEST_POSTGRES=fallbacks
fi
# What of these tests is on a file does the same as ever.
cargo test --locked --workspace --test it -- "$@"
