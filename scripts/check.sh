#!/usr/bin/env bash
# The fast part of the tests: format, lints, and what needs no database.
. "$(dirname "$0")/common.sh"
"$ROOT/scripts/setup.sh"
cd "$ROOT"
say "released files"
"$ROOT/scripts/freeze.sh" check
"$ROOT/scripts/upgrade/check_freeze.sh"
say "format"
cargo fmt --all --check
say "lints"
cargo clippy --quiet --workspace --all-targets -- -D warnings
say "unit and property tests"
cargo test --quiet --package crm_core --package crm_api --package crm_bench --package crm_fuzz
