CREATE OR REPLACE FUNCTION crm.note_drift() RETURNS event_trigger
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET lock_timeout = '100ms'
AS $$
DECLARE
  bound record;
  problems text;
BEGIN
  -- The platform's own migration always passes: no error of this function may reach it.
  IF to_regclass('crm.binding') IS NULL THEN
    RETURN;
  END IF;
  -- Between two versions nobody can tell: crm.migrate() is under way, or still to come.
  IF crm.schema_version() IS DISTINCT FROM crm.library_schema_version() THEN
    RETURN;
  END IF;
  FOR bound IN SELECT b.entity, b.drift FROM crm.binding AS b WHERE b.table_name IS NOT NULL LOOP
    SELECT string_agg(c.message, '; ' ORDER BY c.code, c.message) INTO problems
    FROM crm.check_binding(bound.entity) AS c WHERE c.code NOT IN ('looks_personal', 'no_index', 'no_time_index', 'not_readable', 'not_writable', 'unmapped_required')
      -- A restore makes its triggers and grants last: until then their absence says nothing.
      AND (c.code <> 'trigger_missing' OR TG_TAG IN ('DROP TRIGGER', 'CREATE TABLE'));
    IF problems IS DISTINCT FROM bound.drift THEN
      UPDATE crm.binding AS b SET drift = problems, drift_at = CASE WHEN problems IS NOT NULL THEN clock_timestamp() END WHERE b.entity = bound.entity;
      IF problems IS NOT NULL THEN
        RAISE WARNING 'pg_crm: the binding of % no longer fits: %', bound.entity, problems
          USING HINT = 'SELECT * FROM crm.check_binding(); tells the remedy. Sales go on; what they change is counted after it.';
      END IF;
    END IF;
  END LOOP;
EXCEPTION
  WHEN insufficient_privilege THEN
    NULL;  -- a restore gives the tables to their owner after it made them
  WHEN OTHERS THEN
    RAISE WARNING 'pg_crm: the bindings could not be checked: %', SQLERRM;
END
$$;
ALTER FUNCTION crm.note_drift() OWNER TO crm_owner;
COMMENT ON FUNCTION crm.note_drift() IS 'Notes what no longer fits after a change of a bound table, and warns';

CREATE EVENT TRIGGER crm_binding_changed ON ddl_command_end
  WHEN TAG IN ('ALTER TABLE', 'ALTER TYPE', 'CREATE TABLE', 'DROP TABLE', 'ALTER SCHEMA', 'DROP SCHEMA', 'DROP TRIGGER')
  EXECUTE FUNCTION crm.note_drift();
COMMENT ON EVENT TRIGGER crm_binding_changed IS 'pg_crm: notes when the platform changes a bound table; never refuses the change';
