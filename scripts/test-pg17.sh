#!/usr/bin/env bash
# The suite on PostgreSQL 17, in a root of Debian trixie: test-pg17.sh [TEST …] runs all of it, or some files of tests/tests/suite.
. "$(dirname "$0")/common.sh"
if [ -z "${PG17_ROOT_ENTERED:-}" ]; then
  "$ROOT/scripts/pg17-root.sh" make
  # What is linked here runs there; what is linked there, with a newer libc, would not run here.
  say "building the system tests"
  (cd "$ROOT" && cargo build --quiet --package crm_api && cargo test --quiet --package crm_tests --no-run)
  exec "$ROOT/scripts/pg17-root.sh" run env PG_MAJOR=17 PG17_ROOT_ENTERED=1 STARTED="$STARTED" CARGO_TARGET_DIR="$TARGET_DIR" \
    PGRX_HOME="$TARGET_DIR/pgrx-17" "$ROOT/scripts/test-pg17.sh" "$@"
fi
export PATH="$PG_BIN:$PATH"
mkdir -p "$PGRX_HOME"
[ -e "$PGRX_HOME/config.toml" ] || cargo pgrx init --pg17 "$PG_CONFIG" >/dev/null 2>&1
"$ROOT/scripts/install.sh"
cd "$ROOT"
SUITE_TESTS="$*" "$ROOT/scripts/suite.sh"
say "the suite passes on PostgreSQL $PG_MAJOR"
