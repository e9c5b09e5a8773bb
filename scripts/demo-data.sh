#!/usr/bin/env bash
# The demo data, into the empty database that PGHOST, PGPORT, PGUSER, PGPASSWORD and PGDATABASE name: a platform with history,
# the CRM bound to it, counted, one night run, some guests asked for their consent. DATA=retail: Online Retail.
. "$(dirname "$0")/common.sh"
quietly() { PGOPTIONS='-c client_min_messages=warning' psql -X -q -v ON_ERROR_STOP=1 "$@" >/dev/null; }

if [ "${DATA:-restaurants}" = retail ]; then
  say "loading the platform: Online Retail, 541,909 lines, shifted to end yesterday"
  quietly -f "$ROOT/sql/demo/retail/schema.sql"
  gzip -dc "$ROOT/sql/demo/retail/online_retail.csv.gz" | quietly -v today="$(date -u -d yesterday +%F)" -f "$ROOT/sql/demo/retail/load.sql"
  bind=$ROOT/sql/demo/retail/bind.sql
else
  say "loading the platform: two organisations, five venues, two years of orders"
  quietly -f "$ROOT/sql/demo/schema.sql"
  psql -X -q -v ON_ERROR_STOP=1 -v seed=42 -f "$ROOT/sql/demo/generate.sql" | sed 's/^/        /'
  bind=$ROOT/sql/demo/bind.sql
fi
say "installing and binding the CRM"
quietly -c 'CREATE EXTENSION pg_crm CASCADE' -c 'SELECT crm.install()' -f "$bind"
say "counting the history"
PGOPTIONS='-c client_min_messages=notice' psql -X -q -v ON_ERROR_STOP=1 -c 'CALL crm.backfill()' 2>&1 | sed 's/^/        /'
say "running the night once"
quietly -c 'CALL crm.run_night()'
say "asking some guests for their consent"
quietly -f "$ROOT/sql/demo/consents.sql" -c 'CALL crm.run_sweep()'
