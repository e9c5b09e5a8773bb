CREATE OR REPLACE FUNCTION crm.start_run(job text, of_venue crm.venue_key) RETURNS bigint
LANGUAGE sql
SET search_path = pg_catalog, pg_temp
AS $$
  INSERT INTO crm.job_run (job, venue_id) VALUES (job, of_venue.venue_id) RETURNING run_id
$$;
COMMENT ON FUNCTION crm.start_run(text, crm.venue_key) IS 'Logs the start of a job, for a venue or over all; returns the number of the run';

CREATE OR REPLACE FUNCTION crm.end_run(run bigint, rows_written bigint, failure text) RETURNS void
LANGUAGE sql
SET search_path = pg_catalog, pg_temp
AS $$
  UPDATE crm.job_run
  SET finished_at = clock_timestamp(), rows = rows_written, error = failure,
      milliseconds = extract(epoch FROM clock_timestamp() - started_at) * 1000
  WHERE run_id = run
$$;
COMMENT ON FUNCTION crm.end_run(bigint, bigint, text) IS 'Logs the end of a job: rows written, or what went wrong';
