CREATE OR REPLACE FUNCTION crm.migrate() RETURNS int
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
SET client_min_messages = warning
AS $$
DECLARE
  step record;
  target record;
  applied int := 0;
  former_role text := current_setting('role');
BEGIN
  IF NOT (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) THEN
    RAISE EXCEPTION 'only a superuser may install or migrate the CRM''s schema' USING ERRCODE = '42501';
  END IF;
  PERFORM pg_advisory_xact_lock(hashtextextended('crm.migrate', 0));
  PERFORM set_config('role', 'crm_owner', true);
  CREATE TABLE IF NOT EXISTS crm.migration (
    version    int PRIMARY KEY,
    name       text NOT NULL,
    sha256     text NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT clock_timestamp()
  );
  COMMENT ON TABLE crm.migration IS 'Numbered changes of the schema that were applied, each once';
  COMMENT ON COLUMN crm.migration.version IS 'Number; they are applied in this order';
  COMMENT ON COLUMN crm.migration.name IS 'Name';
  COMMENT ON COLUMN crm.migration.sha256 IS 'SHA-256 of the text that was applied, hexadecimal';
  COMMENT ON COLUMN crm.migration.applied_at IS 'When, by the real clock';

  IF EXISTS (SELECT FROM crm.migration WHERE version > (SELECT max(c.version) FROM crm.compiled_migrations() AS c)) THEN
    RAISE EXCEPTION 'the schema was made by a newer pg_crm than the installed library'
      USING ERRCODE = 'CR503', HINT = 'Install the newer package of pg_crm.';
  END IF;

  FOR step IN
    SELECT c.version, c.name, c.statements FROM crm.compiled_migrations() AS c
    WHERE NOT EXISTS (SELECT FROM crm.migration AS m WHERE m.version = c.version)
    ORDER BY c.version
  LOOP
    EXECUTE step.statements;
    INSERT INTO crm.migration (version, name, sha256)
    VALUES (step.version, step.name, encode(sha256(convert_to(step.statements, 'UTF8')), 'hex'));
    applied := applied + 1;
  END LOOP;

  -- No table is left unguarded, whoever wrote its migration: without a policy, only the owner's functions read it.
  FOR target IN
    SELECT c.oid::regclass AS name FROM pg_class AS c
    WHERE c.relnamespace = 'crm'::regnamespace AND c.relkind IN ('r', 'p')
      AND NOT (c.relrowsecurity AND c.relforcerowsecurity)
  LOOP
    EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY', target.name);
  END LOOP;
  PERFORM set_config('role', former_role, true);
  RETURN applied;
END
$$;
COMMENT ON FUNCTION crm.migrate() IS 'Applies the migrations that this version of pg_crm has and the database lacks; returns how many. Superusers only. CR503 where the schema is newer than the library.';

CREATE OR REPLACE FUNCTION crm.install() RETURNS int
LANGUAGE sql
SET search_path = pg_catalog, pg_temp
AS $$ SELECT crm.migrate() $$;
COMMENT ON FUNCTION crm.install() IS 'Creates the CRM''s tables in this database; again is harmless. Returns how many migrations were applied. Superusers only.';
