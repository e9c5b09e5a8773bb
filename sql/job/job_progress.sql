CREATE OR REPLACE FUNCTION crm.start_progress(of_job text, moment timestamptz, anew boolean, total int) RETURNS timestamptz
LANGUAGE sql
SET search_path = pg_catalog, pg_temp
AS $$
  INSERT INTO crm.job_progress AS p (job, as_of, recount, venues_total, pid) VALUES (of_job, moment, anew, total, pg_backend_pid())
  ON CONFLICT (job) DO UPDATE
    SET as_of = excluded.as_of, recount = excluded.recount, venues_done = 0, venues_total = excluded.venues_total, venue_id = NULL, rows = 0,
        pid = excluded.pid, started_at = excluded.started_at, updated_at = excluded.updated_at, finished_at = NULL
  RETURNING p.started_at
$$;
COMMENT ON FUNCTION crm.start_progress(text, timestamptz, boolean, int) IS 'Starts to show how far a job is: job, as of when it works, whether it counts anew, venues to do; returns when it started';

CREATE OR REPLACE FUNCTION crm.show_progress(of_job text, at_venue uuid, more_rows bigint, more_venues int DEFAULT 0) RETURNS void
LANGUAGE sql
SET search_path = pg_catalog, pg_temp
AS $$
  UPDATE crm.job_progress AS p
  SET venues_done = p.venues_done + more_venues, venue_id = at_venue, rows = p.rows + more_rows, updated_at = clock_timestamp()
  WHERE p.job = of_job
$$;
COMMENT ON FUNCTION crm.show_progress(text, uuid, bigint, int) IS 'Shows how far a job is: venue at work, rows written and venues done since the last time';

CREATE OR REPLACE FUNCTION crm.end_progress(of_job text) RETURNS void
LANGUAGE sql
SET search_path = pg_catalog, pg_temp
AS $$
  UPDATE crm.job_progress AS p SET venue_id = NULL, updated_at = clock_timestamp(), finished_at = clock_timestamp() WHERE p.job = of_job
$$;
COMMENT ON FUNCTION crm.end_progress(text) IS 'Shows that a job has ended';

-- Sets the path for the transaction, so it cannot pin its own; every name is qualified.
CREATE OR REPLACE FUNCTION crm.begin_step(of_job text, wait boolean DEFAULT true) RETURNS boolean
LANGUAGE plpgsql
AS $$
DECLARE
  leader bigint := pg_catalog.hashtextextended(of_job, 0);
BEGIN
  PERFORM pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', true);
  -- What a job writes can be computed again: its commits need not wait for the disk.
  PERFORM pg_catalog.set_config('synchronous_commit', 'off', true);
  PERFORM pg_catalog.set_config('jit', 'off', true);
  IF wait THEN
    PERFORM pg_catalog.pg_advisory_xact_lock(leader);
  ELSIF NOT pg_catalog.pg_try_advisory_xact_lock(leader) THEN
    RETURN false;
  END IF;
  -- No job catches this: it ends here, with what it has committed.
  IF NOT pg_catalog.pg_try_advisory_xact_lock(pg_catalog.hashtext('crm.stop_job'), pg_catalog.pg_backend_pid()) THEN
    RAISE EXCEPTION 'the job was asked to stop' USING ERRCODE = '57014', HINT = 'The next run goes on where it stopped.';
  END IF;
  RETURN true;
END
$$;
COMMENT ON FUNCTION crm.begin_step(text, boolean) IS 'First statement of each transaction of a job: settings, the lock that makes it the leader, and another that crm.stop_job waits for; returns whether it leads. 57014 where it was asked to stop.';
