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

cluster=test-$$
trap '"$ROOT/scripts/cluster.sh" remove "$cluster"' EXIT
say "starting a private PostgreSQL cluster"
connection=$("$ROOT/scripts/cluster.sh" start "$cluster" \
  shared_preload_libraries=pg_cron cron.database_name=postgres cron.use_background_workers=on \
  max_worker_processes=20 max_connections=400 shared_buffers=512MB max_wal_size=4GB fsync=off full_page_writes=off max_locks_per_transaction=256)
eval "$connection"
export PGPORT PGPASSWORD PGHOST=127.0.0.1 PGUSER=postgres
export CRM_TEST_URL="postgres://postgres:$PGPASSWORD@127.0.0.1:$PGPORT/postgres"
export CRM_API_BIN="$TARGET_DIR/debug/crm_api"

say "regression and isolation tests inside PostgreSQL"
PG_CONFIG=$PG_CONFIG "$ROOT/pgrx-tests/run.sh"
say "system tests"
cargo test --package crm_tests --no-fail-fast -- --test-threads=3
"$ROOT/scripts/admin-test.sh"
say "the benchmarks at their smallest: every case runs and both sides compute the same"
log=$(mktemp)
CRM_BENCH_URL=$CRM_TEST_URL cargo run --quiet --package crm_bench -- --orders 4000 --rounds 1 >"$log" 2>&1 ||
  { cat "$log" >&2; rm -f "$log"; fail "a benchmark fails"; }
rm -f "$log"
say "all tests passed"
