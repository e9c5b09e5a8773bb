CREATE OR REPLACE FUNCTION crm.stop_job(session int) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  IF NOT EXISTS (SELECT FROM pg_stat_activity AS a WHERE a.pid = session AND a.datname = current_database()) THEN
    RAISE EXCEPTION 'no session of this database has the process id %', session USING ERRCODE = '22023', COLUMN = 'session',
      HINT = 'SELECT pid, query FROM pg_stat_activity;';
  END IF;
  PERFORM pg_advisory_lock(hashtext('crm.stop_job'), session);
END
$$;
COMMENT ON FUNCTION crm.stop_job(int) IS 'Has a job (crm.run_night, crm.run_sweep) that runs in another session, given by its process id as of pg_stat_activity, end, with 57014, after the chunk it is at; returns when that is committed. Holds for as long as the session that asks. The next run goes on where it stopped. 22023 where there is no such session.';
