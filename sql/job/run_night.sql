-- Commits between chunks, so it cannot pin its search_path for good: it sets it anew in each transaction.
CREATE OR REPLACE PROCEDURE crm.run_night(as_of timestamptz DEFAULT NULL)
LANGUAGE plpgsql
AS $$
DECLARE
  work record;
  of_venue crm.venue_key;
  moment timestamptz;
  run bigint;
  written bigint;
  last_guest uuid;
  failure text;
  leader bigint := pg_catalog.hashtextextended('crm.run_night', 0);
BEGIN
  PERFORM pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', true);
  PERFORM crm.require_schema();
  moment := COALESCE(as_of, crm.now());
  IF NOT isfinite(moment) THEN
    RAISE EXCEPTION 'as_of must be an instant' USING ERRCODE = '22023', COLUMN = 'as_of';
  END IF;
  IF NOT pg_try_advisory_xact_lock(leader) THEN
    RAISE NOTICE 'pg_crm: another session runs the night';
    RETURN;
  END IF;
  run := crm.start_run('repair', NULL);
  PERFORM crm.end_run(run, crm.repair_failed(), NULL);
  COMMIT;

  FOR work IN SELECT s.org_id, s.venue_id FROM crm.venue_scoring AS s
              WHERE s.counting = 'live' OR EXISTS (SELECT FROM crm.binding AS b WHERE b.entity = 'order' AND b.backfilled_at IS NOT NULL)
              ORDER BY s.org_id, s.venue_id LOOP
    PERFORM pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', true);
    IF NOT pg_try_advisory_xact_lock(leader) THEN
      RAISE NOTICE 'pg_crm: another session took the night over';
      RETURN;
    END IF;
    of_venue := ROW(work.org_id, work.venue_id);
    run := crm.start_run('night', of_venue);
    written := 0;
    last_guest := NULL;
    COMMIT;
    LOOP
      PERFORM pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', true);
      PERFORM pg_advisory_xact_lock(leader);
      failure := NULL;
      -- One venue that fails does not stop the others.
      BEGIN
        IF last_guest IS NULL THEN
          -- A venue that came up while the backfill ended may still wait for its own.
          written := written + crm.backfill_venue(of_venue, moment) + crm.prepare_venue(of_venue, moment);
        END IF;
        SELECT r.last_guest, written + r.changed INTO last_guest, written FROM crm.rescore(of_venue, moment, last_guest, 1000) AS r;
      EXCEPTION WHEN OTHERS THEN
        failure := SQLSTATE || ' ' || SQLERRM;
        last_guest := NULL;
      END;
      COMMIT;
      EXIT WHEN last_guest IS NULL;
    END LOOP;
    PERFORM pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', true);
    PERFORM crm.end_run(run, written, failure);
    COMMIT;
  END LOOP;
END
$$;
COMMENT ON PROCEDURE crm.run_night(timestamptz) IS 'Repairs what failed, then recomputes the cut points, scores and labels of every venue as of an instant (null for now), at most 1,000 rows per transaction. Call it alone, outside a transaction; crm.job_run shows what it did.';
