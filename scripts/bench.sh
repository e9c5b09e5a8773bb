#!/usr/bin/env bash
# Measures what pg_crm costs and saves, on a private cluster with durable settings, and writes docs/benchmarks.md.
# ORDERS=2000000 ROUNDS=9 set the size; QUICK=1 is a look of a minute or two; ONLY=night,page runs some cases. The last two write nothing.
. "$(dirname "$0")/common.sh"
"$ROOT/scripts/install.sh"
cd "$ROOT"
say "building the benchmarks"
cargo build --quiet --release --package crm_bench

if [ -n "${QUICK:-}" ]; then orders=${ORDERS:-100000} rounds=${ROUNDS:-3}; else orders=${ORDERS:-2000000} rounds=${ROUNDS:-9}; fi
options=(--orders "$orders" --rounds "$rounds")
if [ -n "${ONLY:-}" ]; then options+=(--only "$ONLY"); fi
if [ -z "${ONLY:-}${QUICK:-}" ]; then options+=(--output "$ROOT/docs/benchmarks.md"); fi

cluster=bench-$$
trap '"$ROOT/scripts/cluster.sh" remove "$cluster"' EXIT
# A quarter of the memory, as is usual, but no less than the data of a case need. Autovacuum and checkpoints would hit one side or the
# other by chance: both happen between the measurements instead. Compiling plans helps neither side at these sizes.
memory=$(awk '/^MemTotal/ { print int($2 / 1024) }' /proc/meminfo)
buffers=$((memory / 4 > 1024 ? memory / 4 : 1024))
say "starting a private PostgreSQL cluster with ${buffers} MB of shared buffers"
connection=$("$ROOT/scripts/cluster.sh" start "$cluster" \
  fsync=on full_page_writes=on "shared_buffers=${buffers}MB" "effective_cache_size=$((buffers * 2))MB" work_mem=64MB \
  maintenance_work_mem=512MB max_wal_size=16GB checkpoint_timeout=1h autovacuum=off jit=off random_page_cost=1.1)
eval "$connection"
export CRM_BENCH_URL="postgres://postgres:$PGPASSWORD@127.0.0.1:$PGPORT/postgres"
PATH="$PG_BIN:$PATH" "$TARGET_DIR/release/crm_bench" "${options[@]}"
