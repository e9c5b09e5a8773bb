#!/usr/bin/env bash
# Looks for names in the extension's install script that somebody could shadow, with pgspot; the installed script unless one is given.
. "$(dirname "$0")/common.sh"
script=${1:-$(ls "$("$PG_CONFIG" --sharedir)"/extension/pg_crm--*.sql | grep -v -- '--.*--')}
"$PGSPOT_ENV/bin/python" "$ROOT/scripts/spot_names.py" "$script" "$ROOT/scripts/pgspot-exceptions.txt" ||
  fail "pin the search_path, or write the reason into scripts/pgspot-exceptions.txt"
