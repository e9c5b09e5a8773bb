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

  -- The first pass computes each venue's rule and rewrites what differs under it. A sale that began before may still
  -- write with the former rule: the second pass finds its row once such sales have ended.
  FOR pass IN 1 .. 2 LOOP
    FOR work IN SELECT s.org_id, s.venue_id FROM crm.venue_scoring AS s
                WHERE s.counting = 'live'
                   OR (pass = 1 AND EXISTS (SELECT FROM crm.binding AS b WHERE b.entity = 'order' AND b.backfilled_at IS NOT NULL))
                ORDER BY s.org_id, s.venue_id LOOP
      PERFORM pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', true);
      IF NOT pg_try_advisory_xact_lock(leader) THEN
        RAISE NOTICE 'pg_crm: another session took the night over';
        RETURN;
      END IF;
      of_venue := ROW(work.org_id, work.venue_id);
      IF pass = 1 THEN
        run := crm.start_run('night', of_venue);
      END IF;
      written := 0;
      last_guest := NULL;
      COMMIT;
      LOOP
        PERFORM pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', true);
        PERFORM pg_advisory_xact_lock(leader);
        IF crm.is_stopped() THEN
          RETURN;
        END IF;
        failure := NULL;
        -- One venue that fails does not stop the others.
        BEGIN
          IF pass = 1 AND last_guest IS NULL THEN
            -- A venue that came up while the backfill ended may still wait for its own.
            written := crm.backfill_venue(of_venue, moment) + crm.prepare_venue(of_venue, moment, true);
          END IF;
          SELECT r.last_guest, written + r.changed INTO last_guest, written FROM crm.rescore(of_venue, moment, last_guest, 1000) AS r;
        EXCEPTION WHEN OTHERS THEN
          failure := SQLSTATE || ' ' || SQLERRM;
          last_guest := NULL;
        END;
        COMMIT;
        EXIT WHEN last_guest IS NULL;
      END LOOP;
      IF pass = 1 THEN
        PERFORM pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', true);
        PERFORM crm.end_run(run, written, failure);
        COMMIT;
      END IF;
    END LOOP;
    IF pass = 1 THEN
      CALL crm.await_earlier_sales();
    END IF;
  END LOOP;
END
$$;
COMMENT ON PROCEDURE crm.run_night(timestamptz) IS 'Repairs what failed, then per venue recounts the guests whose totals differ from the orders, recomputes the cut points and rewrites the scores and labels that change, as of an instant (null for now), at most 1,000 rows per transaction. Waits up to ten seconds for sales that began under the former cut points. Ends after a chunk when crm.stop_job asks. Call it alone, outside a transaction; crm.job_run shows what it did.';
