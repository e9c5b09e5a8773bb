CREATE OR REPLACE FUNCTION crm.night_due(at timestamptz DEFAULT pg_catalog.clock_timestamp(), OUT is_due boolean, OUT next_at timestamptz)
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
  SELECT EXISTS (
           SELECT FROM crm.venue_scoring AS s JOIN crm.venue AS v ON v.org_id = s.org_id AND v.venue_id = s.venue_id
           WHERE s.counting = 'live' AND v.created_at < night.last_at
             AND NOT EXISTS (SELECT FROM crm.job_run AS j
                             WHERE j.job = 'night' AND j.venue_id = s.venue_id AND j.started_at >= night.last_at AND j.finished_at IS NOT NULL)),
         night.last_at + interval '24 hours'
  FROM (SELECT date_trunc('day', at - interval '3 hours 30 minutes', 'UTC') + interval '3 hours 30 minutes' AS last_at) AS night
$$;
COMMENT ON FUNCTION crm.night_due(timestamptz) IS 'Whether a venue that was there at the last 03:30 UTC has had no night since, and when the next is; for a scheduler that may have been away';
