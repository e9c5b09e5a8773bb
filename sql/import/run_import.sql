CREATE OR REPLACE FUNCTION crm.start_import(import int) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET lock_timeout = '2s'
AS $$
#variable_conflict use_variable
DECLARE
  org int := crm.org_of_import(import, '{checked}');
BEGIN
  UPDATE crm.import AS i SET state = 'queued', done_to = 0, created_by = COALESCE((SELECT c.principal_id FROM crm.caller() AS c), i.created_by)
  WHERE i.org_id = org AND i.import_id = import;
END
$$;
ALTER FUNCTION crm.start_import(int) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.start_import(int) IS 'Has a file that was checked be loaded by the next crm.run_imports, in the caller''s name. CR404; CR409 for one that was not checked, or is loaded.';
GRANT EXECUTE ON FUNCTION crm.start_import(int) TO crm_manager;

-- They commit between chunks, so they cannot pin their search_path for good: crm.begin_step sets it in each transaction.
CREATE OR REPLACE PROCEDURE crm.run_import(import int)
LANGUAGE plpgsql
AS $$
DECLARE
  at record;
  of_job text := 'crm.import ' || import;
  run bigint;
  written int;
  total bigint := 0;
  error text;
  chunks int := 0;
BEGIN
  SELECT i.org_id, i.state, i.venue_id INTO at FROM crm.import AS i WHERE i.import_id = run_import.import;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'unknown import %', import USING ERRCODE = 'CR404', COLUMN = 'import';
  ELSIF at.state NOT IN ('queued', 'running', 'undoing') THEN
    RAISE EXCEPTION 'import % is %', import, at.state USING ERRCODE = 'CR409', COLUMN = 'import', HINT = 'crm.check_import and then crm.start_import queue it.';
  END IF;
  IF NOT crm.begin_step(of_job, false) THEN
    RAISE NOTICE 'pg_crm: another session runs import %', import;
    RETURN;
  END IF;
  run := crm.start_run('import', ROW(at.org_id, at.venue_id)::crm.venue_key);
  COMMIT;
  LOOP
    IF NOT crm.begin_step(of_job, false) THEN
      RAISE NOTICE 'pg_crm: another session runs import %', import;
      RETURN;
    END IF;
    BEGIN
      written := crm.load_chunk(at.org_id, import) + crm.undo_chunk(at.org_id, import);
    EXCEPTION WHEN OTHERS THEN
      written := 0;
      error := SQLSTATE || ' ' || SQLERRM;
      UPDATE crm.import AS i SET failure = error WHERE i.org_id = at.org_id AND i.import_id = run_import.import;
    END;
    total := total + written;
    chunks := chunks + 1;
    IF chunks IN (1, 4, 16, 64) THEN
      -- Of tables that fill up from nothing, nothing is known, and all of their rows would be read for each chunk.
      ANALYZE crm.import_row, crm.customer, crm.customer_contact, crm.customer_tag, crm.guest_segments;
    END IF;
    PERFORM crm.end_run(run, total, error);
    COMMIT;
    EXIT WHEN written = 0;
  END LOOP;
END
$$;
COMMENT ON PROCEDURE crm.run_import(int) IS 'Loads a file that was queued, or takes it back, 1,000 rows a transaction; goes on where a former run ended. For jobs and database administrators. Call it alone, outside a transaction. CR404, CR409 where there is nothing to do.';

CREATE OR REPLACE PROCEDURE crm.run_imports()
LANGUAGE plpgsql
AS $$
DECLARE
  waiting int;
  last_done int := 0;
BEGIN
  LOOP
    SELECT i.import_id INTO waiting FROM crm.import AS i
    WHERE i.state IN ('queued', 'running', 'undoing') AND i.import_id > last_done ORDER BY i.import_id LIMIT 1;
    EXIT WHEN NOT FOUND;
    CALL crm.run_import(waiting);
    last_done := waiting;
  END LOOP;
END
$$;
COMMENT ON PROCEDURE crm.run_imports() IS 'Loads, or takes back, the files that wait for it, one after the other. For jobs and database administrators. Call it alone, outside a transaction.';
