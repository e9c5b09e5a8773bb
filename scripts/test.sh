#!/usr/bin/env bash
# Everything: the fast checks, then the extension inside PostgreSQL and the whole system from outside.
. "$(dirname "$0")/common.sh"
"$ROOT/scripts/check.sh"
"$ROOT/scripts/install.sh"
cd "$ROOT"
say "names in the install script"
"$ROOT/scripts/pgspot.sh"
"$ROOT/scripts/admin.sh"
say "building the system tests"
cargo build --quiet --package crm_api --package crm_bench
cargo test --quiet --package crm_tests --no-run

"$ROOT/scripts/suite.sh" "$ROOT/scripts/admin-test.sh" "$ROOT/scripts/bench-smallest.sh"
say "all tests passed"
