#!/usr/bin/env bash
# That freeze.sh refuses what it must, tried in a copy of its own: a second or so.
. "$(dirname "$0")/../common.sh"
copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT
mkdir -p "$copy/share/extension" "$copy/scripts/upgrade" "$copy/sql/upgrade"
cp "$ROOT"/Cargo.toml "$copy/"
cp "$ROOT"/scripts/{common,freeze}.sh "$copy/scripts/"
cp "$ROOT"/scripts/upgrade/make_upgrade.py "$copy/scripts/upgrade/"
cp -r "$ROOT/sql/migrations" "$copy/sql/"
cd "$copy"
# Stands for an installation: freeze.sh asks where it is.
printf '#!/bin/sh\necho "%s/share"\n' "$copy" >pg_config
chmod +x pg_config
release() {
  sed -i "/^\[workspace.package\]/,/^\[/s/^version = \".*\"/version = \"$1\"/" Cargo.toml
  printf '%s\n' "$2" >"share/extension/pg_crm--$1.sql"
  frozen
}
frozen() { PG_BIN=$copy scripts/freeze.sh "$@" 2>&1; }
refused() {
  local answer
  answer=$(frozen check) && fail "freeze.sh check accepts: $1"
  case $answer in *"$2"*) ;; *) fail "freeze.sh check says of $1: $answer" ;; esac
}
one='CREATE FUNCTION crm.f(a int DEFAULT 1) RETURNS int LANGUAGE sql AS $$ SELECT a $$; CREATE FUNCTION crm.g() RETURNS int LANGUAGE sql AS $x$ SELECT 1; $x$; CREATE TYPE crm.t AS (a int);'
release 0.1.0 "$one" >/dev/null
frozen check >/dev/null
release 0.2.0 'CREATE FUNCTION crm.f(a int DEFAULT 1) RETURNS text LANGUAGE sql AS $$ SELECT a::text $$; CREATE TYPE crm.t AS (a int);' >/dev/null
frozen check >/dev/null
upgrade=sql/upgrade/pg_crm--0.1.0--0.2.0.sql
for line in 'DROP FUNCTION crm.f(a int);' 'DROP FUNCTION crm.g();' 'CREATE OR REPLACE FUNCTION crm.f(a int DEFAULT 1) RETURNS text'; do
  grep -qF "$line" "$upgrade" || fail "the upgrade script lacks: $line"
done
grep -q 'CREATE TYPE' "$upgrade" && fail "the upgrade script makes a type again that is there"
frozen >/dev/null && fail "a version was frozen twice"
release 0.3.0 'CREATE TYPE crm.t AS (a int, b int);' >/dev/null && fail "a changed type was frozen without a script by hand"
mv "$upgrade" kept
refused "a missing upgrade script" "is missing"
mv kept "$upgrade"
echo '-- later' >>"$upgrade"
refused "a changed upgrade script" "differs from it now"
sed -i '$d' "$upgrade"
sed -i "/^\[workspace.package\]/,/^\[/s/^version = \".*\"/version = \"0.2.0\"/" Cargo.toml
echo '-- later' >>"$(find sql/migrations -name '001_*')"
refused "a changed migration" "write a new migration"
sed -i '$d' "$(find sql/migrations -name '001_*')"
echo 'SELECT 1;' >sql/migrations/999_late.sql
refused "a migration in a released version" "raise the version"
rm sql/migrations/999_late.sql
frozen check >/dev/null || fail "what was put back is refused"
echo >>sql/frozen/0.1.0/pg_crm--0.1.0.sql
refused "a changed snapshot" "stays as it is"
