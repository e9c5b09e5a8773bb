#!/usr/bin/env bash
# Runs what runs inside PostgreSQL, against the server that PGHOST, PGPORT, PGUSER and PGPASSWORD name:
# sql/*.sql against expected/*.out (pg_regress), specs/*.spec against expected/*.out (isolation tester).
# An expected file is written by hand or read line by line before it is kept.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
pg_config=${PG_CONFIG:-pg_config}
tools=$("$pg_config" --pgxs | sed 's|/src/makefiles/pgxs.mk$|/src/test|')
bin=$("$pg_config" --bindir)
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT

run() {
  local runner=$1 database=$2
  shift 2
  "$runner" --bindir="$bin" --inputdir="$here" --outputdir="$out" --dbname="$database" --use-existing "$@" ||
    { cat "$out/regression.diffs" >&2; exit 1; }
}
database=pg_crm_regression_$$
psql -X -q -d postgres -c "CREATE DATABASE $database" -c "ALTER DATABASE $database SET timezone = 'UTC'"
psql -X -q -d "$database" -v ON_ERROR_STOP=1 -c 'CREATE EXTENSION pg_crm CASCADE' -c 'SELECT crm.install()' -f "$here/fixture.sql" >/dev/null
regress=$(cd "$here/sql" && ls ./*.sql | sed 's|^\./||; s|\.sql$||')
isolation=$(cd "$here/specs" && ls ./*.spec | sed 's|^\./||; s|\.spec$||')
# shellcheck disable=SC2086
run "$tools/regress/pg_regress" "$database" $regress
# shellcheck disable=SC2086
run "$tools/isolation/pg_isolation_regress" "$database" $isolation
psql -X -q -d postgres -c "DROP DATABASE $database"
