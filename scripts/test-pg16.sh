#!/usr/bin/env bash
# The suite on the PostgreSQL 16 of pg16-root.sh: test-pg16.sh [TEST …] runs all of it, or some files of tests/tests/suite.
ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
STARTED=$(date +%s)
export STARTED PG_MAJOR=16
"$ROOT/scripts/pg16-root.sh" make
PG_BIN=$("$ROOT/scripts/pg16-root.sh" path)/bin
export PG_BIN
. "$ROOT/scripts/common.sh"
export PATH="$PG_BIN:$PATH" PGRX_HOME=$TARGET_DIR/pgrx-16
mkdir -p "$PGRX_HOME"
[ -e "$PGRX_HOME/config.toml" ] || cargo pgrx init --pg16 "$PG_CONFIG" >/dev/null 2>&1
cd "$ROOT"
say "building and installing the extension"
cargo pgrx install --quiet --release --package crm_ext --no-default-features --features pg16 --pg-config "$PG_CONFIG"
say "building the system tests"
cargo build --quiet --package crm_api
cargo test --quiet --package crm_tests --no-run
# It has no plpgsql_check either.
SUITE_TESTS="$*" SKIP_TESTS=plpgsql_check "$ROOT/scripts/suite.sh"
say "the suite passes on $("$PG_BIN/postgres" --version), built against the headers of $("$PG_CONFIG" --version)"
