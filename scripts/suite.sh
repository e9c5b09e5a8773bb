#!/usr/bin/env bash
# The tests inside PostgreSQL and the whole system from outside, against the installed extension on a private cluster;
# then the commands given, which find the cluster in CRM_TEST_URL and PGPORT: suite.sh [COMMAND …]
. "$(dirname "$0")/common.sh"
cd "$ROOT"
cluster=test-$$
trap '"$ROOT/scripts/cluster.sh" remove "$cluster"' EXIT
say "starting a private PostgreSQL cluster"
# The PostgreSQL of test-pg16.sh has no pg_cron.
cron=()
if [ -e "$("$PG_CONFIG" --pkglibdir)/pg_cron.so" ]; then
  cron=(shared_preload_libraries=pg_cron cron.database_name=postgres cron.use_background_workers=on)
fi
connection=$("$ROOT/scripts/cluster.sh" start "$cluster" "${cron[@]}" \
  max_worker_processes=20 max_connections=400 shared_buffers=512MB max_wal_size=4GB fsync=off full_page_writes=off max_locks_per_transaction=256)
eval "$connection"
export PGPORT PGPASSWORD PGHOST=127.0.0.1 PGUSER=postgres
export CRM_TEST_URL="postgres://postgres:$PGPASSWORD@127.0.0.1:$PGPORT/postgres"
export CRM_API_BIN="$TARGET_DIR/debug/crm_api"

say "regression and isolation tests inside PostgreSQL"
PG_CONFIG=$PG_CONFIG "$ROOT/pgrx-tests/run.sh"
say "system tests"
# Some files of tests alone, where they are named. Many wait for PostgreSQL or for each other: more threads than cores.
files=()
for file in ${SUITE_TESTS:-}; do files+=("$file::"); done
# shellcheck disable=SC2086
cargo test --package crm_tests --no-fail-fast -- --test-threads=$((2 * $(nproc))) ${SKIP_TESTS:+--skip $SKIP_TESTS} "${files[@]}"
"$ROOT/scripts/guide.sh"
ORDERS=300 "$ROOT/scripts/replicas.sh"
for command in "$@"; do "$command"; done
