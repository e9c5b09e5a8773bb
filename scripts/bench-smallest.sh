#!/usr/bin/env bash
# Called by suite.sh.
. "$(dirname "$0")/common.sh"
cd "$ROOT"
say "the benchmarks at their smallest: every case runs and both sides compute the same"
log=$(mktemp)
CRM_BENCH_URL=$CRM_TEST_URL cargo run --quiet --package crm_bench -- --orders 4000 --rounds 1 >"$log" 2>&1 ||
  { cat "$log" >&2; rm -f "$log"; fail "a benchmark fails"; }
rm -f "$log"
