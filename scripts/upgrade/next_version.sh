#!/usr/bin/env bash
# Makes of this checkout, in a folder of its own, what a next version may look like: next_version.sh FOLDER VERSION
# It has a column and a table more, by a migration, a function that is new, one that answers otherwise, one with other columns,
# one that is gone, and one that its role may not call any more.
. "$(dirname "$0")/../common.sh"
folder=$1 version=$2
mkdir -p "$folder"
(cd "$ROOT" && git ls-files -z -- . ':!admin' ':!docs' ':!sql/demo' ':!fuzz/corpus' |
  tar -c --null -T -) | tar -x -C "$folder"
cd "$folder"
former=$(sed -n '/^\[workspace.package\]/,/^\[/s/^version = "\(.*\)"$/\1/p' Cargo.toml)
sed -i "/^\[workspace.package\]/,/^\[/s/^version = \"$former\"/version = \"$version\"/" Cargo.toml
sed -i "/^name = \"crm_/{n;s/^version = \"$former\"/version = \"$version\"/}" Cargo.lock

newest=$(find sql/migrations -name '[0-9]*.sql' -printf '%f\n' | sort | tail -n 1)
number=$((10#${newest%%_*} + 1))
name=$(printf '%03d_rehearsal' "$number")
cat >"sql/migrations/$name.sql" <<'SQL'
ALTER TABLE crm.venue ADD COLUMN motto text NOT NULL DEFAULT '' CONSTRAINT venue_motto_short CHECK (length(motto) <= 80);
COMMENT ON COLUMN crm.venue.motto IS 'Rehearsal: a column of a next version';
CREATE TABLE crm.rehearsed (
  org_id int NOT NULL REFERENCES crm.organisation (org_id),
  rehearsed_id bigint GENERATED ALWAYS AS IDENTITY,
  note text NOT NULL,
  PRIMARY KEY (org_id, rehearsed_id)
);
COMMENT ON TABLE crm.rehearsed IS 'Rehearsal: a table of a next version';
CREATE POLICY own_organisation ON crm.rehearsed FOR SELECT TO crm_reader USING (org_id = (SELECT crm.caller_org()));
GRANT SELECT ON crm.rehearsed TO crm_reader;
SQL
sed -i "s|^\(    [0-9]* \"${newest%.sql}\",\)$|\1\n    $number \"$name\",|" crm_ext/src/migration.rs
grep -q "$name" crm_ext/src/migration.rs || fail "the migration is not listed"

cat >>sql/schema/schema_version.sql <<'SQL'

CREATE OR REPLACE FUNCTION crm.rehearsal(venue text) RETURNS text
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$ SELECT v.motto FROM crm.venue AS v WHERE v.ref = rehearsal.venue $$;
COMMENT ON FUNCTION crm.rehearsal(text) IS 'Rehearsal: a function of a next version';
GRANT EXECUTE ON FUNCTION crm.rehearsal(text) TO crm_staff;
SQL
python3 - <<'PYTHON'
import re
def change(path, old, new):
    text = open(path).read()
    assert old in text, (path, old)
    open(path, "w").write(text.replace(old, new))
# Another answer, and another comment.
change("sql/schema/money_sum.sql", "A sum of money as it is stored:", "A sum of money as it is kept:")
# Other columns of the result.
change("sql/job/schedule.sql", "RETURNS TABLE (name text, schedule text, command text)", "RETURNS TABLE (name text, schedule text, command text, since text)")
change("sql/job/schedule.sql", "'CALL crm.run_night()')", "'CALL crm.run_night()', 'rehearsal')")
change("sql/job/schedule.sql", "'CALL crm.run_sweep()')", "'CALL crm.run_sweep()', 'rehearsal')")
change("sql/job/schedule.sql", "'CALL crm.run_imports()')", "'CALL crm.run_imports()', 'rehearsal')")
# A right that is taken back, and a function that is gone.
change("sql/schema/local_day.sql", "GRANT EXECUTE ON FUNCTION crm.day_opening(date, text, time) TO crm_reader, crm_staff;", "GRANT EXECUTE ON FUNCTION crm.day_opening(date, text, time) TO crm_reader;")
text = open("sql/job/schedule.sql").read()
open("sql/job/schedule.sql", "w").write(text[:text.index("CREATE OR REPLACE FUNCTION crm.unschedule()")])
PYTHON
