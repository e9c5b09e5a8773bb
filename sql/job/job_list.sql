CREATE OR REPLACE FUNCTION crm.job_list() RETURNS TABLE (job text, venues_done int, venues_total int, rows bigint, started_at timestamptz, updated_at timestamptz, finished_at timestamptz)
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
  PERFORM crm.require_caller();
  RETURN QUERY SELECT p.job, p.venues_done, p.venues_total, p.rows, p.started_at, p.updated_at, p.finished_at FROM crm.job_progress AS p ORDER BY p.job;
END
$$;
ALTER FUNCTION crm.job_list() OWNER TO crm_owner;
COMMENT ON FUNCTION crm.job_list() IS 'How far each job of the installation is, or was when it last ended';
GRANT EXECUTE ON FUNCTION crm.job_list() TO crm_manager;

CREATE OR REPLACE FUNCTION crm.job_runs(after bigint DEFAULT NULL, page_size int DEFAULT 50)
RETURNS TABLE (run_id bigint, job text, venue_id uuid, started_at timestamptz, finished_at timestamptz, rows bigint, milliseconds numeric, error text)
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
  caller record;
BEGIN
  IF page_size IS NULL OR page_size NOT BETWEEN 1 AND 200 THEN
    RAISE EXCEPTION 'a page has 1 to 200 rows' USING ERRCODE = '22023', COLUMN = 'page_size';
  END IF;
  SELECT * INTO caller FROM crm.require_caller();
  RETURN QUERY
  SELECT r.run_id, r.job, r.venue_id, r.started_at, r.finished_at, r.rows, r.milliseconds, r.error
  FROM crm.job_run AS r
  WHERE (after IS NULL OR r.run_id < after)
    -- What a job over all wrote, or why it failed, may be another organisation's.
    AND r.venue_id IN (SELECT v.venue_id FROM crm.venue AS v WHERE v.org_id = caller.org_id AND (caller.venue_ids IS NULL OR v.venue_id = ANY (caller.venue_ids)))
  ORDER BY r.run_id DESC LIMIT page_size;
END
$$;
ALTER FUNCTION crm.job_runs(bigint, int) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.job_runs(bigint, int) IS 'Runs of jobs at the caller''s venues, latest first, a page before a run''s number. 22023 for the size of the page.';
GRANT EXECUTE ON FUNCTION crm.job_runs(bigint, int) TO crm_manager;

CREATE OR REPLACE FUNCTION crm.night_may_start() RETURNS void
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  PERFORM crm.require_admin();
  IF EXISTS (SELECT FROM crm.job_progress AS p WHERE p.job = 'night' AND p.finished_at IS NULL
             AND EXISTS (SELECT FROM pg_stat_activity AS a WHERE a.pid = p.pid AND a.datname = current_database() AND a.state IS DISTINCT FROM 'idle')) THEN
    RAISE EXCEPTION 'the night is running' USING ERRCODE = 'CR409', HINT = 'crm.job_list() shows how far it is.';
  END IF;
END
$$;
ALTER FUNCTION crm.night_may_start() OWNER TO crm_owner;
COMMENT ON FUNCTION crm.night_may_start() IS 'Whether an admin may start the night now: 42501 for others, CR409 while it runs. For the service, which then starts it';
GRANT EXECUTE ON FUNCTION crm.night_may_start() TO crm_admin;
